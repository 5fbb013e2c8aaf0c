"""What a preflight finds: one finding a check, each with its reason and its way out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from reconciler.core.status.result import gravest

# Signatures count for five minutes by the clock of AWS.
MOST_SKEW_SECONDS: Final = 300
_NOTICEABLE_SKEW_SECONDS: Final = 60
_INVALID: Final = 5
_DENIED: Final = 8


class Check(StrEnum):
    """What is looked at; in the order in which it is."""

    # Of this machine.
    STATE = "state"
    GIT = "git"
    CLOCK = "clock"
    # Of the specs, and of each dataset.
    SPECS = "specs"
    REGION = "region"
    CREDENTIALS = "credentials"
    ROLE = "role"
    ACCOUNT = "account"
    REBUILD = "rebuild"
    PROJECT = "project"
    STATUS = "status"
    LISTING = "listing"
    WRITING = "writing"


class Mark(StrEnum):
    """How a check went. What was not checked is never taken for fine."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    NOT_CHECKED = "not_checked"


class Fitness(StrEnum):
    """What all findings of a dataset come to."""

    READY = "ready"  # nothing that could be checked stands in the way
    INVALID = "invalid"  # the specs must be mended
    DENIED = "denied"  # credentials or permissions
    UNKNOWN = "unknown"  # it cannot be looked at, or not now


@dataclass(frozen=True, slots=True)
class Finding:
    """
    What one check came to.

    Attributes:
        remedy: What to do about it; empty where nothing is to be done.
        code: Of the error, to look it up by.
        exit_code: Only what failed has another than 0.
    """

    check: Check
    mark: Mark
    message: str
    remedy: str = ""
    code: str | None = None
    exit_code: int = 0


@dataclass(frozen=True, slots=True)
class Examined:
    """
    One dataset.

    Attributes:
        arn: None as long as it is not known.
        identity: Whose calls they are, as STS says; None if it could not be asked.
    """

    name: str
    findings: tuple[Finding, ...]
    arn: str | None = None
    region: str | None = None
    account: str | None = None
    identity: str | None = None

    @property
    def exit_code(self) -> int:
        return gravest([finding.exit_code for finding in self.findings])

    @property
    def fitness(self) -> Fitness:
        match self.exit_code:
            case 0:
                return Fitness.READY
            case 5:
                return Fitness.INVALID
            case 8:
                return Fitness.DENIED
            case _:
                return Fitness.UNKNOWN


@dataclass(frozen=True, slots=True)
class Checkup:
    """
    All that a preflight found.

    Attributes:
        findings: Of this machine, and of the specs as a whole.
    """

    findings: tuple[Finding, ...]
    datasets: tuple[Examined, ...] = ()

    @property
    def exit_code(self) -> int:
        own = [finding.exit_code for finding in self.findings]
        return gravest([*own, *(dataset.exit_code for dataset in self.datasets)])


def clock(skew_seconds: float | None) -> Finding:
    """
    Judge the clock of this machine.

    Args:
        skew_seconds: How far that of AWS is ahead; None if AWS did not answer.
    """
    if skew_seconds is None:
        return Finding(Check.CLOCK, Mark.NOT_CHECKED, "not checked: nobody answered who would tell the time")
    direction = "behind" if skew_seconds > 0 else "ahead of"
    off = f"{abs(skew_seconds):,.0f} s {direction} that of AWS"
    if abs(skew_seconds) >= MOST_SKEW_SECONDS:
        text = f"{off}: signatures are refused from {MOST_SKEW_SECONDS} s on"
        return Finding(Check.CLOCK, Mark.FAILED, text, _SET_THE_CLOCK, exit_code=_DENIED)
    if abs(skew_seconds) >= _NOTICEABLE_SKEW_SECONDS:
        return Finding(Check.CLOCK, Mark.WARNING, off, _SET_THE_CLOCK)
    return Finding(Check.CLOCK, Mark.OK, "within a minute of that of AWS")


_SET_THE_CLOCK: Final = "set this machine's clock, best by NTP"


def specs(errors: list[str], warnings: int, entries: int, remedy: str) -> Finding:
    """
    Judge specs by what is wrong with them.

    Args:
        errors: Each with its place.
    """
    if errors:
        more = f"; and {len(errors) - 1:,} more" if len(errors) > 1 else ""
        return Finding(Check.SPECS, Mark.FAILED, errors[0] + more, remedy, exit_code=_INVALID)
    text = f"{entries:,} {'entry' if entries == 1 else 'entries'}"
    if warnings:
        text += f", {warnings:,} {'warning' if warnings == 1 else 'warnings'}"
        return Finding(Check.SPECS, Mark.WARNING, text, remedy)
    return Finding(Check.SPECS, Mark.OK, text)
