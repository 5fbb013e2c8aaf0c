"""
The exception tree. Each class sets `retryable` and `exit_code`, so that no caller has to decide them:

* ReconcilerError ........... 1
  - UsageError .............. 64  the command line cannot be carried out as written
  - SpecError ............... 5   the desired state cannot be used; a commit must fix it
  - SourceError ............. 3   the specs could not be read at all: the desired state is unknown
  - Claimed ................. 3   retryable: another process is writing to the dataset
  - StateError .............. 1   the state could not be read or written just now
    + StateLost ............. 3   retryable: it was damaged or deleted; an empty one replaces it
    + StateUnusable ......... 64  the state directory cannot be used: choose another one
  - OutputError ............. 1   a requested file could not be written
  - PlanOutdated ............ 6   the dataset or the specs changed after planning: nothing was sent
  - Declined ................ 6   the question before an apply was not answered with yes: nothing was sent
  - RebuildUnfinished ....... 6   the dataset is being deleted and recreated: finish or undo that first
  - Superseded .............. 6   a newer commit took over: the rest of the older one is not sent
  - NotLeader ............... 6   another replica leads: this one may not write
  - LeaseUnavailable ........ 3   retryable: the leader cannot be determined
  - MachineFailure .......... 3   the machine lacks disk space, memory or a permission
  - Interrupted ............. 130 the process was asked to stop
  - GatewayError ............ 3   AWS answered with an error, or not at all
    + Throttled ............. retryable
    + Unavailable ........... retryable
    + DatasetBusy ........... retryable: another operation is in progress
    + ListingMoved .......... retryable: a listing became invalid half-way
    + ListingIncomplete ..... terminal: AWS counts other entries than it lists, or its listing never ends
    + NotFound .............. terminal: no such project or dataset
    + AlreadyExists ......... terminal
    + DatasetUnusable ....... terminal: being deleted, or its creation failed
    + Rejected .............. terminal: the request itself is wrong
    + Denied ................ 8   terminal until credentials or permissions change
    + UnknownAnswer ......... terminal: a code or status that this version does not know
"""

from __future__ import annotations

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


class Claimed(ReconcilerError):
    """Another process is writing to the dataset from the same state directory."""

    code = "RKD5008"
    retryable = True
    exit_code = Exit.UNKNOWN


class StateError(ReconcilerError):
    """The state could not be read or written just now: the disk is full, the file is damaged or locked."""

    code = "RKD5004"


class StateLost(StateError):
    """The state was damaged or deleted while it was in use. An empty one serves from now on: try again."""

    retryable = True
    exit_code = Exit.UNKNOWN


class StateUnusable(StateError):
    """The state directory cannot be used: it is a file, or may not be entered. Choose another one."""

    exit_code = Exit.USAGE


class OutputError(ReconcilerError):
    """A requested file could not be written; its previous content, if any, is unchanged."""

    code = "RKD5005"


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
    """Another replica leads. This one may observe, and never write."""

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


class Interrupted(ReconcilerError):
    """The process was asked to stop, and did so between two steps."""

    code = "RKD5006"
    exit_code = Exit.INTERRUPTED


class GatewayError(ReconcilerError):
    """AWS answered with an error, or did not answer. The botocore error is kept as the cause."""

    code = "RKD5010"
    exit_code = Exit.UNKNOWN


class Throttled(GatewayError):
    """Too many calls, after all of the SDK's own attempts."""

    code = "RKD5011"
    retryable = True


class Unavailable(GatewayError):
    """
    No usable answer: a network fault or a server fault.

    Attributes:
        unsent: Whether the request was never sent, for lack of a connection.
        isolated: Whether other calls were answered meanwhile, so that the service is not down.
        garbled: Whether something other than the service answered, so that waiting for long is no use.
    """

    code = "RKD5012"
    retryable = True
    unsent = False
    isolated = False
    garbled = False


class DatasetBusy(GatewayError):
    """Another operation is in progress on this dataset."""

    code = "RKD5013"
    retryable = True


class ListingMoved(GatewayError):
    """The listing became invalid half-way: an expired token, or a dataset that changed meanwhile."""

    code = "RKD5014"
    retryable = True


class ListingIncomplete(GatewayError):
    """AWS counts other entries than it lists, or its listing never ends: what is not listed is not known."""

    code = "RKD5025"


class NotFound(GatewayError):
    """No such project or dataset."""

    code = "RKD5015"


class AlreadyExists(GatewayError):
    """Another client created it first."""

    code = "RKD5016"


class DatasetUnusable(GatewayError):
    """The dataset is being deleted, or its creation failed: it can be neither listed nor updated."""

    code = "RKD5017"


class Rejected(GatewayError):
    """The request itself is wrong: sending it again cannot help."""

    code = "RKD5018"


class Denied(GatewayError):
    """Credentials are missing, expired, of another account, or lack a permission."""

    code = "RKD5019"
    exit_code = Exit.DENIED


class UnknownAnswer(GatewayError):
    """A code, status or shape that this version does not know. Nothing is assumed about it."""

    code = "RKD5020"
