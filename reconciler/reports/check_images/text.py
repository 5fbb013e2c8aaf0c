"""What a check of images found, for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from reconciler.core.images.report import DatasetImages, ImagesCheck
from reconciler.core.planning.plan import PlanError
from reconciler.core.validation.problem import Problem
from reconciler.reports.screen import Ink, Line, Screen, Span, first_of, indented, line, stacked
from reconciler.reports.validate.json import by_place
from reconciler.reports.validate.text import SHOWN, problem_line
from reconciler.reports.visible import ELLIPSIS, counted

if TYPE_CHECKING:
    from reconciler.reports.registry import Options


def render(check: ImagesCheck, options: Options) -> Iterator[Line]:
    """Give a line for each dataset, and below it what is wrong with its images."""
    return stacked(_dataset(dataset, options.screen) for dataset in check.datasets)


def _dataset(dataset: DatasetImages, screen: Screen) -> Iterator[Line]:
    yield line(_mark(dataset), Span(f" {dataset.name}", Ink.BOLD), f"  {summary(dataset)}")
    problems = sorted_problems(dataset)
    shown = problems if screen.limit is None else problems[:SHOWN]
    yield from indented(map(problem_line, shown), 4)
    if rest := sum(dataset.by_code.values()) - len(shown):
        codes = ", ".join(f"{code} {number:,}" for code, number in dataset.by_code.items())
        yield line(Span(f"    {ELLIPSIS} and {rest:,} more (in all: {codes})", Ink.DIM))
    yield from indented(first_of(dataset.errors, screen.limit, _error), 4)


def sorted_problems(dataset: DatasetImages) -> list[Problem]:
    """Return the problems of a dataset that are kept, errors first."""
    return sorted(dataset.problems, key=lambda problem: (not problem.is_error, by_place(problem)))


def _mark(dataset: DatasetImages) -> Span:
    if dataset.has_errors or dataset.errors:
        return Span("✗", Ink.RED)
    if not dataset.complete:
        return Span("?", Ink.RED)
    return Span("!", Ink.YELLOW) if dataset.problems else Span("✓", Ink.GREEN)


def summary(dataset: DatasetImages) -> str:
    """Return in one sentence how many images were checked, and what was found."""
    counts = dataset.counts
    parts = [
        f"{number:,} {what}"
        for number, what in (
            (counts.read, "read"),
            (counts.unchanged, "unchanged since the last check"),
            (counts.missing, "missing"),
            (counts.unread, "not checked"),
        )
        if number
    ]
    found = sum(dataset.by_code.values())
    problems = counted(found, "problem") if found else "no problems" if dataset.complete else ""
    made = counted(sum(dataset.requests.values()), "request")
    return "; ".join(
        filter(None, [f"{counted(counts.desired, 'image')}: {', '.join(parts)}", problems, made])
    )


def _error(error: PlanError) -> Iterator[Line]:
    where = f"{error.origin}: " if error.origin else ""
    yield line(where, Span("error", Ink.RED), f": {error.message} ", Span(f"({error.code})", Ink.DIM))
