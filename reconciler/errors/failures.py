"""Exit codes, the base of every error, and failures of the command line, specs, state, machine and processes."""

from __future__ import annotations

import os
from collections.abc import Iterable
from enum import IntEnum
from typing import Final

from reconciler.redact import redacted


class Exit(IntEnum):
    """An exit code of the process; `cli.exits` describes each to users."""

    DONE = 0
    UNEXPECTED = 1
    PENDING = 2
    UNKNOWN = 3
    DRIFT = 4
    INVALID = 5
    BLOCKED = 6
    PARTIAL = 7
    DENIED = 8
    USAGE = 64
    INTERRUPTED = 130
    TERMINATED = 143


# Gravest first. No dataset ends with USAGE, which doctor returns for an unusable state directory.
GRAVITY: Final = (
    Exit.USAGE,
    Exit.UNEXPECTED,
    Exit.DENIED,
    Exit.INVALID,
    Exit.UNKNOWN,
    Exit.BLOCKED,
    Exit.PARTIAL,
    Exit.DRIFT,
    Exit.PENDING,
    Exit.DONE,
)


def gravest(codes: Iterable[Exit]) -> Exit:
    """Return the gravest of these exit codes; DONE if there are none."""
    return min(codes, key=GRAVITY.index, default=Exit.DONE)


class ReconcilerError(Exception):
    """
    Base of every error that this package raises on purpose. Its text is for people: place, what, why.

    Attributes:
        outlasted: Whether retries were exhausted, so that an outer retry need not wait as long again.
    """

    code = "RKD5000"
    retryable = False
    exit_code: Exit = Exit.UNEXPECTED
    outlasted = False

    def __str__(self) -> str:
        return redacted(super().__str__())


class UsageError(ReconcilerError):
    """The command line cannot be carried out as written."""

    code = "RKD5001"
    exit_code = Exit.USAGE


class SpecError(ReconcilerError):
    """The desired state cannot be used; a commit must fix it."""

    code = "RKD5002"
    exit_code = Exit.INVALID


class SourceError(ReconcilerError):
    """The specs could not be read at all. Never to be mistaken for "nothing is desired"."""

    code = "RKD5003"
    exit_code = Exit.UNKNOWN


class ManifestUnavailable(SourceError):
    """Entries that a spec keeps outside git cannot be read now: what is desired is unknown."""

    code = "RKD5030"


class ManifestDenied(ManifestUnavailable):
    """The credentials may not read entries that a spec keeps outside git, or there are none."""

    code = "RKD5031"
    exit_code = Exit.DENIED


class ManifestUnusable(ManifestUnavailable):
    """Entries that a spec keeps outside git have another digest than the spec says, or are no JSON Lines."""

    code = "RKD5032"
    exit_code = Exit.INVALID


class Claimed(ReconcilerError):
    """Another process is writing to the dataset from the same state directory."""

    code = "RKD5008"
    retryable = True
    exit_code = Exit.UNKNOWN


class StateError(ReconcilerError):
    """The state could not be read or written just now: the disk is full, the file is damaged or locked."""

    code = "RKD5004"
    exit_code = Exit.UNKNOWN


class StateLost(StateError):
    """The state was damaged or deleted while it was in use. An empty one serves from now on: try again."""

    retryable = True


class StateUnusable(StateError):
    """The state directory cannot be used: it is a file, or may not be entered. Choose another one."""

    exit_code = Exit.USAGE


class OutputError(ReconcilerError):
    """A requested file could not be written; its previous content, if any, is unchanged."""

    code = "RKD5005"
    exit_code = Exit.UNKNOWN


class PlanOutdated(ReconcilerError):
    """The dataset or the specs changed after planning. Nothing of the plan was sent."""

    code = "RKD5007"
    exit_code = Exit.BLOCKED


class Declined(ReconcilerError):
    """The changes were shown on a terminal, and the answer to the question was not yes. Nothing was sent."""

    code = "RKD5027"
    exit_code = Exit.BLOCKED


class RebuildUnfinished(ReconcilerError):
    """The dataset is being deleted and created again. That must be finished, or undone, before anything else."""

    code = "RKD5021"
    exit_code = Exit.BLOCKED


class Superseded(ReconcilerError):
    """A newer commit took over. The rest of the older one is not sent."""

    code = "RKD5023"
    exit_code = Exit.BLOCKED


class NotLeader(ReconcilerError):
    """Another replica owns the account and Region. This one makes no call there."""

    code = "RKD5022"
    exit_code = Exit.BLOCKED


class LeaseUnavailable(ReconcilerError):
    """The lease could not be read or written: the leader cannot be determined."""

    code = "RKD5024"
    retryable = True
    exit_code = Exit.UNKNOWN


class MachineFailure(ReconcilerError):
    """The machine lacks disk space, memory or a permission."""

    code = "RKD5026"
    exit_code = Exit.UNKNOWN


class ControllerUnavailable(ReconcilerError):
    """A running controller did not answer in time, or the answer is not that of a controller."""

    code = "RKD5028"
    exit_code = Exit.UNKNOWN


class ControllerRefused(ReconcilerError):
    """A running controller does not accept the token, or there is no token to send."""

    code = "RKD5029"
    exit_code = Exit.DENIED


class Interrupted(ReconcilerError):
    """The process was asked to stop, and did so between two steps."""

    code = "RKD5006"
    exit_code = Exit.INTERRUPTED


def named(exc: Exception) -> ReconcilerError:
    """Return the error itself, or that of the machine or an unexpected one, which names the exception."""
    if isinstance(exc, ReconcilerError):
        return exc
    if isinstance(exc, OSError) and exc.filename is not None and exc.strerror:
        return MachineFailure(f"{os.fsdecode(exc.filename)}: {exc.strerror}")
    if isinstance(exc, OSError | MemoryError):
        return MachineFailure(f"system error: {str(exc) or type(exc).__name__}")
    return ReconcilerError(f"unexpected failure: {type(exc).__name__}: {exc}")


_OF_SOURCES: Final = {
    kind.code: kind.exit_code for kind in (SourceError, ManifestUnavailable, ManifestDenied, ManifestUnusable)
}


def is_of_source(code: str) -> bool:
    """Return whether a problem with this code says that a file could not be read, which may pass by itself."""
    return code in _OF_SOURCES


def exit_code_of_problems(codes: Iterable[str]) -> Exit:
    """
    Return the gravest exit code that errors in specs call for, by their codes; DONE if there are none.

    A file that cannot be read leaves unknown what is desired; any other error is one of the specs.
    """
    return gravest(_OF_SOURCES.get(code, Exit.INVALID) for code in codes)
