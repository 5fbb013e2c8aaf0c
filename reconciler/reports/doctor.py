"""What a preflight found, for programs: doctor/v1."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final, Literal, NotRequired

from typing_extensions import TypedDict

from reconciler.core.preflight import Check, CheckResult, DatasetPreflight, Fitness, Mark, Preflight
from reconciler.reports.documents import ErrorDoc, Rows, encode

if TYPE_CHECKING:
    from reconciler.reports.registry import Options


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


def render(preflight: Preflight, _options: Options) -> Iterator[bytes]:
    """Give doctor/v1."""
    document: DoctorDoc = {
        "format": "doctor/v1",
        "checks": list(map(_check, preflight.results)),
        "datasets": Rows(preflight.datasets, _dataset),
    }
    return encode(document)


def _dataset(dataset: DatasetPreflight) -> ExaminedDoc:
    return {
        "name": dataset.name,
        "arn": dataset.arn,
        "verdict": dataset.fitness,
        "region": dataset.region,
        "account": dataset.account,
        "identity": dataset.identity,
        "checks": list(map(_check, dataset.results)),
    }


def _check(result: CheckResult) -> CheckDoc:
    return {
        "check": result.check,
        "mark": result.mark,
        "code": result.code,
        "message": result.message,
        "remedy": result.remedy or None,
    }
