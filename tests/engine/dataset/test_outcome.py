"""The result of an apply that sent nothing."""

from __future__ import annotations

import pytest

from reconciler.core.planning import plan
from reconciler.core.status.result import Verdict
from reconciler.engine.dataset.outcome import unplanned
from reconciler.errors import Exit


@pytest.mark.parametrize("exit_code", [code for code in Exit if code is not Exit.DONE])
def test_only_specs_that_cannot_be_used_have_failed(exit_code: Exit):
    """Whatever else kept a dataset from being planned, nothing is known of what AWS holds."""
    result = unplanned(plan.unplanned("roses", [plan.PlanError("RKD5012", "no answer")], exit_code))

    verdict = Verdict.FAILED if exit_code is Exit.INVALID else Verdict.UNKNOWN
    assert (verdict, exit_code, False) == (result.verdict, result.exit_code, result.complete)
    assert ["no answer"] == [error.message for error in result.errors]
