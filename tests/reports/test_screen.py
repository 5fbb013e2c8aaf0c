"""Lines for a terminal."""

import re

from hypothesis import given
from hypothesis import strategies as st

from reconciler.reports.screen import Ink, More, Screen, Span, line

ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


def drawn(*parts: str | Span | More, width: int = 60, **more: bool) -> list[str]:
    return list(Screen(width, wraps=True, **more).draw([line(*parts)]))


def test_a_long_line_is_continued_below_at_a_space():
    """A terminal would break it in the middle of a word."""
    text = "  Blocked: 5 of 12 observed entries (41.7%) would be overwritten, the limit is 30.0%"

    assert [
        "  Blocked: 5 of 12 observed entries (41.7%) would be",
        "      overwritten, the limit is 30.0%",
    ] == drawn(text)
    assert [text] == list(Screen(60).draw([line(text)]))  # in a pipe a line stays one


def test_a_path_stays_whole_however_long_it_is():
    """It is there to be copied."""
    path = "s3://acme-flowers/train/" + "x" * 80 + ".jpg"

    assert ["+", f"    {path}", "    specs/train.jsonl:7"] == drawn(
        "+", f" {path}", Span("  specs/train.jsonl:7")
    )


def test_a_word_of_two_inks_stays_whole():
    """The colon belongs to the word before it, whatever colours both."""
    rows = drawn("x" * 52, " ", Span("abcdefgh", Ink.RED), Span(":", Ink.DIM), " end")

    assert ["x" * 52, "    abcdefgh: end"] == rows


def test_what_is_left_out_is_still_counted():
    assert ["… and 7 more"] == drawn(More(7))


@given(
    st.lists(st.tuples(st.text(), st.sampled_from(Ink)), max_size=8),
    st.integers(60, 120),
    st.booleans(),
)
def test_wrapping_loses_and_adds_nothing_but_spaces(parts, width, colour):
    """And no line is too wide, unless a single word is."""
    whole = "".join(Screen(width).draw([line(*(Span(*part) for part in parts))]))
    rows = [
        ESCAPES.sub("", row) for row in drawn(*(Span(*part) for part in parts), width=width, colour=colour)
    ]

    assert whole.split() == [word for row in rows for word in row.split()]
    assert all(len(row) <= width or len(row.split()) <= 1 for row in rows)
