"""The exit codes, and which of several counts."""

import pytest

from reconciler.errors import GRAVITY, Exit, UnknownAnswer, gravest


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
def test_the_gravest_code_is_the_answer(codes, expected):
    """When several datasets differ, the command ends with the gravest of their codes."""
    assert expected == gravest(map(Exit, codes))


def test_every_code_of_a_dataset_has_a_gravity():
    """Only signals, which end the whole process, have none."""
    assert set(GRAVITY) == set(Exit) - {Exit.INTERRUPTED, Exit.TERMINATED}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é ☃", "plain é ☃"),
        ("a\x1b[31mred\r\nline\x00", "a\\x1b[31mred\\r\\nline\\x00"),
        ("\ud800", "\\ud800"),
        ("x" * 300_000, "x" * 1_999 + "…"),
    ],
)
def test_an_answer_is_quoted_on_one_line_of_bounded_length(text: str, shown: str):
    """Whatever an answer holds, the message neither moves the cursor of a terminal nor fills the screen."""
    assert shown == str(UnknownAnswer(text))
