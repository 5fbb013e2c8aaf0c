"""Whole pixels: the rule, and what it promises of any numbers."""

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.convert.geometry import beyond, number, whole
from reconciler.convert.record import Rectangle
from reconciler.core.validation.problem import Origin

HERE = Origin("x", 1)
SIZE = (640, 480)
EDGES = st.decimals(-50, 700, places=3)


def rectangle(left, top, right, bottom):
    return Rectangle("x", *(Decimal(edge) for edge in (left, top, right, bottom)), HERE)


@pytest.mark.parametrize(
    ("edges", "expected"),
    [
        (("86", "65", "306", "399"), (86, 65, 220, 334)),
        (("19.23", "83.18", "333.73", "327.64"), (19, 83, 315, 245)),
        (("0.5", "1.5", "10.5", "12.5"), (1, 2, 10, 11)),
        (("-0.4", "-0.5", "10.4", "12"), (0, -1, 10, 13)),
        (("0.49999999999999994", "0", "9", "9"), (0, 0, 9, 9)),  # 1 if a binary 0.5 were added to it
    ],
)
def test_each_edge_goes_to_the_nearest_pixel(edges, expected):
    """Halves away from zero; lengths follow from edges."""
    assert ("x", *expected) == whole(rectangle(*edges), SIZE, clip=False)


@given(EDGES, EDGES, EDGES)
def test_boxes_that_touch_still_touch(left, middle, right):
    """Whatever fraction their common edge has."""
    one = whole(rectangle(left, 0, middle, 9), SIZE, clip=False)
    other = whole(rectangle(middle, 0, right, 9), SIZE, clip=False)

    assert one.left + one.width == other.left


@given(st.lists(st.decimals(0, 480, places=4), min_size=4, max_size=4))
def test_no_box_is_rounded_out_of_its_image(edges):
    assert 0 == beyond(whole(rectangle(*edges[:2], *edges[2:]), (480, 480), clip=False), (480, 480))


@given(EDGES, EDGES, EDGES, EDGES)
def test_a_box_that_is_clipped_is_within(left, top, right, bottom):
    """Wherever it was; one that is within anyhow is not changed."""
    exact = rectangle(left, top, right, bottom)
    clipped, plain = whole(exact, SIZE, clip=True), whole(exact, SIZE, clip=False)

    assert 0 == beyond(clipped, SIZE)
    if min(plain.width, plain.height) >= 0 and not beyond(plain, SIZE):
        assert plain == clipped


@pytest.mark.parametrize(
    "text",
    ["", "x", "nan", "inf", "1e99", "1_0", "٣", "0x10", "1,5", "9" * 70, True, None, [1], math.nan, math.inf],
)
def test_what_is_no_number_is_none(text):
    """Digits of other scripts, infinities, and what is too large for an image, among it."""
    assert number(text) is None


@pytest.mark.parametrize("text", ["0.5", " .5\n", "5e-1", "+0.50", 0.5, Decimal("0.5")])
def test_a_number_may_be_written_in_any_way(text):
    assert Decimal("0.5") == number(text)
