"""Count what a dataset teaches: images, labels, boxes and their sizes, line by line, keeping none of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import combinations
from typing import Final, NamedTuple

from reconciler.core.entries.training_view import Meaning
from reconciler.core.planning.plan import PlanError
from reconciler.core.spec.choices import DatasetType
from reconciler.core.validation.problem import Problem
from reconciler.errors import Exit, exit_code_of_problems

# Areas in pixels, as COCO has them (https://cocodataset.org/#detection-eval).
SMALL_BELOW: Final = 32 * 32
MEDIUM_BELOW: Final = 96 * 96

MAX_PAIRS: Final = 1_000


class BoxSizes(NamedTuple):
    """Boxes by area: small below 32 x 32 pixels, medium below 96 x 96, and large."""

    small: int = 0
    medium: int = 0
    large: int = 0

    @property
    def total(self) -> int:
        return self.small + self.medium + self.large


NO_BOXES: Final = BoxSizes()


class LabelStatistics(NamedTuple):
    """One label: the images that carry it, at image level or on a box, and its boxes."""

    label: str
    images: int
    boxes: BoxSizes


class Pair(NamedTuple):
    """Two labels, in alphabetical order, and the images that carry both."""

    one: str
    other: str
    images: int


@dataclass(frozen=True, slots=True)
class DatasetCounts:
    """
    What the lines of one dataset say.

    Attributes:
        labelled: Images with a label, at image level or on a box.
        negative: Images that were annotated and have no box.
        unlabelled: All others: training ignores them.
        boxed: Images with a box.
        most_boxes: The largest number of boxes on one image.
        labels: By images, most first.
        pairs: By images, most first; at most `MAX_PAIRS`.
    """

    labelled: int = 0
    negative: int = 0
    unlabelled: int = 0
    boxed: int = 0
    most_boxes: int = 0
    boxes: BoxSizes = NO_BOXES
    labels: tuple[LabelStatistics, ...] = ()
    pairs: tuple[Pair, ...] = ()

    @property
    def images(self) -> int:
        return self.labelled + self.negative + self.unlabelled


class DatasetTally:
    """Running counts; memory grows with labels, not with lines."""

    def __init__(self) -> None:
        self._labelled = self._negative = self._unlabelled = self._boxed = self._most_boxes = 0
        self._labels: Counter[str] = Counter()
        self._pairs: Counter[tuple[str, str]] = Counter()
        self._sizes: dict[str, list[int]] = {}

    def add(self, shown: Meaning) -> None:
        """Count one line; takes 2 µs and 0.3 µs for each box."""
        names = set(shown.labels)
        for label, _, _, width, height in shown.boxes:
            names.add(label)
            area = width * height
            kind = 0 if area < SMALL_BELOW else 1 if area < MEDIUM_BELOW else 2
            sizes = self._sizes.get(label)
            if sizes is None:
                sizes = self._sizes[label] = [0, 0, 0]
            sizes[kind] += 1
        if count := len(shown.boxes):
            self._boxed += 1
            self._most_boxes = max(self._most_boxes, count)
        if not names:
            self._negative += bool(shown.sizes)
            self._unlabelled += not shown.sizes
            return
        self._labelled += 1
        self._labels.update(names)
        if len(names) > 1:
            self._pairs.update(combinations(sorted(names), 2))

    def counts(self) -> DatasetCounts:
        """Return the counts so far."""
        labels = [
            LabelStatistics(label, images, BoxSizes(*self._sizes.get(label, ())))
            for label, images in sorted(self._labels.items(), key=lambda item: (-item[1], item[0]))
        ]
        pairs = sorted(self._pairs.items(), key=lambda item: (-item[1], item[0]))[:MAX_PAIRS]
        return DatasetCounts(
            labelled=self._labelled,
            negative=self._negative,
            unlabelled=self._unlabelled,
            boxed=self._boxed,
            most_boxes=self._most_boxes,
            boxes=BoxSizes(*(sum(column) for column in zip(*self._sizes.values(), strict=True))),
            labels=tuple(labels),
            pairs=tuple(Pair(one, other, images) for (one, other), images in pairs),
        )


@dataclass(frozen=True, slots=True)
class DatasetStatistics:
    """
    One dataset.

    Attributes:
        kind: None if its document could not be read.
        training: What training would refuse or ignore of the dataset as a whole.
        errors: What is wrong with its specs; the lines concerned are not counted.
    """

    name: str
    project: str = ""
    kind: DatasetType | None = None
    counts: DatasetCounts = DatasetCounts()
    training: tuple[Problem, ...] = ()
    errors: tuple[PlanError, ...] = ()


class LabelSplit(NamedTuple):
    """The images of one label in both datasets of a project."""

    label: str
    train: int
    test: int

    @property
    def test_share(self) -> float:
        """Return the part of its images that are in the test dataset."""
        return self.test / (self.train + self.test)


@dataclass(frozen=True, slots=True)
class Balance:
    """
    A training dataset beside the test dataset of its project.

    Attributes:
        labels: Those with the smallest share of test images first.
    """

    train: DatasetStatistics
    test: DatasetStatistics
    labels: tuple[LabelSplit, ...] = ()
    training: tuple[Problem, ...] = ()


def splits(train: DatasetCounts, test: DatasetCounts) -> tuple[LabelSplit, ...]:
    """Return the split of every label that either dataset has."""
    ours, theirs = ({label.label: label.images for label in counts.labels} for counts in (train, test))
    found = [LabelSplit(label, ours.get(label, 0), theirs.get(label, 0)) for label in ours.keys() | theirs]
    return tuple(sorted(found, key=lambda one: (one.test_share, one.label)))


@dataclass(frozen=True, slots=True)
class Statistics:
    """All selected datasets, and those of them that belong together."""

    datasets: tuple[DatasetStatistics, ...]
    balances: tuple[Balance, ...] = ()
    revision: str | None = None

    @property
    def exit_code(self) -> Exit:
        return exit_code_of_problems(error.code for dataset in self.datasets for error in dataset.errors)
