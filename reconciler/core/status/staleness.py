"""Turn conditions about AWS to Unknown once the last complete observation is too old."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from reconciler.core.status.conditions import Condition, Kind, Reason, Truth

TOO_OLD: Final = "the last complete look is older than schedule.fullScanMaxAge"

_AGEING: Final = frozenset({Kind.READY, Kind.OBSERVED, Kind.IN_SYNC, Kind.DRIFTED, Kind.DEGRADED})


def aged(conditions: Iterable[Condition], stale_at: float | None, now: float) -> tuple[Condition, ...]:
    """
    Return the conditions as of *now*, with those that are too old turned to Unknown.

    Args:
        stale_at: When the last complete observation expires, in seconds since the epoch; None if there was
            none, and then no condition ages.
    """
    if stale_at is None or now < stale_at:
        return tuple(conditions)
    return tuple(_decayed(condition, stale_at) for condition in conditions)


def decays(kind: Kind, status: Truth) -> bool:
    """
    Tell whether a condition becomes Unknown once the last complete observation is too old.

    Ready and Observed do not decay while False, since age makes nothing better.
    """
    stays = status is Truth.FALSE and kind in (Kind.READY, Kind.OBSERVED)
    return kind in _AGEING and status is not Truth.UNKNOWN and not stays


def _decayed(condition: Condition, stale_at: float) -> Condition:
    if not decays(condition.kind, condition.status):
        return condition
    return Condition(condition.kind, Truth.UNKNOWN, Reason.TOO_OLD, TOO_OLD, stale_at)
