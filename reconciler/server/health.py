"""How a dataset stands, in one word that people understand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from reconciler.core.planning.quarantine import HoldKind
from reconciler.core.status.conditions import Condition, Kind, Reason, Truth


class Standing(StrEnum):
    """The gravest first."""

    TROUBLED = "troubled"
    RETRYING = "retrying"
    DRIFTED = "drifted"
    UNKNOWN = "unknown"
    WORKING = "working"
    DIFFERS = "differs"
    SUSPENDED = "suspended"
    IN_SYNC = "in_sync"


WORDS: Final[Mapping[Standing, str]] = MappingProxyType(
    {
        Standing.TROUBLED: "needs attention",
        Standing.RETRYING: "retrying",
        Standing.DRIFTED: "drifted",
        Standing.UNKNOWN: "unknown",
        Standing.WORKING: "working",
        Standing.DIFFERS: "differs",
        Standing.SUSPENDED: "suspended",
        Standing.IN_SYNC: "in sync",
    }
)


HELD: Final[Mapping[HoldKind, str]] = MappingProxyType(
    {
        HoldKind.CONVICTED: "fails, sent alone",
        HoldKind.PARKED: "is in a small group that fails",
        HoldKind.DROPPED: "was accepted, and then absent",
        HoldKind.PERPETUAL: "comes back different each time",
        HoldKind.CONTESTED: "is changed back by somebody each time",
    }
)


def standing(believed: Iterable[Condition]) -> Standing:
    """Return the word for these conditions; what nobody knows is never in sync."""
    believed = tuple(believed)
    status = {condition.kind: condition.status for condition in believed}

    def holds(kind: Kind, truth: Truth = Truth.TRUE) -> bool:
        return status.get(kind, Truth.UNKNOWN) is truth

    if holds(Kind.SUSPENDED):
        return Standing.SUSPENDED
    if any(one.reason is Reason.APPLYING for one in believed if one.kind is Kind.RECONCILING):
        return Standing.WORKING
    if holds(Kind.STALLED):
        return Standing.TROUBLED
    if holds(Kind.READY, Truth.FALSE):
        return Standing.RETRYING if holds(Kind.RECONCILING) else Standing.TROUBLED
    if not holds(Kind.READY):
        return Standing.UNKNOWN
    if holds(Kind.DRIFTED):
        return Standing.DRIFTED
    if holds(Kind.RECONCILING):
        return Standing.WORKING
    if holds(Kind.IN_SYNC):
        return Standing.IN_SYNC
    return Standing.DIFFERS if holds(Kind.IN_SYNC, Truth.FALSE) else Standing.UNKNOWN
