"""Since when an image is drifted, and how often it has been: what one look adds to those before."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final, NamedTuple

# An image that came back to what git desires is forgotten after this long.
FORGOTTEN_AFTER_SECONDS: Final = 90 * 24 * 3_600.0


class Sighting(NamedTuple):
    """
    What is known of one image's drift.

    Attributes:
        since: Seconds since the epoch, when it was first seen drifted this time.
        last: When it was last seen drifted.
        times: How often it has drifted: 2 if it was set right in between.
        gone: Whether it has been set right.
    """

    source_ref: str
    since: float
    last: float
    times: int
    gone: bool = False


def sighted(before: Mapping[str, Sighting], drifted: Collection[str], now: float) -> Iterator[Sighting]:
    """Give what is known after a complete look; what is not given is to be forgotten."""
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
