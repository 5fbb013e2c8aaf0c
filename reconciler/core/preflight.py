"""The results of a preflight: one for each check, with its reason and what to do about it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from reconciler.errors import (
    DatasetBusy,
    DatasetUnusable,
    Denied,
    Exit,
    RebuildUnfinished,
    ReconcilerError,
    StateError,
    Throttled,
    Unavailable,
    UnknownAnswer,
    gravest,
)

# AWS accepts a signature for five minutes, by its own clock.
MAX_SKEW_SECONDS: Final = 300
_NOTICEABLE_SKEW_SECONDS: Final = 60


class Check(StrEnum):
    """What a preflight checks, in this order."""

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
    """The result of a check. What was not checked never counts as passed."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    NOT_CHECKED = "not_checked"


class Fitness(StrEnum):
    """The sum of a dataset's check results."""

    READY = "ready"  # no check failed
    INVALID = "invalid"  # the specs must be fixed
    DENIED = "denied"  # credentials or permissions are missing
    UNKNOWN = "unknown"  # the dataset cannot be checked, or not now


@dataclass(frozen=True, slots=True)
class CheckResult:
    """
    The result of one check.

    Attributes:
        remedy: What to do about it; empty if nothing is to be done.
        code: Code of the error; None without an error.
        exit_code: `Exit.DONE` unless the check failed.
    """

    check: Check
    mark: Mark
    message: str
    remedy: str = ""
    code: str | None = None
    exit_code: Exit = Exit.DONE


@dataclass(frozen=True, slots=True)
class DatasetPreflight:
    """
    The check results of one dataset.

    Attributes:
        arn: None if not known.
        identity: The caller as STS reports it; None if STS could not be asked.
    """

    name: str
    results: tuple[CheckResult, ...]
    arn: str | None = None
    region: str | None = None
    account: str | None = None
    identity: str | None = None

    @property
    def exit_code(self) -> Exit:
        return gravest([result.exit_code for result in self.results])

    @property
    def fitness(self) -> Fitness:
        match self.exit_code:
            case Exit.DONE:
                return Fitness.READY
            case Exit.INVALID:
                return Fitness.INVALID
            case Exit.DENIED:
                return Fitness.DENIED
            case _:
                return Fitness.UNKNOWN


@dataclass(frozen=True, slots=True)
class Preflight:
    """
    The results of a preflight.

    Attributes:
        results: Results for this machine, and for the specs as a whole.
    """

    results: tuple[CheckResult, ...]
    datasets: tuple[DatasetPreflight, ...] = ()

    @property
    def exit_code(self) -> Exit:
        own = [result.exit_code for result in self.results]
        return gravest([*own, *(dataset.exit_code for dataset in self.datasets)])


def clock(skew_seconds: float | None) -> CheckResult:
    """
    Check the clock of this machine.

    Args:
        skew_seconds: How far the clock of AWS is ahead; None if AWS did not answer.
    """
    if skew_seconds is None:
        return CheckResult(Check.CLOCK, Mark.NOT_CHECKED, "not checked: no answer contained the time")
    direction = "behind" if skew_seconds > 0 else "ahead of"
    off = f"{abs(skew_seconds):,.0f} s {direction} that of AWS"
    if abs(skew_seconds) >= MAX_SKEW_SECONDS:
        text = f"{off}: signatures are refused from {MAX_SKEW_SECONDS} s on"
        return CheckResult(Check.CLOCK, Mark.FAILED, text, _SET_THE_CLOCK, exit_code=Exit.DENIED)
    if abs(skew_seconds) >= _NOTICEABLE_SKEW_SECONDS:
        return CheckResult(Check.CLOCK, Mark.WARNING, off, _SET_THE_CLOCK)
    return CheckResult(Check.CLOCK, Mark.OK, "within a minute of that of AWS")


_SET_THE_CLOCK: Final = "set this machine's clock, best by NTP"


def failed_specs(errors: list[str], path: str, exit_code: Exit = Exit.INVALID) -> CheckResult:
    """
    Name the first error of the specs, and count the others.

    Args:
        errors: Messages, each with its place; one at least.
        path: Of the specs, as the user named it.
        exit_code: That of the errors.
    """
    more = f"; and {len(errors) - 1:,} more" if len(errors) > 1 else ""
    return CheckResult(Check.SPECS, Mark.FAILED, errors[0] + more, _validating(path), exit_code=exit_code)


def usable_specs(warnings: int, entries: int, path: str) -> CheckResult:
    """Count the entries and the warnings of specs without an error."""
    text = f"{entries:,} {'entry' if entries == 1 else 'entries'}"
    if warnings:
        text += f", {warnings:,} {'warning' if warnings == 1 else 'warnings'}"
        return CheckResult(Check.SPECS, Mark.WARNING, text, _validating(path))
    return CheckResult(Check.SPECS, Mark.OK, text)


def _validating(path: str) -> str:
    return f"`{shlex.join(['reconciler', 'validate', path])}` names them all"


OF_REKOGNITION: Final = (Check.PROJECT, Check.STATUS, Check.LISTING)

# The message of any other error says what to do.
_REMEDIES: Final[Mapping[type[ReconcilerError], str]] = {
    DatasetBusy: "wait until the other operation has ended, and try again",
    DatasetUnusable: "wait until it is gone, or delete what failed, and let apply create it again",
    Denied: "log in again, or see AWS_PROFILE and the other AWS_ variables; --local needs no account",
    RebuildUnfinished: "finish it with rebuild --resume, or take it back with rebuild --undo",
    Throttled: "others use up the calls of this account: try again later",
    Unavailable: "see the network, a proxy, AWS_ENDPOINT_URL and the Region; then try again",
    UnknownAnswer: "see whether a newer version of this tool knows it",
}


def remedy(check: Check, error: ReconcilerError, path: str, dataset: str) -> str:
    """Return the remedy for an error that *check* met; empty if the message of the error states it."""
    if isinstance(error, Denied):
        if check is Check.ACCOUNT:
            return "use credentials, or a roleArn, of the account that is meant"
        if check is Check.ROLE:
            return "its trust policy must name this caller, with externalId if it asks for one"
        if check in OF_REKOGNITION and "AccessDenied" in str(error):
            return policy_command("read", path, dataset)
    return _REMEDIES.get(type(error), "")


def policy_command(level: str, path: str, dataset: str) -> str:
    words = ["reconciler", "iam", level, path, "--dataset", dataset]
    return f"`{shlex.join(words)}` prints the policy it needs"


def first_check(error: ReconcilerError) -> Check:
    """Return the check that an error of the very first access belongs to."""
    match error:
        case Denied():
            return Check.CREDENTIALS
        case StateError():
            return Check.STATE
        case _:
            return Check.REGION
