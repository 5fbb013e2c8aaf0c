"""doctor/v1 as types; see `reports.shapes`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NotRequired

from typing_extensions import TypedDict

from reconciler.core.preflight import Check, Fitness, Mark
from reconciler.reports.shapes import ErrorDoc


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
    """One dataset; ``account`` and ``identity`` are what STS said of the credentials, null if it did not."""

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
