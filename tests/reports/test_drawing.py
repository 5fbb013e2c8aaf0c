"""Which part of an image a drawing shows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.entries.image_view import view_of
from reconciler.reports.drawing import changed_region, extent
from tests.reports.drift.builders import entry

ECHO = ("Echo", 86, 65, 220, 334)


def region(before: tuple, after: tuple, size: tuple[int, int] = (4_000, 3_000)):
    seen = view_of(entry("a", boxes=before, size=size), entry("a", boxes=after, size=size))
    return changed_region(seen, extent(seen))


def test_a_tile_shows_what_changed_and_a_quarter_more():
    """In the proportions of a tile, around the middle of both sides; an unchanged box has no part in it."""
    same = ("Dot", 10, 10, 30, 30)
    found = region((("Echo", 2_000, 1_000, 400, 300), same), (("Echo", 2_100, 1_000, 700, 600), same))

    assert found is not None
    assert (1_200, 900) == (found.width, found.height)  # 800 by 600, half as much again
    assert (1_800, 850) == (found.x, found.y)


def test_a_tile_does_not_leave_its_image():
    """A change in a corner is shown with what is there."""
    found = region((("Echo", 0, 0, 100, 100),), (("Echo", 0, 5, 100, 100),))

    assert found is not None
    assert (0, 0) == (found.x, found.y)
    assert found.width >= 0.06 * 4_000


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, entry("a", boxes=(ECHO,))),
        (entry("a", boxes=(ECHO,)), None),
        (entry("a", "x"), entry("a", "y")),
    ],
)
def test_an_image_without_a_changed_box_is_shown_whole(before, after):
    """One that is on one side only, and one whose labels alone changed."""
    seen = view_of(before, after)

    assert changed_region(seen, extent(seen)) is None


def test_a_change_of_nearly_all_of_an_image_is_shown_whole():
    """An enlargement would show the same."""
    assert region((("Echo", 10, 10, 3_900, 2_900),), (("Echo", 20, 10, 3_900, 2_900),)) is None


boxes = st.tuples(st.just("x"), *[st.integers(0, 900)] * 2, *[st.integers(1, 500)] * 2)


@given(boxes, boxes, st.integers(50, 2_000), st.integers(50, 2_000))
def test_a_part_lies_in_its_image(before, after, width, height):
    """Whatever the boxes, also those that stick out."""
    found = region((before,), (after,), (width, height))
    if found is not None:
        assert found.x >= 0
        assert found.y >= 0
        assert found.x + found.width <= width + 1e-6
        assert found.y + found.height <= height + 1e-6


def test_the_canvas_has_the_size_of_the_image():
    """As stated by the lines, else that of the picture, else one that holds every box."""
    tall = view_of(entry("a", boxes=(ECHO,), size=(480, 640)), None)
    unknown = view_of(entry("a", "x"), None)

    assert (480, 640, True) == extent(tall, (1, 1))
    assert (100, 50, True) == extent(unknown, (100, 50))
    assert not extent(unknown).known
