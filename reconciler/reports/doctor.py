"""What a preflight found: for people one line a check, for programs doctor/v1."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal, NotRequired

from typing_extensions import TypedDict

from reconciler.core.preflight import Check, CheckResult, DatasetPreflight, Fitness, Mark, Preflight
from reconciler.reports.documents import ErrorDoc, Rows, doc_of, encode
from reconciler.reports.registry import RenderOptions
from reconciler.reports.screen import Ink, Line, Span, indented, line, stacked
from reconciler.reports.visible import counted

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


class CheckDoc(TypedDict):
    """
    One check.

    ``code`` is that of the error, null where there was none; ``remedy`` is what to do, null where nothing is.
    What is ``not_checked`` is not known, and no reason to believe that it is fine.
    """

    check: Check
    mark: Mark
    code: str | None
    message: str
    remedy: str | None


class ExaminedDoc(TypedDict):
    """One dataset; ``account`` and ``identity`` are those of the credentials by STS, null if it did not answer."""

    name: str
    arn: str | None
    verdict: Fitness
    region: str | None
    account: str | None
    identity: str | None
    checks: Sequence[CheckDoc]


class DoctorDoc(TypedDict):
    """What a preflight found: of this machine and the specs as a whole, and of each dataset."""

    format: Literal["doctor/v1"]
    checks: Sequence[CheckDoc]
    datasets: Sequence[ExaminedDoc]
    errors: NotRequired[Sequence[ErrorDoc]]


DOCUMENT: Final = DoctorDoc


def render_text(preflight: Preflight, _options: RenderOptions) -> Iterator[Line]:
    """Yield a preflight as text: this machine, each dataset, and the sum."""
    blocks: list[Iterable[Line]] = [_block(line(Span("this machine", Ink.BOLD)), preflight.results)]
    blocks += map(_block_of, preflight.datasets)
    return stacked([*blocks, [_sum(preflight)]])


def _block_of(dataset: DatasetPreflight) -> Iterator[Line]:
    words, ink = _WORDS[dataset.fitness]
    arn = Span(f"  {dataset.arn or ''}".rstrip(), Ink.DIM)
    return _block(line(Span(dataset.name, Ink.BOLD), "  ", Span(words, ink), arn), dataset.results)


def _block(head: Line, results: Iterable[CheckResult]) -> Iterator[Line]:
    yield head
    yield from indented(map(_check_line, results))


def _check_line(result: CheckResult) -> Line:
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


def render_json(preflight: Preflight, _options: RenderOptions) -> Iterator[bytes]:
    """Yield doctor/v1."""
    document: DoctorDoc = {
        "format": "doctor/v1",
        "checks": list(map(_check_doc, preflight.results)),
        "datasets": Rows(preflight.datasets, _dataset_doc),
    }
    return encode(document)


def _dataset_doc(dataset: DatasetPreflight) -> ExaminedDoc:
    checks = list(map(_check_doc, dataset.results))
    return doc_of(ExaminedDoc, dataset, verdict=dataset.fitness, checks=checks)


def _check_doc(result: CheckResult) -> CheckDoc:
    return doc_of(CheckDoc, result, remedy=result.remedy or None)
