"""
The exception tree. Each class sets `retryable` and `exit_code`, so that no caller has to decide them:

* ReconcilerError ........... 1
  - UsageError .............. 64  the command line cannot be carried out as written
  - SpecError ............... 5   the desired state cannot be used; a commit must fix it
  - SourceError ............. 3   the specs could not be read at all: the desired state is unknown
    + ManifestUnavailable ... 3   entries outside git cannot be read now
      ManifestDenied ....... 8   the credentials may not read them
      ManifestUnusable ..... 5   they are not the bytes that the spec names
  - Claimed ................. 3   retryable: another process is writing to the dataset
  - StateError .............. 3   the state could not be read or written just now
    + StateLost ............. retryable: it was damaged or deleted; an empty one replaces it
    + StateUnusable ......... 64  the state directory cannot be used: choose another one
  - OutputError ............. 3   a requested file could not be written
  - PlanOutdated ............ 6   the dataset or the specs changed after planning: nothing was sent
  - Declined ................ 6   the question before an apply was not answered with yes: nothing was sent
  - RebuildUnfinished ....... 6   the dataset is being deleted and recreated: finish or undo that first
  - Superseded .............. 6   a newer commit took over: the rest of the older one is not sent
  - NotLeader ............... 6   another replica owns the partition: no call is made
  - LeaseUnavailable ........ 3   retryable: the leader cannot be determined
  - MachineFailure .......... 3   the machine lacks disk space, memory or a permission
  - ControllerUnavailable ... 3   a running controller does not answer, or something else answers
  - ControllerRefused ....... 8   a running controller does not accept the token, or there is none
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
      NoCredentials ........ 8   terminal for every dataset: there are none
      OtherRegion .......... 8   another Region answered than the one that is configured
    + UnknownAnswer ......... terminal: a code or status that this version does not know
"""

from __future__ import annotations

from reconciler.errors.failures import (
    GRAVITY,
    Claimed,
    ControllerRefused,
    ControllerUnavailable,
    Declined,
    Exit,
    Interrupted,
    LeaseUnavailable,
    MachineFailure,
    ManifestDenied,
    ManifestUnavailable,
    ManifestUnusable,
    NotLeader,
    OutputError,
    PlanOutdated,
    RebuildUnfinished,
    ReconcilerError,
    SourceError,
    SpecError,
    StateError,
    StateLost,
    StateUnusable,
    Superseded,
    UsageError,
    exit_code_of_problems,
    gravest,
    is_of_source,
    named,
)
from reconciler.errors.gateway import (
    AlreadyExists,
    DatasetBusy,
    DatasetUnusable,
    Denied,
    GatewayError,
    ListingIncomplete,
    ListingMoved,
    NoCredentials,
    NotFound,
    OtherRegion,
    Rejected,
    Throttled,
    Unavailable,
    UnknownAnswer,
)

__all__ = [
    "GRAVITY",
    "AlreadyExists",
    "Claimed",
    "ControllerRefused",
    "ControllerUnavailable",
    "DatasetBusy",
    "DatasetUnusable",
    "Declined",
    "Denied",
    "Exit",
    "GatewayError",
    "Interrupted",
    "LeaseUnavailable",
    "ListingIncomplete",
    "ListingMoved",
    "MachineFailure",
    "ManifestDenied",
    "ManifestUnavailable",
    "ManifestUnusable",
    "NoCredentials",
    "NotFound",
    "NotLeader",
    "OtherRegion",
    "OutputError",
    "PlanOutdated",
    "RebuildUnfinished",
    "ReconcilerError",
    "Rejected",
    "SourceError",
    "SpecError",
    "StateError",
    "StateLost",
    "StateUnusable",
    "Superseded",
    "Throttled",
    "Unavailable",
    "UnknownAnswer",
    "UsageError",
    "exit_code_of_problems",
    "gravest",
    "is_of_source",
    "named",
]
