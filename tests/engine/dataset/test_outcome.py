"""The result of an apply."""

from __future__ import annotations

import pytest

from reconciler.core.planning import plan
from reconciler.core.planning.cause import Cause
from reconciler.core.planning.withholding import Withheld
from reconciler.core.status.result import Verdict, WithheldEntry
from reconciler.engine.dataset.outcome import _grouped, unplanned
from reconciler.errors import Exit
from tests.builders import ref


@pytest.mark.parametrize("exit_code", [code for code in Exit if code is not Exit.DONE])
def test_only_specs_that_cannot_be_used_have_failed(exit_code: Exit):
    """Whatever else kept a dataset from being planned, nothing is known of what AWS holds."""
    result = unplanned(plan.unplanned("roses", [plan.PlanError("RKD5012", "no answer")], exit_code))

    verdict = Verdict.FAILED if exit_code is Exit.INVALID else Verdict.UNKNOWN
    assert (verdict, exit_code, False) == (result.verdict, result.exit_code, result.complete)
    assert ["no answer"] == [error.message for error in result.errors]


def test_what_is_withheld_is_counted_by_cause_and_reason():
    """In their order; the policy that withholds an entry parts groups that read the same."""
    conflict, added = Cause.CONFLICT, Cause.SPEC_ADDED
    entries = [
        WithheldEntry(ref(str(number)), None, cause, reason, by)
        for number, (cause, reason, by) in enumerate(
            [
                (added, "b", Withheld.ON_CHANGE),
                (conflict, "b", Withheld.ON_CHANGE),
                (added, "a", Withheld.ON_CHANGE),
                (added, "b", Withheld.ON_CHANGE),
                (added, "b", Withheld.NOT_SELECTED),
            ]
        )
    ]

    groups = _grouped(entries)

    assert [
        ("a", 1, Withheld.ON_CHANGE),
        ("b", 2, Withheld.ON_CHANGE),
        ("b", 1, Withheld.NOT_SELECTED),
    ] == [group[1:] for group in groups if group.cause is added]
    assert [("b", 1, Withheld.ON_CHANGE)] == [group[1:] for group in groups if group.cause is conflict]
    assert sorted(group.cause for group in groups) == [group.cause for group in groups]
