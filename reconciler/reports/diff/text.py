"""What changes between two revisions, for people: by label, and by image where all of it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from reconciler.core.entries.equality import FieldChange
from reconciler.core.entries.image_view import LabelBalance
from reconciler.core.revision_diff import (
    DatasetDiff,
    DatasetState,
    ImageAction,
    ImageChange,
    RevisionCounts,
    RevisionDiff,
    Side,
)
from reconciler.reports.plan.text import change_rows, field_line
from reconciler.reports.registry import RenderOptions
from reconciler.reports.screen import (
    LONGEST_NAME,
    Ink,
    Line,
    Screen,
    Span,
    error_lines,
    first_of,
    indented,
    line,
    place_span,
    stacked,
)
from reconciler.reports.sentences import DRIFTED, changes, setting_name
from reconciler.reports.visible import MINUS, counted, shortened, visible

SIGILS: Final = {
    ImageAction.ADDED: Span("+", Ink.GREEN),
    ImageAction.CHANGED: Span("~", Ink.CYAN),
    ImageAction.REMOVED: Span("-", Ink.RED),
}
_INKS: Final = {
    DatasetState.ADDED: Ink.GREEN,
    DatasetState.REMOVED: Ink.RED,
    DatasetState.CHANGED: Ink.CYAN,
    DatasetState.SAME: Ink.DIM,
    DatasetState.UNKNOWN: Ink.YELLOW,
}
_SHORT_COMMIT: Final = 12


def render(diff: RevisionDiff, options: RenderOptions) -> Iterator[Line]:
    """Yield the changes as text."""
    shown = [dataset for dataset in diff.datasets if dataset.differs or dataset.errors]
    return stacked(
        [
            [line(Span(heading(diff), Ink.DIM))],
            *(dataset_lines(dataset, options.screen) for dataset in shown),
            (line(Span("error", Ink.RED), f": {problem}") for problem in diff.problems),
            [line(Span(total(diff), Ink.BOLD if shown else Ink.GREEN))],
        ]
    )


def heading(diff: RevisionDiff) -> str:
    """Name what is compared: ``specs: main (4f1c2d3e5a6b) → the working tree``."""
    return f"{diff.path}: {_side(diff.before)} → {_side(diff.after)}"


def total(diff: RevisionDiff) -> str:
    """Return the sum in one sentence."""
    changed = [dataset for dataset in diff.datasets if dataset.differs]
    if not changed:
        unknown = any(dataset.errors for dataset in diff.datasets) or diff.problems
        return "No changes in what can be read." if unknown else "No changes."
    numbers = RevisionCounts(*map(sum, zip(*(dataset.numbers for dataset in changed), strict=True)))
    return f"{len(changed):,} of {counted(len(diff.datasets), 'dataset')} changed: {_sum(numbers)}."


def dataset_lines(diff: DatasetDiff, screen: Screen) -> Iterator[Line]:
    """Yield one dataset: what becomes of it, by label, and its images unless the screen is short."""
    was = Span(f"  was {diff.was}" if diff.was else "")
    yield line(
        Span(diff.name, Ink.BOLD),
        "  ",
        Span(diff.state.value, _INKS[diff.state]),
        was,
        place_span(diff.origin),
    )
    if diff.differs:
        yield line(f"  {sentence(diff.numbers)}")
    yield from indented(first_of(diff.labels, screen.limit, lambda row: [label_line(row)]), by=4)
    yield from indented(
        first_of(diff.settings, screen.limit, lambda field: [setting_line(field, screen.width - 4)]), by=4
    )
    if screen.limit is None:
        for change in diff.changes:
            yield from indented(image_lines(change, screen.width - 8), by=4)
    yield from indented(error_lines(diff.errors, screen))


def setting_line(field: FieldChange, width: int) -> Line:
    """Return one setting that changes, before and after, shortened to *width* columns."""
    return field_line(field, width, setting_name)


def label_line(row: LabelBalance) -> Line:
    """Return what one label gains and loses: ``crack +120 -3``, with a real minus."""
    parts = [Span(f" +{row.gained:,}", Ink.GREEN)] if row.gained else []
    parts += [Span(f" {MINUS}{row.lost:,}", Ink.RED)] if row.lost else []
    moved = f"{';' if parts else ':'} {counted(row.moved, 'box', 'boxes')} moved" if row.moved else ""
    return line(visible(row.label), *parts, moved)


def image_lines(change: ImageChange, width: int) -> Iterator[Line]:
    """Yield one image, and below it the first of the fields that change."""
    name = shortened(change.source_ref, LONGEST_NAME)
    yield line(SIGILS[change.action], f" {name}", place_span(change.after or change.before))
    yield from indented(change_rows(changes(change.fields, change.view, DRIFTED), width), by=4)


def _sum(numbers: RevisionCounts) -> str:
    return (
        f"{counted(numbers.added, 'image')} added, {numbers.changed:,} changed, {numbers.removed:,} removed"
    )


def sentence(numbers: RevisionCounts) -> str:
    """Return the numbers of one dataset."""
    text = f"{_sum(numbers)}, {numbers.unchanged:,} unchanged"
    return (
        f"{text}, {numbers.ignored:,} different only in what the policy ignores" if numbers.ignored else text
    )


def _side(side: Side) -> str:
    if side.name is None or side.commit is None:
        return "the working tree"
    short = side.commit[:_SHORT_COMMIT]
    return side.name if side.name.startswith(short) else f"{side.name} ({short})"
