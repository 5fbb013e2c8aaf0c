"""The last known state of each dataset as a table for people."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from reconciler.core.status.conditions import ConditionType
from reconciler.core.status.result import Verdict
from reconciler.core.status.summary import TOO_OLD
from reconciler.reports.apply.text import mark_of
from reconciler.reports.plan.words import QUARANTINE_REASONS
from reconciler.reports.registry import RenderOptions
from reconciler.reports.screen import Ink, Line, Span, line
from reconciler.reports.status.json import DatasetStatusDoc, KnownStatuses, datasets_doc, is_past
from reconciler.reports.visible import visible

_LEFT_WORDS: Final = {
    "withheld": "withheld by the policy",
    "quarantined": "quarantined",
    "dropped": "dropped by AWS",
    "rejected": "marked with errors by AWS",
    "not_selected": "not selected",
}

# Verdicts after a complete observation, so that the number of entries that are not in place means something.
_COUNTED: Final = (Verdict.CONVERGED, Verdict.WITHHELD, Verdict.PARTIAL, Verdict.OBSERVED)

_NAMED: Final = 5
"""Quarantined entries that the table names; the document has all."""

_SHORT_REVISION: Final = 12

_NONE: Final = "-"


def render(known: KnownStatuses, options: RenderOptions) -> Iterator[Line]:
    """Yield a table of all datasets, and below it what is wrong with which."""
    datasets, now = datasets_doc(*known), known.now
    if not datasets:
        yield line("Nothing is known: no dataset has been applied with this state directory.")
        return
    yield from _table(datasets, options.screen.width)
    for dataset in datasets:
        if left := _left(dataset):
            yield line(f"{dataset['name']}: {', '.join(f'{number:,} {name}' for number, name in left)}")
        if is_past(dataset["believed_until"], now):
            yield line(f"{dataset['name']}: {TOO_OLD}")
        if suspension := dataset.get("suspension"):
            end = f"until {suspension['until']}" if suspension["until"] else "until it is resumed"
            yield line(
                f"{dataset['name']}: ", Span(f"suspended {end}", Ink.YELLOW), f": {suspension['reason']}"
            )
        for error in dataset["errors"]:
            where = f"{error['origin']}: " if "origin" in error else ""
            code = Span(f"({error['code']})", Ink.DIM)
            yield line(f"{dataset['name']}: {where}", Span("error", Ink.RED), f": {error['message']} ", code)
        yield from _quarantine_lines(dataset)


def _table(known: Sequence[DatasetStatusDoc], width: int) -> Iterator[Line]:
    """Yield one row a dataset; where that is too wide, its name stands above the rest."""
    headings = tuple(_COLUMNS)
    rows = [tuple(visible(cell(dataset)) for cell in _COLUMNS.values()) for dataset in known]
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    if is_stacked := sum(widths) + 2 * len(widths) > width:
        widths[0] = 0
    heading = _padded(headings[1:], widths[1:]) if is_stacked else _padded(headings, widths)
    yield line("  ", Span(heading, Ink.DIM))
    for dataset, row in zip(known, rows, strict=True):
        if is_stacked:
            yield line(_mark(dataset), " ", Span(row[0], Ink.BOLD))
            yield line("  ", _padded(row[1:], widths[1:]))
        else:
            yield line(_mark(dataset), " ", _padded(row, widths))


def _left(dataset: DatasetStatusDoc) -> list[tuple[int, str]] | None:
    """Return how many entries are left, and why; None where that is not known."""
    counts = dataset["counts"]
    if counts is None or dataset["verdict"] not in _COUNTED:
        return None
    numbers: Mapping[str, Any] = {**counts}
    return [(numbers[kind], name) for kind, name in _LEFT_WORDS.items() if numbers.get(kind)]


def _mark(dataset: DatasetStatusDoc) -> Span:
    """Return the sign of a dataset: no tick while AWS differs from git, or was not seen whole."""
    differs = any(
        one["type"] == ConditionType.IN_SYNC and one["status"] == "False" for one in dataset["conditions"]
    )
    return mark_of(dataset["verdict"], differs=differs, incomplete=dataset.get("complete") is False)


def _quarantine_lines(dataset: DatasetStatusDoc) -> Iterator[Line]:
    """Name the quarantined entries, and when each is tried again."""
    for quarantined in dataset["held"][:_NAMED]:
        why = f"{QUARANTINE_REASONS[quarantined['kind']]}; retried after {quarantined['until']}"
        yield line(
            f"{dataset['name']}: {quarantined['source_ref']} ", Span("quarantined", Ink.YELLOW), f": {why}"
        )
    if (more := len(dataset["held"]) - _NAMED) > 0:
        yield line(f"{dataset['name']}: {more:,} more quarantined; see `reconciler explain`")


def _number_left(dataset: DatasetStatusDoc) -> str:
    numbers = _left(dataset)
    return _NONE if numbers is None else f"{sum(number for number, _ in numbers):,}"


_COLUMNS: Final[Mapping[str, Callable[[DatasetStatusDoc], str]]] = {
    "DATASET": lambda dataset: dataset["name"],
    "VERDICT": lambda dataset: dataset["verdict"].value,
    "LEFT": _number_left,
    "AS OF": lambda dataset: dataset["at"] or _NONE,
    "REVISION": lambda dataset: (dataset["revision"] or _NONE)[:_SHORT_REVISION],
}
"""Heading -> the cell of a dataset. The first column stands above the others where the screen is narrow."""


def _padded(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
