"""Until when a statement about AWS is believed: it only holds as long as somebody keeps looking."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from reconciler.core.status.conditions import Condition, Kind, Reason, Truth

TOO_OLD: Final = "the last complete look is older than schedule.fullScanMaxAge"

_AGEING: Final = frozenset({Kind.READY, Kind.OBSERVED, Kind.IN_SYNC, Kind.DRIFTED, Kind.DEGRADED})


def aged(conditions: Iterable[Condition], stale_at: float | None, now: float) -> tuple[Condition, ...]:
    """
    Return the conditions as they may be believed at *now*: a verdict that is too old is Unknown.

    Args:
        stale_at: Until when the last complete look counts, in seconds since the epoch; None if it does
            not matter, because there was none.
    """
    if stale_at is None or now < stale_at:
        return tuple(conditions)
    return tuple(_decayed(condition, stale_at) for condition in conditions)


def decays(kind: Kind, status: Truth) -> bool:
    """
    Tell whether a statement becomes Unknown with the age of the last complete look.

    That something is not ready, or could not be looked at, stays so: age makes nothing better.
    """
    stays = status is Truth.FALSE and kind in (Kind.READY, Kind.OBSERVED)
    return kind in _AGEING and status is not Truth.UNKNOWN and not stays


def _decayed(condition: Condition, stale_at: float) -> Condition:
    if not decays(condition.kind, condition.status):
        return condition
    return Condition(condition.kind, Truth.UNKNOWN, Reason.TOO_OLD, TOO_OLD, stale_at)
