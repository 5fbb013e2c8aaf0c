"""The exit code of a result that withholds entries."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.core.planning.cause import Cause
from reconciler.core.status.result import DatasetResult, Verdict, WithheldGroup
from reconciler.errors import Exit


@pytest.mark.parametrize(
    ("causes", "expected"),
    [
        ([], 0),
        ([Cause.DRIFT_MODIFIED, Cause.DRIFT_REMOVED], 4),
        ([Cause.DRIFT_MODIFIED, Cause.CONFLICT], 2),
        ([Cause.SPEC_ADDED], 2),
        ([Cause.SPEC_CHANGED], 2),
        ([Cause.UNATTRIBUTED], 2),
    ],
)
def test_withheld_entries_ask_for_an_exit_code_of_their_own(causes: list[Cause], expected: int):
    """Withheld entries exit with 2 if git changed any of them, 4 if only AWS did; graver codes win."""
    groups = tuple(WithheldGroup(cause, "", 1) for cause in causes)
    result = DatasetResult("roses", None, Verdict.WITHHELD, groups=groups)

    assert (0, expected) == (result.exit_code, result.detailed_exit_code)
    assert 7 == replace(result, exit_code=Exit.PARTIAL).detailed_exit_code


def test_a_result_that_says_nothing_else_counts_nothing():
    """As that of a dataset that could not be planned for."""
    result = DatasetResult("roses", None, Verdict.UNKNOWN)

    assert (0, 0, 0, 0) == (result.added, result.updated, result.updates, result.blocked)
    assert {()} == {result.withheld, result.quarantined, result.dropped, result.rejected, result.errors}
