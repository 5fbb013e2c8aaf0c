"""What the datasets of a spec tree teach, for programs: stats/v1."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Literal, NotRequired

from typing_extensions import TypedDict

from reconciler.core.spec.choices import DatasetType
from reconciler.core.statistics import (
    Balance,
    DatasetStatistics,
    LabelSplit,
    LabelStatistics,
    Pair,
    Statistics,
)
from reconciler.reports.documents import ErrorDoc, ProblemDoc, Rows, doc_of, encode, error_doc, problem_doc
from reconciler.reports.registry import RenderOptions


class LabelledImagesDoc(TypedDict):
    """
    Images of one dataset; ``total`` is the sum of the three below it.

    ``negative`` images were annotated and have no box; ``boxed`` ones have one. Lines with errors are not counted.
    """

    total: int
    labelled: int
    negative: int
    unlabelled: int
    boxed: int


class BoxesDoc(TypedDict):
    """Boxes by their area: ``small`` below 32 x 32 pixels, ``medium`` below 96 x 96."""

    total: int
    small: int
    medium: int
    large: int


class LabelDoc(TypedDict):
    """One label: the images that carry it, at image level or on a box, and its boxes."""

    label: str
    images: int
    boxes: BoxesDoc


class PairDoc(TypedDict):
    """Two labels, and the images that carry both."""

    labels: Sequence[str]
    images: int


class DatasetStatisticsDoc(TypedDict):
    """
    One dataset.

    ``labels`` and ``pairs`` are ordered by images, most first; of pairs there are at most 1,000. ``training`` is
    what training would refuse or ignore of the dataset as a whole; ``errors`` is what is wrong with its specs.
    """

    name: str
    project: str
    type: DatasetType | None
    images: LabelledImagesDoc
    boxes: BoxesDoc
    most_boxes_on_an_image: int
    labels: Sequence[LabelDoc]
    pairs: Sequence[PairDoc]
    training: Sequence[ProblemDoc]
    errors: Sequence[ErrorDoc]


class LabelSplitDoc(TypedDict):
    """The images of one label in both datasets of a project."""

    label: str
    train: int
    test: int
    test_share: float


class BalanceDoc(TypedDict):
    """A training dataset and the test dataset beside it; labels with the smallest share of test images first."""

    project: str
    train: str
    test: str
    labels: Sequence[LabelSplitDoc]
    training: Sequence[ProblemDoc]


class StatsDoc(TypedDict):
    """What the selected datasets teach."""

    format: Literal["stats/v1"]
    revision: str | None
    datasets: Sequence[DatasetStatisticsDoc]
    balances: Sequence[BalanceDoc]
    errors: NotRequired[Sequence[ErrorDoc]]


DOCUMENT: Final = StatsDoc


def render(statistics: Statistics, _options: RenderOptions) -> Iterator[bytes]:
    """Yield stats/v1."""
    document: StatsDoc = {
        "format": "stats/v1",
        "revision": statistics.revision,
        "datasets": Rows(statistics.datasets, _dataset),
        "balances": Rows(statistics.balances, _balance),
    }
    return encode(document)


def _dataset(dataset: DatasetStatistics) -> DatasetStatisticsDoc:
    counts = dataset.counts
    return {
        "name": dataset.name,
        "project": dataset.project,
        "type": dataset.kind,
        "images": doc_of(LabelledImagesDoc, counts, total=counts.images),
        "boxes": doc_of(BoxesDoc, counts.boxes),
        "most_boxes_on_an_image": counts.most_boxes,
        "labels": Rows(counts.labels, _label),
        "pairs": Rows(counts.pairs, _pair),
        "training": list(map(problem_doc, dataset.training)),
        "errors": list(map(error_doc, dataset.errors)),
    }


def _label(label: LabelStatistics) -> LabelDoc:
    return doc_of(LabelDoc, label, boxes=doc_of(BoxesDoc, label.boxes))


def _pair(pair: Pair) -> PairDoc:
    return {"labels": [pair.one, pair.other], "images": pair.images}


def _balance(balance: Balance) -> BalanceDoc:
    return {
        "project": balance.train.project,
        "train": balance.train.name,
        "test": balance.test.name,
        "labels": Rows(balance.labels, _split),
        "training": list(map(problem_doc, balance.training)),
    }


def _split(split: LabelSplit) -> LabelSplitDoc:
    return doc_of(LabelSplitDoc, split, test_share=round(split.test_share, 4))
