"""What the datasets of a spec tree teach as one HTML page with small charts, which needs nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from reconciler.core.statistics import DatasetCounts, LabelSplit, LabelStatistics, Statistics
from reconciler.reports.registry import RenderOptions
from reconciler.reports.stats.text import boxes_line, images_line, pair_text
from reconciler.reports.visible import counted
from reconciler.reports.webpage import rendered, style

_PAIRS: Final = 10
_WIDTH: Final = 240.0
"""Width of a chart, in units of its drawing."""


class Bar(NamedTuple):
    """A part of a chart: its CSS class, and its place from the left, in units of the drawing."""

    kind: str
    x: float
    width: float


def render(statistics: Statistics, options: RenderOptions) -> Iterator[bytes]:
    """Yield the page in UTF-8."""
    return rendered(
        "stats",
        style("reconciler.reports.stats", "page", "stats.css"),
        statistics=statistics,
        limit=options.page_limit,
        PAIRS=_PAIRS,
        WIDTH=_WIDTH,
        boxes_line=boxes_line,
        counted=counted,
        image_bars=_image_bars,
        images_line=images_line,
        label_bar=_label_bar,
        pair_text=pair_text,
        size_bars=_size_bars,
        split_bars=_split_bars,
    )


def _image_bars(counts: DatasetCounts) -> Sequence[Bar]:
    kinds = ("labelled", "negative", "unlabelled")
    return _stacked(kinds, (counts.labelled, counts.negative, counts.unlabelled), counts.images)


def _label_bar(label: LabelStatistics, counts: DatasetCounts) -> Sequence[Bar]:
    """Return the images of a label, against those of the most frequent one."""
    return _stacked(("labelled",), (label.images,), counts.labels[0].images)


def _size_bars(label: LabelStatistics, counts: DatasetCounts) -> Sequence[Bar]:
    """Return the boxes of a label by size, against those of the label with the most boxes."""
    most = max(each.boxes.total for each in counts.labels)
    return _stacked(("small", "medium", "large"), label.boxes, most)


def _split_bars(split: LabelSplit) -> Sequence[Bar]:
    return _stacked(("train", "test"), (split.train, split.test), split.train + split.test)


def _stacked(kinds: Sequence[str], numbers: Sequence[int], whole: int) -> Sequence[Bar]:
    """Return one bar for each number above zero, side by side, each as wide as its part of *whole*."""
    bars, before = [], 0
    for kind, number in zip(kinds, numbers, strict=True):
        if number:
            bars.append(Bar(kind, _scaled(before, whole), _scaled(number, whole)))
            before += number
    return bars


def _scaled(number: int, whole: int) -> float:
    return round(number / whole * _WIDTH, 2)
