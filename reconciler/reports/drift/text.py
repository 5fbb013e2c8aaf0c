"""Drift for a terminal: the verdict on each dataset, and what happened to each image."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from reconciler.core.drift.report import DatasetDrift, Drift, DriftItem, DriftVerdict
from reconciler.core.entries.image_view import LabelBalance
from reconciler.core.planning.cause import Cause
from reconciler.core.spec.choices import DriftClass
from reconciler.reports.drift import words
from reconciler.reports.plan.words import age
from reconciler.reports.registry import RenderOptions
from reconciler.reports.screen import (
    LONGEST_NAME,
    Ink,
    Line,
    Screen,
    Span,
    error_lines,
    first_of,
    gap_lines,
    indented,
    line,
    place_span,
    stacked,
)
from reconciler.reports.sentences import ImageEvent, overlap
from reconciler.reports.visible import counted, shortened

_INKS: Final = {
    DriftVerdict.IN_SYNC: Ink.GREEN,
    DriftVerdict.DRIFTED: Ink.ALARM,
    DriftVerdict.PENDING: Ink.CYAN,
    DriftVerdict.UNKNOWN: Ink.YELLOW,
}

# Events of one image, and labels of one dataset, that are shown.
_EVENTS: Final = 5
_LABELS: Final = 10


def render(drift: Drift, options: RenderOptions) -> Iterator[Line]:
    """Yield drift as text, dataset by dataset."""
    if not drift.datasets:
        return iter([line("Nothing to observe: the specs hold no dataset.")])
    return stacked(dataset_lines(dataset, options.screen) for dataset in drift.datasets)


def dataset_lines(dataset: DatasetDrift, screen: Screen) -> Iterator[Line]:
    """Yield one dataset: its verdict, its images by class, its labels, and what went wrong."""
    return stacked(
        [
            _header(dataset),
            *(indented(_group(heading, items, dataset, screen)) for heading, items in by_class(dataset)),
            indented(_balances(dataset.labels)),
            indented(_leaks(dataset)),
            indented(error_lines(dataset.errors, screen)),
            indented(gap_lines(dataset.gap)),
        ]
    )


def by_class(dataset: DatasetDrift) -> list[tuple[str, list[DriftItem]]]:
    """
    Group the images by the most severe of their classes, each group with its heading, in order of severity.

    The heading gives the number of all images of the class, as every rendering does, and how many of them
    another group shows.
    """
    found: dict[DriftClass, list[DriftItem]] = defaultdict(list)
    for item in sorted(dataset.items, key=lambda item: item.severity):
        found[item.classes[0]].append(item)
    return [
        (_heading(kind, number, number - len(found[kind])), found[kind])
        for kind, number in dataset.counts.items()
        if number
    ]


def _heading(kind: DriftClass, number: int, elsewhere: int) -> str:
    above = f", {elsewhere:,} of them above" if elsewhere else ""
    return f"{words.CLASSES[kind]}: {counted(number, 'image')}{above}"


def item_lines(item: DriftItem, now: float | None = None) -> Iterator[Line]:
    """Yield one image, and below it what happened to it."""
    cause = words.cause(item) if item.cause is not Cause.ORPHAN else ""
    others = [f"also {words.CLASSES[kind]}" for kind in item.classes[1:]]
    notes = ", ".join(filter(None, [cause, *others, words.age(item, now)]))
    yield line(
        shortened(item.source_ref, LONGEST_NAME),
        place_span(item.origin),
        Span(f"  {notes}" if notes else "", Ink.DIM),
    )
    if item.acknowledged is not None:
        yield line(Span(f"  acknowledged: {item.acknowledged}", Ink.DIM))
    elif item.lapsed is not None:
        yield line(Span(f"  acknowledged until {item.lapsed.until}: {item.lapsed.reason}", Ink.YELLOW))
    events = list(words.events(item))
    yield from indented(first_of(events, _EVENTS, lambda event: [_event(event)]))


def _header(dataset: DatasetDrift) -> Iterator[Line]:
    verdict = dataset.verdict
    yield line(
        Span(dataset.name, Ink.BOLD),
        "  ",
        Span(words.VERDICTS[verdict], _INKS[verdict]),
        Span(f"  {dataset.arn}" if dataset.arn else "", Ink.DIM),
    )
    yield line(f"  {words.headline(dataset)}")
    if text := age(dataset.observed):
        yield line(Span(f"  {text}", Ink.DIM))
    yield from caller_lines(dataset)


def caller_lines(dataset: DatasetDrift) -> Iterator[Line]:
    """Yield the calls that may have caused the drift, below their heading."""
    for number, text in enumerate(words.callers(dataset)):
        if not number:
            yield line(f"  {words.CALLERS}")
        yield line(Span(f"    {text}", Ink.YELLOW))


def _group(heading: str, items: Sequence[DriftItem], dataset: DatasetDrift, screen: Screen) -> Iterator[Line]:
    yield line(Span(heading, Ink.BOLD))
    yield from indented(first_of(items, screen.limit, lambda item: item_lines(item, dataset.observed_at)))


def _event(event: ImageEvent) -> Line:
    return line(event.text, Span(f": {event.detail}" if event.detail else "", Ink.DIM))


def _balances(labels: Sequence[LabelBalance]) -> Iterator[Line]:
    if labels:
        yield line(Span("by label", Ink.BOLD))
    yield from indented(first_of(labels, _LABELS, lambda row: [line(balance(row))]))


def balance(row: LabelBalance) -> str:
    """Return what one label gained and lost, in a few words."""
    parts = [f"gained {row.gained:,}"] if row.gained else []
    parts += [f"lost {row.lost:,}"] if row.lost else []
    if row.mean_iou is not None:
        parts.append(f"moved {row.moved:,} (mean IoU {overlap(row.mean_iou)})")
    return f"{row.label}: {', '.join(parts)}"


def _leaks(dataset: DatasetDrift) -> Iterator[Line]:
    if dataset.leaked:
        many = counted(len(dataset.leaked), "image is", "images are")
        yield line(Span(f"{many} in the training and in the test dataset", Ink.YELLOW))
        yield from indented(first_of(dataset.leaked, 3, lambda ref: [line(shortened(ref, LONGEST_NAME))]))
