"""The combined exit code of several results."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.core.planning.cause import Cause
from reconciler.core.status.result import GRAVITY, DatasetResult, Verdict, WithheldGroup, gravest


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ([], 0),
        ([0, 0], 0),
        ([0, 2], 2),
        ([2, 4], 4),
        ([7, 4], 7),
        ([6, 7], 6),
        ([6, 3], 3),
        ([3, 5], 5),
        ([5, 8], 8),
        ([8, 1], 1),
        ([0, 2, 4, 7, 6, 3, 5, 8, 1], 1),
    ],
)
def test_the_gravest_code_is_the_answer(codes: list[int], expected: int) -> None:
    assert expected == gravest(codes)


def test_every_code_of_a_dataset_has_its_place() -> None:
    assert sorted(GRAVITY) == [0, 1, 2, 3, 4, 5, 6, 7, 8, 64]


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
    assert 7 == replace(result, exit_code=7).detailed_exit_code
