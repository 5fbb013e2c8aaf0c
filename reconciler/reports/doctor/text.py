"""What a preflight found, for people: one line a check."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from reconciler.core.preflight import Check, Checkup, Examined, Finding, Fitness, Mark
from reconciler.reports.screen import PLAIN, Ink, Line, Screen, Span, indented, line, stacked
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
    Fitness.INVALID: ("its specs must be mended", Ink.RED),
    Fitness.DENIED: ("denied", Ink.RED),
    Fitness.UNKNOWN: ("not all could be seen", Ink.RED),
}
_COLUMN: Final = max(map(len, Check)) + 2


def render(checkup: Checkup, options: Options) -> Iterator[str]:
    """Give a preflight as text."""
    return (f"{content}\n" for content in render_checkup(checkup, options.screen))


def render_checkup(checkup: Checkup, screen: Screen = PLAIN) -> Iterator[str]:
    """Give the lines of a preflight: this machine, each dataset, and the sum."""
    blocks: list[Iterable[Line]] = [_block(line(Span("this machine", Ink.BOLD)), checkup.findings)]
    blocks += map(_dataset, checkup.datasets)
    return screen.draw(stacked([*blocks, [_sum(checkup)]]))


def _dataset(examined: Examined) -> Iterator[Line]:
    words, ink = _WORDS[examined.fitness]
    arn = Span(f"  {examined.arn or ''}".rstrip(), Ink.DIM)
    return _block(line(Span(examined.name, Ink.BOLD), "  ", Span(words, ink), arn), examined.findings)


def _block(head: Line, findings: Iterable[Finding]) -> Iterator[Line]:
    yield head
    yield from indented(map(_finding, findings))


def _finding(finding: Finding) -> Line:
    remedy = f" → {finding.remedy}" if finding.remedy else ""
    code = Span(f" ({finding.code})" if finding.code else "", Ink.DIM)
    return line(_MARKS[finding.mark], f" {finding.check.ljust(_COLUMN)}{finding.message}", code, remedy)


def _sum(checkup: Checkup) -> Line:
    findings = [*checkup.findings, *(finding for each in checkup.datasets for finding in each.findings)]
    failed = sum(finding.mark is Mark.FAILED for finding in findings)
    warnings = sum(finding.mark is Mark.WARNING for finding in findings)
    ready = sum(each.fitness is Fitness.READY for each in checkup.datasets)
    text = f"{ready:,} of {counted(len(checkup.datasets), 'dataset')} ready"
    text += f"; {counted(failed, 'check')} failed" if failed else ""
    text += f"; {counted(warnings, 'warning')}" if warnings else ""
    return line(Span(f"{text}.", Ink.RED if failed else Ink.GREEN))
