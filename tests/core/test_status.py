"""What several results come to."""

from __future__ import annotations

import pytest

from reconciler.core.status import GRAVITY, gravest


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
    assert sorted(GRAVITY) == [0, 1, 2, 3, 4, 5, 6, 7, 8]
