"""Two lines side by side."""

from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.drift.report import Lines
from reconciler.core.entries.entry import canonical
from reconciler.reports.drift.lines import Parts, Row, side_by_side, unified
from tests.reports.drift.builders import entry

texts = st.text(max_size=12)


def test_differences_share_a_row():
    """A box that moved is one row on both sides, and only its number is marked."""
    sides = [
        canonical(entry("a", boxes=(("x", left, 2, 3, 4), ("x", 50, 60, 7, 8)))).decode() for left in (10, 12)
    ]

    (row,) = [row for row in side_by_side(Lines(*sides)) if row.differs]

    ours, theirs = row.parts
    assert '    {"class_id": 0, "height": 4, "left": 1' == ours.start
    assert ("0", "2") == (ours.middle, theirs.middle)


def test_an_image_on_one_side_has_nothing_beside_it():
    """Every row is there once, and the other side is empty."""
    rows = side_by_side(Lines(canonical(entry("a", "rose")).decode(), None))

    assert {None} == {row.observed for row in rows}
    assert all(row.desired for row in rows)


@given(texts, texts)
def test_parting_a_row_loses_nothing(ours, theirs):
    """The parts of each side are that side, and what stands around the middle is common to both."""
    one, other = Row(ours, theirs).parts

    assert (ours, theirs) == ("".join(one), "".join(other))
    if ours and theirs:
        assert (one.start, one.end) == (other.start, other.end)


def test_equal_sides_have_no_middle():
    """Nothing differs, nothing is marked."""
    assert (Parts("same", "", ""), Parts("same", "", "")) == Row("same", "same").parts


def test_a_unified_difference_marks_only_what_differs():
    """The row of git above that of AWS, one row around them, and a gap for the rows that are left out."""
    sides = [
        canonical(entry("a", boxes=(("x", left, 2, 3, 4), ("x", 50, 60, 7, 8)))).decode() for left in (10, 12)
    ]

    rows = list(unified(Lines(*sides)))

    differing = [(row.sign, row.middle) for row in rows if row.sign in "+-" and row.sign]
    assert [("-", "0"), ("+", "2")] == differing
    assert 2 == sum(row.sign == " " for row in rows)
    assert "" == rows[0].sign


@given(texts, texts)
def test_a_unified_difference_loses_nothing_that_differs(ours, theirs):
    """Every row on one side only is in it."""
    lines = Lines(canonical({"a": ours}).decode(), canonical({"a": theirs}).decode())
    found = {(row.sign, f"{row.start}{row.middle}{row.end}") for row in unified(lines)}

    for row in side_by_side(lines):
        if row.differs:
            assert {("-", row.desired), ("+", row.observed)} <= found
