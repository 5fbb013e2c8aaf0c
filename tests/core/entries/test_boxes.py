"""Matching observed boxes to desired boxes."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.entries.boxes import EXACT_UP_TO, BoxPair, assign, iou, pair_boxes
from reconciler.core.entries.training_view import TrainingBox

CAT = TrainingBox("cat", 10, 10, 100, 80)
DOG = TrainingBox("dog", 300, 200, 50, 50)


def moved(box: TrainingBox, right: float = 0, down: float = 0) -> TrainingBox:
    return box._replace(left=box.left + right, top=box.top + down)


def sides(scores: list[list[float]]) -> float:
    return sum(scores[row][column] for row, column in assign(scores))


def by_trying_all(scores: list[list[float]]) -> float:
    if len(scores) > len(scores[0]):
        scores = [list(column) for column in zip(*scores, strict=True)]
    rows = range(len(scores))
    ways = permutations(range(len(scores[0])), len(scores))
    return max(sum(scores[row][way[row]] for row in rows) for way in ways)


matrices = st.tuples(st.integers(1, 5), st.integers(1, 6)).flatmap(
    lambda size: st.lists(
        st.lists(st.integers(0, 20).map(float), min_size=size[1], max_size=size[1]),
        min_size=size[0],
        max_size=size[0],
    )
)
boxes = st.lists(
    st.builds(
        TrainingBox,
        st.sampled_from(["cat", "dog"]),
        st.integers(0, 60),
        st.integers(0, 60),
        st.integers(1, 40),
        st.integers(1, 40),
    ),
    max_size=7,
)


@given(matrices)
def test_an_assignment_is_the_best_there_is(scores):
    """No other assignment has a higher sum, as exhaustive search shows."""
    assert by_trying_all(scores) == sides(scores)


@given(matrices)
def test_an_assignment_uses_everything_once_at_most(scores):
    """No row or column is in two pairs, and no forbidden pair is used."""
    pairs = assign(scores)

    assert len(pairs) == len({row for row, _ in pairs}) == len({column for _, column in pairs})
    assert all(scores[row][column] > 0 for row, column in pairs)


@pytest.mark.parametrize("scores", [[], [[]], [[0.0]], [[0.0, 0.0], [0.0, 0.0]]])
def test_nothing_to_pair_is_no_pair(scores):
    """Empty sides and forbidden pairs give no pair."""
    assert [] == assign(scores)


def test_a_crowd_is_paired_without_taking_for_ever():
    """Beyond the size that the exact method can handle, pairs are chosen greedily."""
    size = EXACT_UP_TO + 50
    scores = [[1.0 if row == column else 0.25 for column in range(size)] for row in range(size)]

    assert [(n, n) for n in range(size)] == assign(scores)


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (CAT, 1.0),
        (moved(CAT, right=50), 1 / 3),
        (moved(CAT, right=100), 0.0),
        (TrainingBox("cat", 10, 10, 0, 0), 0.0),
    ],
)
def test_overlap_is_a_share_of_the_area_covered(other, expected):
    """Equal boxes overlap fully, boxes that only touch not at all."""
    assert pytest.approx(expected) == iou(CAT, other)


def test_a_box_that_moved_is_one_box():
    """A box of the same label at a slightly different place is a moved box."""
    (pair,) = pair_boxes([CAT], [moved(CAT, right=5)])

    assert (True, False) == (pair.is_moved, pair.is_relabelled)
    assert pytest.approx(95 / 105) == pair.iou


def test_a_tiny_box_that_was_dragged_is_one_box():
    """A box four pixels wide that moved by five is matched by its size."""
    speck = TrainingBox("cat", 10, 10, 4, 4)

    assert (BoxPair(speck, moved(speck, right=5)),) == pair_boxes([speck], [moved(speck, right=5)])


def test_a_box_of_another_size_elsewhere_is_another_box():
    """A box that matches neither in place nor in size is one removed and one added box."""
    other = TrainingBox("cat", 300, 300, 40, 60)

    assert {BoxPair(CAT, None), BoxPair(None, other)} == set(pair_boxes([CAT], [other]))


def test_an_overlap_counts_more_than_a_size():
    """An overlapping box is preferred to a distant one of the same size."""
    near, far = CAT._replace(width=90), moved(CAT, right=400)

    assert (BoxPair(CAT, near), BoxPair(None, far)) == pair_boxes([CAT], [near, far])


def test_another_label_at_the_same_place_is_a_relabel():
    """A box of another label at the same place is a relabelled box."""
    (pair,) = pair_boxes([CAT], [CAT._replace(label="dog")])

    assert (False, True) == (pair.is_moved, pair.is_relabelled)


def test_another_label_elsewhere_is_another_box():
    """A box of another label at another place is one removed and one added box."""
    assert (BoxPair(CAT, None), BoxPair(None, DOG)) == pair_boxes([CAT], [DOG])


def test_another_label_that_only_touches_is_another_box():
    """A third of the area in common is not the same place for boxes of different labels."""
    dog = moved(CAT, right=50)._replace(label="dog")

    assert (BoxPair(CAT, None), BoxPair(None, dog)) == pair_boxes([CAT], [dog])


def test_the_label_decides_before_the_overlap():
    """Two boxes that swapped places are matched by label: both moved, neither was relabelled."""
    left, right = TrainingBox("cat", 0, 0, 20, 20), TrainingBox("dog", 5, 0, 20, 20)
    swapped = [right._replace(label="cat"), left._replace(label="dog")]

    assert [True, True] == [pair.is_moved for pair in pair_boxes([left, right], swapped)]


@given(boxes, boxes)
def test_no_box_is_lost_or_invented(desired, observed):
    """Every box of both sides is in exactly one pair."""
    pairs = pair_boxes(desired, observed)

    assert sorted(desired) == sorted(pair.desired for pair in pairs if pair.desired)
    assert sorted(observed) == sorted(pair.observed for pair in pairs if pair.observed)


@given(boxes, st.randoms())
def test_the_order_of_boxes_means_nothing(found, random):
    """The order of boxes does not change how they are matched."""
    shuffled = list(found)
    random.shuffle(shuffled)

    assert all(pair.is_same for pair in pair_boxes(found, shuffled))


def test_a_box_that_overlaps_is_paired_by_its_overlap_and_not_by_its_size():
    """Where one box of the same size and one of another overlap it, the nearer one is the moved box."""
    near, far = moved(CAT, right=10), CAT._replace(width=40)

    assert {BoxPair(CAT, near), BoxPair(None, far)} == set(pair_boxes([CAT], [near, far]))


def test_of_boxes_of_one_size_that_overlap_nothing_the_nearest_was_dragged():
    """Down counts as much as to the right."""
    near, far = moved(CAT, right=150, down=150), moved(CAT, right=400)

    assert BoxPair(CAT, near) in pair_boxes([CAT], [far, near])
