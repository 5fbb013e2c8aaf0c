"""What a preflight found, for programs: doctor/v1."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from reconciler.core.preflight import Checkup, Examined, Finding
from reconciler.reports.encoding import Rows, encode

if TYPE_CHECKING:
    from reconciler.reports.doctor import shape
    from reconciler.reports.registry import Options


def render(checkup: Checkup, _options: Options) -> Iterator[bytes]:
    """Give doctor/v1."""
    document: shape.DoctorDoc = {
        "format": "doctor/v1",
        "checks": list(map(_check, checkup.findings)),
        "datasets": Rows(checkup.datasets, _dataset),
    }
    return encode(document)


def _dataset(examined: Examined) -> shape.ExaminedDoc:
    return {
        "name": examined.name,
        "arn": examined.arn,
        "verdict": examined.fitness,
        "region": examined.region,
        "account": examined.account,
        "identity": examined.identity,
        "checks": list(map(_check, examined.findings)),
    }


def _check(finding: Finding) -> shape.CheckDoc:
    return {
        "check": finding.check,
        "mark": finding.mark,
        "code": finding.code,
        "message": finding.message,
        "remedy": finding.remedy or None,
    }
