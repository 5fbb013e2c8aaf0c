"""Counts over lines, as a person would count them."""

import orjson
import pytest

from reconciler.core.entries.training_view import meaning
from reconciler.core.planning.plan import PlanError
from reconciler.core.statistics import (
    BoxSizes,
    DatasetCounts,
    DatasetStatistics,
    DatasetTally,
    LabelSplit,
    LabelStatistics,
    Pair,
    Statistics,
    splits,
)
from reconciler.errors import Exit
from tests.builders import boxed, classified, line


def counts(*lines: bytes) -> DatasetCounts:
    tally = DatasetTally()
    for raw in lines:
        tally.add(meaning(orjson.loads(raw)))
    return tally.counts()


def test_images_are_labelled_negative_or_unlabelled():
    """A negative was annotated and has no box; an image with nothing but its address is unlabelled."""
    found = counts(
        classified("a", "rose"), boxed("b", ("rose", 0, 0, 9, 9)), boxed("c"), line("d"), line("e")
    )

    assert (2, 1, 2) == (found.labelled, found.negative, found.unlabelled)
    assert (5, 1) == (found.images, found.boxed)


def test_an_image_counts_once_for_a_label_and_each_of_its_boxes_once():
    """However many boxes of the label it has."""
    found = counts(boxed("a", ("rose", 0, 0, 9, 9), ("rose", 9, 9, 9, 9)), classified("b", "rose", "red"))

    assert (LabelStatistics("rose", 2, BoxSizes(2)), LabelStatistics("red", 1, BoxSizes())) == found.labels
    assert (2, 1) == (found.most_boxes, found.boxed)


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [
        (31, 33, BoxSizes(small=1)),
        (32, 32, BoxSizes(medium=1)),
        (95, 97, BoxSizes(medium=1)),
        (96, 96, BoxSizes(large=1)),
    ],
)
def test_boxes_are_small_medium_or_large_as_in_coco(width, height, expected):
    """By area: below 32 x 32, below 96 x 96, and from there on."""
    found = counts(boxed("a", ("rose", 0, 0, width, height)))

    assert (expected, expected) == (found.boxes, found.labels[0].boxes)


def test_pairs_are_labels_of_one_image():
    """Each pair once an image, in alphabetical order, most frequent first."""
    found = counts(
        classified("a", "rose", "red", "open"), classified("b", "rose", "red"), classified("c", "rose")
    )

    assert (Pair("red", "rose", 2), Pair("open", "red", 1), Pair("open", "rose", 1)) == found.pairs


def test_the_balance_begins_with_labels_that_are_not_tested():
    """A label that only the test dataset has comes last."""
    train = counts(classified("a", "rose", "red"), classified("b", "rose"))
    test = counts(classified("c", "rose", "open"))

    found = splits(train, test)

    assert (LabelSplit("red", 1, 0), LabelSplit("rose", 2, 1), LabelSplit("open", 0, 1)) == found
    assert [0, 1 / 3, 1] == [one.test_share for one in found]


def test_nothing_is_counted_of_nothing():
    assert DatasetCounts() == counts()


def test_specs_that_cannot_be_used_are_exit_5():
    """One dataset with errors is enough; without one, or without a dataset, all is well."""
    sound = DatasetStatistics("sound")
    broken = DatasetStatistics("broken", errors=(PlanError("RKD1001", "a line is wrong"),))

    assert [Exit.DONE, Exit.DONE, 5] == [
        Statistics(datasets).exit_code for datasets in ((), (sound,), (sound, broken))
    ]


def test_labels_of_as_many_images_stand_in_alphabetical_order():
    """Whichever came first; so do pairs."""
    found = counts(classified("a", "z", "y"), classified("b", "b", "a"), classified("c", "m"))

    assert ["a", "b", "m", "y", "z"] == [label.label for label in found.labels]
    assert [("a", "b"), ("y", "z")] == [(pair.one, pair.other) for pair in found.pairs]
