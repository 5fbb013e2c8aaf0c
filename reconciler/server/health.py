"""The health of a dataset, in one word for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from reconciler.core.status.conditions import Condition, ConditionType, Reason, Truth


class Health(StrEnum):
    """The gravest first."""

    FAILING = "failing"
    RETRYING = "retrying"
    DRIFTED = "drifted"
    UNKNOWN = "unknown"
    WORKING = "working"
    DIFFERS = "differs"
    SUSPENDED = "suspended"
    IN_SYNC = "in_sync"


WORDS: Final[Mapping[Health, str]] = MappingProxyType(
    {
        Health.FAILING: "needs attention",
        Health.RETRYING: "retrying",
        Health.DRIFTED: "drifted",
        Health.UNKNOWN: "unknown",
        Health.WORKING: "working",
        Health.DIFFERS: "differs",
        Health.SUSPENDED: "suspended",
        Health.IN_SYNC: "in sync",
    }
)


def health_of(believed: Iterable[Condition]) -> Health:
    """Return the health that these conditions amount to; what is not known is never in sync."""
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
