"""Record since when an image has been drifted and how many times, updated by each complete observation."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final, NamedTuple

# The record of an image that is back in sync is dropped this long after its last drift.
FORGOTTEN_AFTER_SECONDS: Final = 90 * 24 * 3_600.0


class Sighting(NamedTuple):
    """
    The drift history of one image. Times are in seconds since the epoch.

    Attributes:
        since: When the current drift was first observed.
        last: When drift was last observed.
        times: How many times it has drifted: 2 if it was in sync in between.
        gone: Whether it is back in sync.
    """

    source_ref: str
    since: float
    last: float
    times: int
    gone: bool = False


def sighted(before: Mapping[str, Sighting], drifted: Collection[str], now: float) -> Iterator[Sighting]:
    """Yield all sightings after a complete observation; those not yielded are to be dropped."""
    for source_ref in drifted:
        match before.get(source_ref):
            case None:
                yield Sighting(source_ref, now, now, 1)
            case Sighting(gone=True) as known:
                yield Sighting(source_ref, now, now, known.times + 1)
            case known:
                yield known._replace(last=now)
    here = frozenset(drifted)
    for source_ref, known in before.items():
        if source_ref not in here and now - known.last < FORGOTTEN_AFTER_SECONDS:
            yield known._replace(gone=True)
