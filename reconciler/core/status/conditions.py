"""
The conditions of a dataset, in the format of Kubernetes conditions, and the health that follows from them.

A condition is True, False or Unknown, for one of a closed set of reasons. Messages hold no times and no
counts, so that an unchanged condition has an unchanged message. A condition becomes Unknown when its last
complete observation is too old.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Literal, NamedTuple

from typing_extensions import TypedDict  # pydantic reads the standard one only from Python 3.12

from reconciler.core.moments import moment


class ConditionType(StrEnum):
    READY = "Ready"  # everything that the policy allows is done
    SOURCE_READY = "SourceReady"  # the specs can be read
    OBSERVED = "Observed"  # the dataset in AWS could be observed
    IN_SYNC = "InSync"  # observed equals desired
    DRIFTED = "Drifted"  # AWS differs from what was applied
    RECONCILING = "Reconciling"  # work is left that needs no person
    STALLED = "Stalled"  # work is left that a person must unblock
    DEGRADED = "Degraded"  # single entries are left out
    TRAINING_SAFE = "TrainingSafe"  # a model may be trained on TRAIN and TEST as git has them
    SUSPENDED = "Suspended"  # the spec suspends the dataset, or a person has suspended applying


class Truth(StrEnum):
    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Reason(StrEnum):
    APPLYING = "Applying"
    AS_DESIRED = "AsDesired"
    AS_ALLOWED = "AsPolicyAllows"
    BLOCKED = "BlockedByGuard"
    BUSY = "DatasetBusy"
    CLOSED = "OutsideChangeWindow"
    DENIED = "Denied"
    DIFFERENT = "DifferencesFound"
    ENTRIES_LEFT_OUT = "EntriesLeftOut"
    FAILED = "Failed"
    FROZEN = "Frozen"
    IDLE = "Idle"
    INCOMPLETE = "ListingIncomplete"
    LEADING = "Leading"
    LEAKAGE = "ImagesShared"
    INVALID = "SpecInvalid"
    NEW_REVISION = "NewRevision"
    NONE_FOUND = "NoneFound"
    NOT_FOUND = "NotFound"
    NO_PARTNER = "OtherDatasetUnknown"
    NOT_SELECTED = "NotSelected"
    NOT_YET = "NotLookedAtYet"
    OBSERVED = "Observed"
    REFUSED = "Refused"
    RETRYING = "Retrying"
    STANDBY = "Standby"
    SOURCE_READ = "SourceRead"
    SOURCE_STALE = "SourceStale"
    SOURCE_UNAVAILABLE = "SourceUnavailable"
    SUSPENDED = "Suspended"
    NOT_SUSPENDED = "NotSuspended"
    THROTTLED = "Throttled"
    TOO_OLD = "TooOld"
    UNATTRIBUTED = "Unattributed"
    UNAVAILABLE = "Unavailable"
    UNUSABLE = "DatasetUnusable"


# Only a person can fix these: credentials, a spec, a guard, a missing dataset.
TERMINAL: Final = frozenset(
    {Reason.BLOCKED, Reason.DENIED, Reason.INVALID, Reason.NOT_FOUND, Reason.REFUSED, Reason.UNUSABLE}
)


class ConditionDocument(TypedDict):
    """A condition in the JSON of Kubernetes."""

    type: str
    status: Literal["True", "False", "Unknown"]
    reason: str
    message: str
    lastTransitionTime: str


@dataclass(frozen=True, slots=True)
class Condition:
    """
    One condition.

    Attributes:
        since: Time of the last change of its status, in seconds since the epoch.
    """

    kind: ConditionType
    status: Truth
    reason: Reason
    message: str
    since: float = 0.0

    def document(self) -> ConditionDocument:
        return {
            "type": self.kind.value,
            "status": self.status.value,
            "reason": self.reason.value,
            "message": self.message,
            "lastTransitionTime": moment(self.since),
        }


class FailureReason(NamedTuple):
    """Why a dataset could not be observed, or not be brought to the desired state."""

    reason: Reason
    message: str

    @property
    def is_terminal(self) -> bool:
        return self.reason in TERMINAL


def advanced(
    before: Iterable[Condition], now: Iterable[Condition], at: float
) -> tuple[tuple[Condition, ...], tuple[Condition, ...]]:
    """Return the conditions with their times, and the subset whose status changed."""
    known = {condition.kind: condition for condition in before}
    after, changed = [], []
    for condition in now:
        old = known.get(condition.kind)
        same = old is not None and old.status is condition.status
        dated = replace(condition, since=old.since if old is not None and same else at)
        after.append(dated)
        if not same:
            changed.append(dated)
    return tuple(after), tuple(changed)


class Health(StrEnum):
    """The health of a dataset, for people; the gravest first."""

    FAILING = "failing"
    RETRYING = "retrying"
    DRIFTED = "drifted"
    UNKNOWN = "unknown"
    WORKING = "working"
    DIFFERS = "differs"
    SUSPENDED = "suspended"
    IN_SYNC = "in_sync"

    @property
    def words(self) -> str:
        return "needs attention" if self is Health.FAILING else self.value.replace("_", " ")


def health_of(believed: Iterable[Condition]) -> Health:
    """Return the health that follows from these conditions; an unknown state never counts as in sync."""
    believed = tuple(believed)
    status = {condition.kind: condition.status for condition in believed}

    def holds(kind: ConditionType, truth: Truth = Truth.TRUE) -> bool:
        return status.get(kind, Truth.UNKNOWN) is truth

    if holds(ConditionType.SUSPENDED) and not holds(ConditionType.STALLED):
        return Health.SUSPENDED
    if any(one.reason is Reason.APPLYING for one in believed if one.kind is ConditionType.RECONCILING):
        return Health.WORKING
    if holds(ConditionType.STALLED):
        return Health.FAILING
    if holds(ConditionType.READY, Truth.FALSE):
        return Health.RETRYING if holds(ConditionType.RECONCILING) else Health.FAILING
    if not holds(ConditionType.READY):
        return Health.UNKNOWN
    if holds(ConditionType.DRIFTED):
        return Health.DRIFTED
    if holds(ConditionType.RECONCILING):
        return Health.WORKING
    if holds(ConditionType.IN_SYNC):
        return Health.IN_SYNC
    return Health.DIFFERS if holds(ConditionType.IN_SYNC, Truth.FALSE) else Health.UNKNOWN
