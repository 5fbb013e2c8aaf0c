"""
One replica of a fleet: it owns partitions, and makes calls to AWS in no other.

Each partition has a lease. Every member announces itself by a heartbeat, and rendezvous hashing over the live
members says which should own a partition. A member takes a partition that is free or whose owner's lease has
expired; an owner hands a partition over by ending its cycles there, and only then releasing the lease.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from operator import itemgetter
from typing import Final

from reconciler.core.runtime.fleet import (
    Elector,
    Move,
    Partition,
    Record,
    Roster,
    Timing,
    member_key,
    preferred,
)
from reconciler.core.spec.documents import Target
from reconciler.core.status.conditions import Reason, Truth
from reconciler.engine.controller.leadership import KIND, Controlled, Holding, Leadership
from reconciler.engine.log import log
from reconciler.errors import NotLeader, named
from reconciler.ports import Home, Leases

HAND_OVER_SECONDS: Final = 1.0
"""Interval at which an owner checks whether its last cycle in a partition that it hands over has ended."""


class Fleet:
    """
    This replica's part in the fleet.

    Args:
        identity: Unique to this process; not even its successor after a crash may share it.
        home: The account and Region of a target that does not name its own.
        seconds: A monotonic clock that keeps counting while the machine sleeps.
        wall: The time of day, written to the leases for their human readers.

    Attributes:
        moves: How many partitions were acquired, released and lost.
    """

    def __init__(
        self,
        leases: Leases,
        identity: str,
        timing: Timing,
        home: Home,
        seconds: Callable[[], float],
        wall: Callable[[], float],
    ) -> None:
        self.identity = identity
        self.moves: Counter[str] = Counter()
        self._leases = leases
        self._timing = timing
        self._home = home
        self._seconds = seconds
        self._wall = wall
        self._roster = Roster()
        self._holdings: dict[Partition, Holding] = {}
        self._rounds = 0
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self._current = self._leadership(Truth.UNKNOWN, Reason.NOT_YET, "the leases have not been read yet")

    @property
    def call_seconds(self) -> float:
        """Seconds that a writing call may take so that it ends before the lease expires."""
        return self._timing.call_seconds

    def partition_of(self, target: Target) -> Partition | None:
        """Return the partition of a target; None while the account of the credentials is unknown."""
        account = target.home_account or self._home.account()
        return Partition(account, target.home_region or self._home.region()) if account else None

    def permit(self, target: Target, *, writes: bool) -> None:
        """
        Permit a call to AWS.

        Raises:
            NotLeader: Another replica owns the partition, or might before a writing call ends.
        """
        partition, now = self.partition_of(target), self._seconds()
        holding = self._holdings.get(partition) if partition else None
        if holding is None or not holding.is_owned(now) or (writes and not holding.elector.may_write(now)):
            raise NotLeader(self.owner_in_words(target))

    def owns(self, target: Target) -> bool:
        partition = self.partition_of(target)
        holding = self._holdings.get(partition) if partition else None
        return holding is not None and holding.is_owned(self._seconds())

    def represents(self, dataset: str) -> bool:
        """Return whether this replica reports a dataset without a partition, such as one with an invalid spec."""
        return preferred(dataset, self._members()) == self.identity

    def owner_in_words(self, target: Target) -> str:
        """Return in words which replica owns the partition of a target."""
        partition = self.partition_of(target)
        if partition is None:
            return "the account of the credentials is not known yet, so no replica owns the dataset"
        holding = self._holdings.get(partition)
        holder = holding.holder if holding else ""
        if holder and holder != self.identity:
            return f"replica {holder} owns the partition {partition}"
        return f"this replica does not own the partition {partition}"

    def leadership(self) -> Leadership:
        """Return the current leadership of this replica."""
        current = self._current
        if current.status is Truth.TRUE and not self._owned():
            return self._leadership(Truth.UNKNOWN, Reason.UNAVAILABLE, "the leases were not renewed in time")
        return current

    def start(self, controlled: Controlled) -> None:
        """Take part in the fleet, in a thread, until `end`."""
        self._thread = threading.Thread(target=self._run, args=(controlled,), name="leases", daemon=True)
        self._thread.start()

    def step(self, controlled: Controlled) -> None:
        """Read the leases, renew what this replica owns, and take or hand over what it should."""
        try:
            self._advance(controlled)
        except Exception as exc:  # noqa: BLE001  whatever fails, no call is permitted once a lease expires
            failure = str(named(exc))
        else:
            failure = ""
        before = self._current
        self._note(failure)
        moved = [
            partition for partition, holding in self._holdings.items() if self._has_moved(partition, holding)
        ]
        if moved or before.owners != self._current.owners or before.members != self._current.members:
            controlled.reassign()

    def end(self, *, release: bool) -> None:
        """
        Leave the fleet; calls are refused from now on.

        Args:
            release: Release the leases so that other replicas take over at once. Requires that no call is in
                progress.
        """
        self._ending.set()
        if self._thread is not None:
            self._thread.join(2 * self._timing.renew_seconds)
        now = self._seconds()
        held = [pair for pair in self._holdings.items() if pair[1].elector.holds(now)]
        for _, holding in held:
            holding.elector.lost()
        try:
            if release and self._rounds:
                records = self._leases.read()
                self._leases.remove(member_key(self.identity))
                for partition, holding in held:
                    self._release(partition, holding, records.get(partition.key))
        except Exception as exc:  # noqa: BLE001  then the leases expire
            log.warning("lease.unreleased", error=type(exc).__name__, reason=str(exc))
        finally:
            self._leases.close()

    def _run(self, controlled: Controlled) -> None:
        while not self._ending.is_set():
            self.step(controlled)
            leaving = any(holding.leaving for holding in list(self._holdings.values()))
            soon = leaving or not self._rounds
            renew = self._timing.renew_seconds
            self._ending.wait(min(renew, HAND_OVER_SECONDS) if soon else renew)

    def _advance(self, controlled: Controlled) -> None:
        targets = controlled.targets()
        if targets is None:
            return  # without specs there is nothing to own, and other members should not wait for this one
        partitions = {self.partition_of(target) for target in targets}
        if None in partitions and not self._rounds:
            return
        wanted = {partition for partition in partitions if partition}
        records = self._leases.read()
        self._roster.see(records, self._seconds())
        self._announce(records)
        for partition in sorted(wanted | self._holdings.keys()):
            self._settle(partition, records.get(partition.key), controlled, wanted)
        self._rounds += 1  # nothing is taken in the first one, so that replicas that start together share

    def _announce(self, records: Mapping[str, Record]) -> None:
        """Renew the heartbeat of this member, and delete those of members that died long ago."""
        key = member_key(self.identity)
        version = records[key].version if key in records else ""
        self._leases.write(key, Record(self.identity, version, self._timing.duration_seconds), self._wall())
        for forgotten in self._roster.forgotten(self._seconds()):
            self._leases.remove(forgotten)

    def _settle(
        self,
        partition: Partition,
        record: Record | None,
        controlled: Controlled,
        wanted: Collection[Partition],
    ) -> None:
        """Take, renew or hand over one partition."""
        holding = self._holdings.setdefault(partition, Holding(Elector(self.identity, self._timing)))
        holding.holder = record.holder if record else ""
        move = holding.elector.decide(record, self._seconds())
        mine = partition in wanted and preferred(partition.key, self._members()) == self.identity
        held = move is Move.RENEW
        holding.leaving = held and not mine
        if not held and partition not in wanted:
            if not holding.reported:
                del self._holdings[partition]
        elif holding.leaving and not controlled.is_busy(partition):
            holding.elector.lost()
            self._release(partition, holding, record, forget=partition not in wanted)
            holding.holder = ""
        elif held or (mine and move is not Move.WAIT and self._rounds):
            self._hold(partition, holding, record)

    def _hold(self, partition: Partition, holding: Holding, record: Record | None) -> None:
        asked_at = self._seconds()
        if self._leases.write(partition.key, holding.elector.wanted(record), self._wall()):
            holding.elector.won(asked_at)
            holding.holder = self.identity
        else:
            holding.elector.lost()  # another replica was faster; the next read shows which

    def _release(
        self, partition: Partition, holding: Holding, record: Record | None, *, forget: bool = False
    ) -> None:
        """Release a partition so that another member can take it at once; *forget* deletes its lease."""
        if record is None or record.holder != self.identity:
            return
        if forget:
            self._leases.remove(partition.key)
        else:
            self._leases.write(partition.key, holding.elector.given_back(record), self._wall())

    def _members(self) -> frozenset[str]:
        return self._roster.live(self._seconds()) | {self.identity}

    def _owned(self) -> list[Partition]:
        now = self._seconds()
        return [partition for partition, holding in list(self._holdings.items()) if holding.is_owned(now)]

    def _has_moved(self, partition: Partition, holding: Holding) -> bool:
        """Return whether this replica acquired or left a partition since the last step; log and count it."""
        owned = holding.is_owned(self._seconds())
        if owned == holding.reported:
            return False
        holding.reported = owned
        facts = {"account": partition.account, "region": partition.region, "owner": holding.holder or None}
        if owned:
            move = "acquired"
            log.info("partition.acquired", **facts)
        elif holding.leaving or not holding.holder:
            move = "released"
            log.info("partition.released", **facts)
        else:
            move = "lost"
            log.info("partition.lost", **facts)
        self.moves[move] += 1
        return True

    def _leadership(self, status: Truth, reason: Reason, message: str) -> Leadership:
        holdings = list(self._holdings.items())  # at once: another thread may add one
        owners = tuple(
            (partition, holding.holder) for partition, holding in sorted(holdings, key=itemgetter(0))
        )
        members = tuple(sorted(self._members())) if self._rounds else ()
        return Leadership(status, reason, message, self.identity, members, owners)

    def _note(self, failure: str) -> None:
        name = self._leases.name
        if self._owned():
            found = Truth.TRUE, Reason.LEADING, f"this replica owns partitions of {name}"
        elif failure:
            found = Truth.UNKNOWN, Reason.UNAVAILABLE, failure
        elif self._rounds < 2:
            found = Truth.UNKNOWN, Reason.NOT_YET, "this replica joins the fleet"
        else:
            found = Truth.FALSE, Reason.STANDBY, f"other replicas own the partitions of {name}"
        before, self._current = self._current, (now := self._leadership(*found))
        if before.status is not now.status or before.reason is not now.reason:
            write = log.warning if now.reason is Reason.UNAVAILABLE else log.info
            write(
                "condition.changed",
                type=KIND,
                status=now.status.value,
                reason=now.reason.value,
                message=now.message,
            )
