"""Divide datasets among replicas: by number, or by what AWS limits, one partition for each account and Region."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from reconciler.core.runtime.election import Record

MEMBER: Final = "member-"
"""What the keys of heartbeats start with; the key of a partition starts with a digit."""

FORGOTTEN_AFTER: Final = 10
"""After how many durations without a sign of life the heartbeat of a member may be deleted."""


@dataclass(frozen=True, slots=True, order=True)
class Partition:
    """The datasets of one account and Region, which one replica owns, with all calls that AWS allows there."""

    account: str
    region: str

    @property
    def key(self) -> str:
        """Return its key among the records of a fleet, usable in the name of a Kubernetes object."""
        return f"{self.account}-{self.region}"

    def __str__(self) -> str:
        return f"{self.account}/{self.region}"


def member_key(identity: str) -> str:
    """Return the key of the heartbeat of a replica."""
    return MEMBER + blake2b(identity.encode(), digest_size=8).hexdigest()


def preferred(key: str, members: Iterable[str]) -> str | None:
    """
    Return the member that should own a partition; None without members.

    Rendezvous hashing: a member that joins takes its share from all others, one that leaves gives its share to
    all others, and nothing moves between the rest.
    """
    return max(members, key=lambda member: (_bid(member, key), member), default=None)


def _bid(member: str, key: str) -> bytes:
    return blake2b(
        key.encode(), digest_size=16, key=blake2b(member.encode(), digest_size=32).digest()
    ).digest()


@dataclass(slots=True)
class _Sighting:
    record: Record
    at: float


class Roster:
    """
    The members of a fleet as one of them sees them, by its own monotonic clock in seconds.

    A heartbeat counts from when this member first saw it, so that clocks are never compared. A member that
    is seen for the first time counts as live, even if it died long ago.
    """

    def __init__(self) -> None:
        self._sightings: dict[str, _Sighting] = {}

    def see(self, records: Mapping[str, Record], now: float) -> None:
        """Take note of all records of the fleet, as they were read before *now*."""
        heartbeats = {key: record for key, record in records.items() if key.startswith(MEMBER)}
        for key in self._sightings.keys() - heartbeats.keys():
            del self._sightings[key]
        for key, record in heartbeats.items():
            before = self._sightings.get(key)
            if before is None or before.record.version != record.version:
                self._sightings[key] = _Sighting(record, now)

    def live(self, now: float) -> frozenset[str]:
        """Return the identities of the members whose heartbeat has not expired."""
        return frozenset(one.record.holder for one in list(self._sightings.values()) if _age(one, now) < 1)

    def forgotten(self, now: float) -> tuple[str, ...]:
        """Return the keys of heartbeats that expired so long ago that they may be deleted."""
        return tuple(key for key, one in self._sightings.items() if _age(one, now) >= FORGOTTEN_AFTER)


def _age(sighting: _Sighting, now: float) -> float:
    """Return the time since a heartbeat, in durations of its lease."""
    return (now - sighting.at) / sighting.record.duration_seconds


@dataclass(frozen=True, slots=True)
class Shard:
    """
    One of *count* shards of all datasets, the same on every machine and in every version.

    Attributes:
        index: From 0.
    """

    index: int
    count: int

    def __post_init__(self) -> None:
        if not 0 <= self.index < self.count:
            raise ValueError(f"shard {self.index} of {self.count}: the first is 0, the last {self.count - 1}")

    def __contains__(self, name: str) -> bool:
        """
        Return whether the dataset of that name belongs to this shard.

        Rendezvous hashing: the shard with the highest bid gets the dataset, so that an added shard takes its
        share from all others and moves nothing between them.
        """
        return max(range(self.count), key=lambda index: _bid_of_shard(index, name)) == self.index

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"


def _bid_of_shard(index: int, name: str) -> bytes:
    return blake2b(name.encode(), digest_size=16, salt=index.to_bytes(8, "big")).digest()
