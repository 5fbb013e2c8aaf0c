"""The images of a drift report as data of its page: the lines of both sides of an image, one below the other."""

from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.drift.report import LineTexts
from reconciler.core.entries.entry import canonical
from reconciler.reports.drift.images import Row, marked, unified
from tests.reports.drift.builders import entry

texts = st.text(max_size=12)


def lines(desired, observed) -> LineTexts:
    return LineTexts(
        *(canonical(side).decode() if side is not None else None for side in (desired, observed))
    )


def boxed(*lefts: int):
    return entry("a", boxes=tuple(("x", left, 2, 3, 4) for left in lefts))


def test_only_what_differs_is_marked():
    """A box that moved is a row of git above one of AWS, its number marked, with one row around them."""
    rows = list(unified(lines(boxed(101, 500), boxed(111, 500))))

    assert ["", " ", "-", "+", " "] == [row.sign for row in rows]
    (ours, theirs) = (row for row in rows if row.sign in ("-", "+"))
    assert (("101",), ("111",)) == (ours.parts[1::2], theirs.parts[1::2])
    assert ours.parts[::2] == theirs.parts[::2]


def test_two_numbers_that_differ_are_two_marks():
    """What stands between them is common to both."""
    before, after = marked('{"left": 189, "top": 251, "width": 49}', '{"left": 199, "top": 251, "width": 57}')

    assert (("189", "49"), ("199", "57")) == (before[1::2], after[1::2])


def test_rows_with_little_in_common_are_not_dotted_with_marks():
    """That they differ says it all; a row of endless length is not compared word by word."""
    assert (("rose",), ("{}, 7",)) == marked("rose", "{}, 7")
    assert 1 == len(marked("a " * 300, "a " * 299 + "b")[0])


def test_an_image_on_one_side_has_all_its_rows():
    """Nothing is beside them."""
    assert {"-"} == {row.sign for row in unified(lines(entry("a", "rose"), None))}
    assert {"+"} == {row.sign for row in unified(lines(None, entry("a", "rose")))}


@given(texts, texts)
def test_marking_a_row_loses_nothing(ours, theirs):
    """The parts of each side are that side."""
    one, other = marked(ours, theirs)

    assert (ours, theirs) == ("".join(one), "".join(other))


@given(texts, texts)
def test_a_difference_loses_nothing_that_differs(ours, theirs):
    """Every row that is on one side only is in it."""
    found = {(row.sign, row.text) for row in unified(lines({"a": ours}, {"a": theirs}))}

    if ours != theirs:
        assert {"-", "+"} == {sign for sign, _ in found}
    else:
        assert set() == found


def test_equal_sides_have_no_difference():
    """Not even the rows around it."""
    same = lines(entry("a", "rose"), entry("a", "rose"))

    assert [] == [row for row in unified(same) if row != Row("", ())]
