"""The exit code of a result that withholds entries."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from reconciler.core.planning.cause import Cause
from reconciler.core.planning.withholding import Withheld
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


@pytest.mark.parametrize("by", [None, *Withheld])
def test_what_withholds_a_group_is_a_value_and_not_its_words(by: Withheld | None):
    """The reason is for people: a text that ends like a setting decides nothing."""
    group = WithheldGroup(Cause.SPEC_CHANGED, "not selected, images: require, onChange: plan", 1, by)

    assert (by is Withheld.ON_CHANGE, by is Withheld.IMAGES, by is Withheld.NOT_SELECTED) == (
        group.waits,
        group.waits_for_images,
        group.is_not_selected,
    )


def test_a_result_that_says_nothing_else_counts_nothing():
    """As that of a dataset that could not be planned for."""
    result = DatasetResult("roses", None, Verdict.UNKNOWN)

    assert (0, 0, 0, 0) == (result.added, result.updated, result.updates, result.blocked)
    assert {()} == {result.withheld, result.quarantined, result.dropped, result.rejected, result.errors}
