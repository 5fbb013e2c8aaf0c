"""
The exit codes, and every error: its class says with which of them a command ends, and whether to try again.

So no caller has to decide that. What a class does not say is as in its base.
"""

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


_MAX_CHARS: Final = 2_000  # of an answer of AWS in a message

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
    exit_code = Exit.UNEXPECTED
    outlasted = False

    def __init_subclass__(
        cls, *, code: str | None = None, exit_code: Exit | None = None, retryable: bool | None = None
    ) -> None:
        super().__init_subclass__()
        cls.code = cls.code if code is None else code
        cls.exit_code = cls.exit_code if exit_code is None else exit_code
        cls.retryable = cls.retryable if retryable is None else retryable

    def __str__(self) -> str:
        return redacted(super().__str__())


class UsageError(ReconcilerError, code="RKD5001", exit_code=Exit.USAGE):
    """The command line cannot be carried out as written."""


class SpecError(ReconcilerError, code="RKD5002", exit_code=Exit.INVALID):
    """The desired state cannot be used; a commit must fix it."""


class SourceError(ReconcilerError, code="RKD5003", exit_code=Exit.UNKNOWN):
    """The specs could not be read at all. Never to be mistaken for "nothing is desired"."""


class ManifestUnavailable(SourceError, code="RKD5030"):
    """Entries that a spec keeps outside git cannot be read now: the desired state is unknown."""


class ManifestDenied(ManifestUnavailable, code="RKD5031", exit_code=Exit.DENIED):
    """The credentials may not read entries that a spec keeps outside git, or there are none."""


class ManifestUnusable(ManifestUnavailable, code="RKD5032", exit_code=Exit.INVALID):
    """Entries that a spec keeps outside git have another digest than the spec says, or are not JSON Lines."""


class Claimed(ReconcilerError, code="RKD5008", exit_code=Exit.UNKNOWN, retryable=True):
    """Another process is writing to the dataset from the same state directory."""


class StateError(ReconcilerError, code="RKD5004", exit_code=Exit.UNKNOWN):
    """The state could not be read or written just now: the disk is full, the file is damaged or locked."""


class StateLost(StateError, retryable=True):
    """The state was damaged or deleted while it was in use. An empty one serves from now on: try again."""


class StateUnusable(StateError, exit_code=Exit.USAGE):
    """The state directory cannot be used: it is a file, or may not be entered. Choose another one."""


class OutputError(ReconcilerError, code="RKD5005", exit_code=Exit.UNKNOWN):
    """A requested file could not be written; its previous content, if any, is unchanged."""


class PlanOutdated(ReconcilerError, code="RKD5007", exit_code=Exit.BLOCKED):
    """The dataset or the specs changed after planning. Nothing of the plan was sent."""


class Declined(ReconcilerError, code="RKD5027", exit_code=Exit.BLOCKED):
    """The changes were shown on a terminal, and the answer to the question was not yes. Nothing was sent."""


class RebuildUnfinished(ReconcilerError, code="RKD5021", exit_code=Exit.BLOCKED):
    """The dataset is being deleted and created again. That must be finished, or undone, before anything else."""


class Superseded(ReconcilerError, code="RKD5023", exit_code=Exit.BLOCKED):
    """A newer commit took over. The rest of the older one is not sent."""


class NotLeader(ReconcilerError, code="RKD5022", exit_code=Exit.BLOCKED):
    """Another replica owns the account and Region. This one makes no call there."""


class LeaseUnavailable(ReconcilerError, code="RKD5024", exit_code=Exit.UNKNOWN, retryable=True):
    """The lease could not be read or written: the leader cannot be determined."""


class MachineFailure(ReconcilerError, code="RKD5026", exit_code=Exit.UNKNOWN):
    """The machine lacks disk space, memory or a permission."""


class ControllerUnavailable(ReconcilerError, code="RKD5028", exit_code=Exit.UNKNOWN):
    """A running controller did not answer in time, or the answer is not that of a controller."""


class ControllerRefused(ReconcilerError, code="RKD5029", exit_code=Exit.DENIED):
    """A running controller does not accept the token, or there is no token to send."""


class Interrupted(ReconcilerError, code="RKD5006", exit_code=Exit.INTERRUPTED):
    """The process was asked to stop, and did so between two steps."""


class GatewayError(ReconcilerError, code="RKD5010", exit_code=Exit.UNKNOWN):
    """
    AWS answered with an error, or did not answer. The botocore error is kept as the cause.

    Its text may quote an answer of any size and content: it is one printable line of at most 2,000 characters.
    """

    def __str__(self) -> str:
        text = super().__str__()
        text = text if len(text) <= _MAX_CHARS else text[: _MAX_CHARS - 1] + "…"
        return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


class Throttled(GatewayError, code="RKD5011", retryable=True):
    """Too many calls, after all of the SDK's own attempts."""


class Unavailable(GatewayError, code="RKD5012", retryable=True):
    """
    No usable answer: a network fault or a server fault.

    Attributes:
        unsent: Whether the request was never sent, for lack of a connection.
        isolated: Whether other calls were answered meanwhile, so that the service is not down.
        garbled: Whether something other than the service answered, so that waiting for long is no use.
    """

    unsent = False
    isolated = False
    garbled = False


class DatasetBusy(GatewayError, code="RKD5013", retryable=True):
    """Another operation is in progress on this dataset."""


class ListingMoved(GatewayError, code="RKD5014", retryable=True):
    """The listing became invalid half-way: an expired token, or a dataset that changed meanwhile."""


class ListingIncomplete(GatewayError, code="RKD5025"):
    """AWS counts other entries than it lists, or its listing never ends: what is not listed is not known."""


class NotFound(GatewayError, code="RKD5015"):
    """No such project or dataset."""


class AlreadyExists(GatewayError, code="RKD5016"):
    """Another client created it first."""


class DatasetUnusable(GatewayError, code="RKD5017"):
    """The dataset is being deleted, or its creation failed: it can be neither listed nor updated."""


class Rejected(GatewayError, code="RKD5018"):
    """The request itself is wrong: sending it again cannot help."""


class Denied(GatewayError, code="RKD5019", exit_code=Exit.DENIED):
    """Credentials are missing, expired, of another account, or lack a permission."""


class NoCredentials(Denied):
    """The AWS SDK finds no credentials at all, so that no dataset can be observed."""

    def __init__(
        self,
        message: str = (
            "Unable to locate credentials: set AWS_PROFILE, or run `aws sso login` or `aws configure`; "
            "--local needs none"
        ),
    ) -> None:
        super().__init__(message)


class OtherRegion(Denied):
    """Another Region answered than the one that calls are signed for: a setting or the endpoint is wrong."""


class UnknownAnswer(GatewayError, code="RKD5020"):
    """A code, status or shape that this version does not know. Nothing is assumed about it."""


def reason_of(exc: Exception) -> str:
    """Return the reason that the system gives for a failure, without number and file; of others, their text."""
    return (exc.strerror if isinstance(exc, OSError) else None) or str(exc)


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

    A file that cannot be read leaves the desired state unknown; any other error is one of the specs.
    """
    return gravest(_OF_SOURCES.get(code, Exit.INVALID) for code in codes)
