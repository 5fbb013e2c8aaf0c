"""What a preflight found, for people: one line a check."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from reconciler.core.preflight import Check, CheckResult, DatasetPreflight, Fitness, Mark, Preflight
from reconciler.reports.screen import Ink, Line, Span, indented, line, stacked
from reconciler.reports.visible import counted

if TYPE_CHECKING:
    from reconciler.reports.registry import Options

_MARKS: Final = {
    Mark.OK: Span("✓", Ink.GREEN),
    Mark.WARNING: Span("!", Ink.YELLOW),
    Mark.FAILED: Span("✗", Ink.RED),
    Mark.NOT_CHECKED: Span("?", Ink.DIM),
}
_WORDS: Final = {
    Fitness.READY: ("ready", Ink.GREEN),
    Fitness.INVALID: ("invalid specs", Ink.RED),
    Fitness.DENIED: ("denied", Ink.RED),
    Fitness.UNKNOWN: ("not everything could be observed", Ink.RED),
}
_COLUMN: Final = max(map(len, Check)) + 2


def render(preflight: Preflight, _options: Options) -> Iterator[Line]:
    """Give a preflight as text: this machine, each dataset, and the sum."""
    blocks: list[Iterable[Line]] = [_block(line(Span("this machine", Ink.BOLD)), preflight.results)]
    blocks += map(_dataset, preflight.datasets)
    return stacked([*blocks, [_sum(preflight)]])


def _dataset(dataset: DatasetPreflight) -> Iterator[Line]:
    words, ink = _WORDS[dataset.fitness]
    arn = Span(f"  {dataset.arn or ''}".rstrip(), Ink.DIM)
    return _block(line(Span(dataset.name, Ink.BOLD), "  ", Span(words, ink), arn), dataset.results)


def _block(head: Line, results: Iterable[CheckResult]) -> Iterator[Line]:
    yield head
    yield from indented(map(_result, results))


def _result(result: CheckResult) -> Line:
    remedy = f" → {result.remedy}" if result.remedy else ""
    code = Span(f" ({result.code})" if result.code else "", Ink.DIM)
    return line(_MARKS[result.mark], f" {result.check.ljust(_COLUMN)}{result.message}", code, remedy)


def _sum(preflight: Preflight) -> Line:
    results = [*preflight.results, *(result for each in preflight.datasets for result in each.results)]
    failed = sum(result.mark is Mark.FAILED for result in results)
    warnings = sum(result.mark is Mark.WARNING for result in results)
    ready = sum(each.fitness is Fitness.READY for each in preflight.datasets)
    text = f"{ready:,} of {counted(len(preflight.datasets), 'dataset')} ready"
    text += f"; {counted(failed, 'check')} failed" if failed else ""
    text += f"; {counted(warnings, 'warning')}" if warnings else ""
    return line(Span(f"{text}.", Ink.RED if failed else Ink.GREEN))
