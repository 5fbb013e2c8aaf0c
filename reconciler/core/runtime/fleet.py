"""
Decide which of several replicas may write, and which replica owns which datasets.

A lease is a record that every replica can read, and replace only if no other did so meanwhile. Clocks are
never compared. The leader counts from the moment *before* it asked to renew the record, a standby from the
moment *after* it first saw that renewal, each by its own clock. So the leader stops first, by a margin that
covers clocks that run at different rates:

    leader    |ask-----------------------------------|  may write until here, less what a call may take
    store          |renewed
    standby              |seen------------------------------------------------------|  may take it from here

Datasets are divided by number, or by what AWS limits: one partition for each account and Region.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from typing import Final

MIN_SECONDS: Final = 3
MAX_SECONDS: Final = 86_400
DEFAULT_SECONDS: Final = 60

_RENEW_RATIO: Final = 1 / 6
_CALL_RATIO: Final = 1 / 3
_MARGIN_RATIO: Final = 1 / 12

CLOCK_RATE_ERROR: Final = 0.04
"""Maximum rate error e of a clock, as a fraction of true time: 2·e/(1+e) is less than the margin."""


@dataclass(frozen=True, slots=True)
class Timing:
    """
    The durations of the election, all derived from that of a lease.

    Attributes:
        duration_seconds: How long a lease lasts after its last renewal, in whole seconds as in the record.
    """

    duration_seconds: int = DEFAULT_SECONDS

    @property
    def renew_seconds(self) -> float:
        """Interval at which the lease is renewed or read; also the timeout of each such call."""
        return self.duration_seconds * _RENEW_RATIO

    @property
    def call_seconds(self) -> float:
        """Timeout of one writing call, which is begun only if the lease outlasts it."""
        return self.duration_seconds * _CALL_RATIO

    @property
    def margin_seconds(self) -> float:
        """How much earlier than the record says the leader considers its lease expired."""
        return self.duration_seconds * _MARGIN_RATIO


@dataclass(frozen=True, slots=True)
class Record:
    """
    The lease as read from the store.

    Attributes:
        holder: Identity of the holder; empty if the lease was given back.
        version: Changes with each write.
        duration_seconds: How long the lease lasts after its last renewal.
        transitions: How many times the holder changed.
    """

    holder: str
    version: str
    duration_seconds: int
    transitions: int = 0


class Move(StrEnum):
    """What to do about the record."""

    CREATE = "create"
    TAKE = "take"
    RENEW = "renew"
    WAIT = "wait"


class Elector:
    """
    One replica's part in the election. All times come from its own monotonic clock, in seconds.

    Args:
        identity: Unique to this replica; not even its successor after a crash may share it.
    """

    def __init__(self, identity: str, timing: Timing) -> None:
        self.identity = identity
        self.timing = timing
        self._seen: Record | None = None
        self._seen_at = 0.0
        self._until: float | None = None

    def decide(self, record: Record | None, now: float) -> Move:
        """
        Decide what to do about the record.

        Args:
            record: None if there is none.
            now: A time after it was read.
        """
        if record is None:
            self.lost()
            return Move.CREATE
        if self._seen is None or self._seen.version != record.version:
            self._seen, self._seen_at = record, now
        if record.holder == self.identity:
            return Move.RENEW
        self.lost()
        if not record.holder or now >= self._seen_at + record.duration_seconds:
            return Move.TAKE
        return Move.WAIT

    def won(self, asked_at: float) -> None:
        """Record that a write requested at *asked_at* was confirmed and makes this replica the holder."""
        self._until = asked_at + self.timing.duration_seconds - self.timing.margin_seconds

    def lost(self) -> None:
        """Record that another replica holds the lease, or that it was given back."""
        self._until = None

    def may_write(self, now: float) -> bool:
        """Return whether a call begun now ends before any other replica may write."""
        until = self._until  # read once: the election runs in another thread
        return until is not None and now + self.timing.call_seconds <= until

    def holds(self, now: float) -> bool:
        """Return whether this replica holds the lease, so that no other may write now."""
        until = self._until
        return until is not None and now < until

    def wanted(self, seen: Record | None) -> Record:
        """Return the record to write in order to create, take or renew the lease."""
        duration = self.timing.duration_seconds
        if seen is None:
            return Record(self.identity, "", duration)
        moved = seen.holder != self.identity
        return Record(self.identity, seen.version, duration, seen.transitions + moved)

    def given_back(self, seen: Record) -> Record:
        """Return the record to write so that another replica can take the lease at once."""
        return Record("", seen.version, seen.duration_seconds, seen.transitions)


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
