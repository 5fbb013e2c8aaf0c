"""What the datasets of a spec tree teach, for people: labels of each, and the balance of TRAIN and TEST."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from reconciler.core.statistics import Balance, DatasetCounts, DatasetStatistics, Pair, Statistics
from reconciler.core.validation.problem import Problem
from reconciler.reports.registry import RenderOptions
from reconciler.reports.screen import Ink, Line, More, Screen, Span, error_lines, indented, line, stacked
from reconciler.reports.visible import counted, shortened, visible

_LABEL_COLUMNS: Final = 40
_RAREST: Final = 3
_PAIRS: Final = 3

Row = tuple[str, ...]


def render(statistics: Statistics, options: RenderOptions) -> Iterator[Line]:
    """Yield the statistics as text."""
    blocks = [_dataset(dataset, options.screen) for dataset in statistics.datasets]
    blocks += [_balance(balance, options.screen) for balance in statistics.balances]
    return stacked(blocks)


def _dataset(dataset: DatasetStatistics, screen: Screen) -> Iterator[Line]:
    whose = f"  {dataset.kind} of {dataset.project}" if dataset.kind else ""
    yield line(Span(dataset.name, Ink.BOLD), whose)
    yield from indented(error_lines(dataset.errors, screen))
    if not dataset.kind:
        return
    counts = dataset.counts
    yield line(f"  {images_line(counts)}")
    if counts.boxes.total:
        yield line(f"  {boxes_line(counts)}")
    yield from indented(_labels(counts, screen))
    if len(counts.labels) > 1:
        rarest = sorted(counts.labels, key=lambda label: (label.images, label.label))[:_RAREST]
        yield line(f"  rarest: {', '.join(f'{visible(one.label)} {one.images:,}' for one in rarest)}")
    if counts.pairs:
        shown = counts.pairs if screen.limit is None else counts.pairs[:_PAIRS]
        yield line(f"  most often on one image: {', '.join(map(pair_text, shown))}")
    yield from indented(_training(dataset.training))


def images_line(counts: DatasetCounts) -> str:
    """Return the number of images, and of each kind."""
    parts = [
        f"{number:,} {what}"
        for number, what in (
            (counts.labelled, "with labels"),
            (counts.negative, "negative"),
            (counts.unlabelled, "unlabelled"),
        )
        if number
    ]
    return f"{counted(counts.images, 'image')}: {', '.join(parts)}" if parts else "0 images"


def boxes_line(counts: DatasetCounts) -> str:
    """Return the number of boxes, of those on one image, and of each size; there is at least one."""
    boxes = counts.boxes
    mean = boxes.total / counts.boxed
    where = f"{counted(boxes.total, 'box', 'boxes')} on {counted(counts.boxed, 'image')}"
    sizes = f"{boxes.small:,} small, {boxes.medium:,} medium, {boxes.large:,} large"
    return f"{where}: {mean:.1f} on average, at most {counts.most_boxes}; {sizes}"


def _labels(counts: DatasetCounts, screen: Screen) -> Iterator[Line]:
    if not counts.labels:
        return
    with_boxes = counts.boxes.total > 0
    head: Row = ("label", "images", *(("boxes", "small", "medium", "large") if with_boxes else ()))
    rows = []
    for label in counts.labels:
        sizes = (label.boxes.total, *label.boxes) if with_boxes else ()
        rows.append((label.label, *(f"{number:,}" for number in (label.images, *sizes))))
    yield from _table(head, rows, screen.limit)


def pair_text(pair: Pair) -> str:
    """Return two labels, and on how many images they are together."""
    return f"{visible(pair.one)} + {visible(pair.other)} {pair.images:,}"


def _balance(balance: Balance, screen: Screen) -> Iterator[Line]:
    names = f"{balance.train.name} and {balance.test.name}"
    yield line(Span(f"TRAIN and TEST of {balance.train.project}", Ink.BOLD), f"  {names}")
    rows = [(one.label, f"{one.train:,}", f"{one.test:,}", f"{one.test_share:.0%}") for one in balance.labels]
    yield from indented(_table(("label", "train", "test", "in test"), rows, screen.limit))
    yield from indented(_training(balance.training))


def _training(problems: Sequence[Problem]) -> Iterator[Line]:
    if not problems:
        yield line("training: ", Span("the minimum is met", Ink.GREEN))
    for problem in problems:
        ink = Ink.RED if problem.is_error else Ink.YELLOW
        code = Span(f"({problem.code})", Ink.DIM)
        yield line("training: ", Span(problem.severity.value, ink), f": {problem.message} ", code)


def _table(head: Row, rows: Sequence[Row], limit: int | None) -> Iterator[Line]:
    """Yield a table: the first column to the left, the others to the right; labels are shortened, never split."""
    shown = [
        (shortened(visible(first), _LABEL_COLUMNS), *rest)
        for first, *rest in (rows if limit is None else rows[:limit])
    ]
    widths = [max(map(len, column)) for column in zip(head, *shown, strict=True)]
    for number, row in enumerate((head, *shown)):
        cells = [
            row[0].ljust(widths[0]),
            *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True)),
        ]
        yield line(Span("  ".join(cells), Ink.PLAIN if number else Ink.DIM))
    if left := len(rows) - len(shown):
        yield line(More(left))
