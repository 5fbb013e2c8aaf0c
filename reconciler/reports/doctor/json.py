"""What a preflight found, for programs: doctor/v1."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from reconciler.core.preflight import CheckResult, DatasetPreflight, Preflight
from reconciler.reports.encoding import Rows, encode

if TYPE_CHECKING:
    from reconciler.reports.doctor import shape
    from reconciler.reports.registry import Options


def render(preflight: Preflight, _options: Options) -> Iterator[bytes]:
    """Give doctor/v1."""
    document: shape.DoctorDoc = {
        "format": "doctor/v1",
        "checks": list(map(_check, preflight.results)),
        "datasets": Rows(preflight.datasets, _dataset),
    }
    return encode(document)


def _dataset(dataset: DatasetPreflight) -> shape.ExaminedDoc:
    return {
        "name": dataset.name,
        "arn": dataset.arn,
        "verdict": dataset.fitness,
        "region": dataset.region,
        "account": dataset.account,
        "identity": dataset.identity,
        "checks": list(map(_check, dataset.results)),
    }


def _check(result: CheckResult) -> shape.CheckDoc:
    return {
        "check": result.check,
        "mark": result.mark,
        "code": result.code,
        "message": result.message,
        "remedy": result.remedy or None,
    }
