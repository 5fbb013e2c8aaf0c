"""Two replicas never write at the same time, whatever happens between them; and what is whose."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.core.runtime.fleet import (
    CLOCK_RATE_ERROR,
    FORGOTTEN_AFTER,
    Elector,
    Move,
    Partition,
    Record,
    Roster,
    Shard,
    Timing,
    member_key,
    preferred,
)

DURATION = 12
TIMING = Timing(DURATION)


def test_a_call_ends_before_the_lease_does():
    """A call begins only if it can end before the lease does."""
    elector = Elector("a", TIMING)
    elector.won(asked_at=100.0)
    last = 100.0 + DURATION - TIMING.margin_seconds - TIMING.call_seconds

    assert elector.may_write(last)
    assert not elector.may_write(last + 0.001)
    assert elector.holds(last + 0.001)
    assert not elector.holds(last + TIMING.call_seconds)


def test_two_renewals_may_fail():
    """A leader keeps its lease when two renewals fail."""
    elector = Elector("a", TIMING)
    elector.won(asked_at=0.0)

    assert elector.may_write(3 * TIMING.renew_seconds)


def test_a_lease_of_another_is_waited_for():
    """A lease of another replica is free once it was unchanged for its duration on our own clock."""
    elector = Elector("b", Timing(3))
    held = Record("a", "1", DURATION)

    assert Move.WAIT is elector.decide(held, 50.0)
    assert Move.WAIT is elector.decide(held, 50.0 + DURATION - 0.001)
    assert Move.WAIT is elector.decide(replace(held, version="2"), 50.0 + DURATION)
    assert Move.TAKE is elector.decide(replace(held, version="2"), 50.0 + 2 * DURATION)


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (None, Move.CREATE),
        (Record("", "1", DURATION), Move.TAKE),
        (Record("a", "1", DURATION), Move.RENEW),
        (Record("b", "1", DURATION), Move.WAIT),
    ],
    ids=["absent", "given back", "ours", "another's"],
)
def test_what_is_read_says_what_to_do(record: Record | None, expected: Move):
    assert expected is Elector("a", TIMING).decide(record, 0.0)


@pytest.mark.parametrize("record", [None, Record("b", "9", DURATION), Record("", "9", DURATION)])
def test_a_lease_that_is_not_ours_stops_us_at_once(record: Record | None):
    """A lease that was deleted or taken by another stops us at once, whatever our clock says."""
    elector = Elector("a", TIMING)
    elector.won(asked_at=0.0)

    elector.decide(record, 0.1)

    assert not elector.holds(0.1)


def test_only_another_holder_counts_as_a_transition():
    elector = Elector("a", TIMING)

    assert Record("a", "", DURATION, 0) == elector.wanted(None)
    assert Record("a", "5", DURATION, 3) == elector.wanted(Record("a", "5", 99, 3))
    assert Record("a", "5", DURATION, 4) == elector.wanted(Record("b", "5", 99, 3))
    assert Record("", "5", 99, 3) == elector.given_back(Record("a", "5", 99, 3))


@dataclass
class Store:
    """A store with optimistic locking."""

    record: Record | None = None
    writes: int = 0

    def write(self, record: Record) -> bool:
        if (self.record.version if self.record else "") != record.version:
            return False
        self.writes += 1
        self.record = replace(record, version=str(self.writes))
        return True


@dataclass
class Replica:
    """
    An elector whose requests are slow, late or lost.

    Attributes:
        rate, offset: Those of its clock.
        late: Writes that timed out and may still arrive at any time.
    """

    name: str
    rate: float
    offset: float
    elector: Elector = field(init=False)
    read: Record | None = None
    has_read: bool = False
    late: list[Record] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.elector = Elector(self.name, TIMING)

    def now(self, true: float) -> float:
        return self.offset + true * self.rate


RATES = st.floats(1 - CLOCK_RATE_ERROR, 1 + CLOCK_RATE_ERROR)
OFFSETS = st.floats(0, 1e6)
WHAT = st.sampled_from(
    ["turn", "turn", "turn", "slow", "unanswered", "lost", "arrive", "release", "crash", "pass"]
)
STEPS = st.lists(
    st.tuples(st.integers(0, 1), WHAT, st.floats(0, 3.0), st.floats(0, 6.0)), min_size=1, max_size=60
)


class Context:
    """Two replicas, one store and true time; both fences are checked after each step."""

    def __init__(self, rates: tuple[float, float], offsets: tuple[float, float]) -> None:
        self.true = 0.0
        self.store = Store()
        self.replicas = [Replica(f"r{n}", rates[n], offsets[n]) for n in (0, 1)]
        # Until when a call that was begun under an open fence may be on its way, in true time.
        self.writing = [0.0, 0.0]
        self.wrote = [0, 0]

    def wait(self, seconds: float) -> None:
        """Let time pass in small pieces, both replicas writing whenever they may."""
        end = self.true + seconds
        while True:
            self.write()
            if self.true >= end:
                return
            self.true = min(end, self.true + 0.25)

    def write(self) -> None:
        open_to = [r.elector.may_write(r.now(self.true)) for r in self.replicas]
        held_by = [r.elector.holds(r.now(self.true)) for r in self.replicas]
        assert not all(held_by), "both take the lease for theirs"
        for n, may in enumerate(open_to):
            if may:
                assert self.true >= self.writing[1 - n], "a call of the other may still be on its way"
                call = TIMING.call_seconds / self.replicas[n].rate
                self.writing[n] = max(self.writing[n], self.true + call)
                self.wrote[n] += 1

    def step(self, n: int, what: str, before: float, after: float) -> None:
        replica = self.replicas[n]
        match what:
            case "pass":
                self.wait(before + after)
            case "arrive":
                self.wait(before)
                for record in replica.late:
                    self.store.write(record)
                replica.late.clear()
            case "crash":  # and comes back under another name, without memory
                late = replica.late
                self.replicas[n] = Replica(replica.name + "'", replica.rate, replica.offset + after)
                self.replicas[n].late = late
            case "release" if replica.elector.holds(replica.now(self.true)) and self.store.record is not None:
                replica.elector.lost()
                self.wait(TIMING.call_seconds / replica.rate)  # whatever was under way has ended
                if self.store.record.holder == replica.elector.identity:
                    self.store.write(replica.elector.given_back(self.store.record))
            case "turn" | "slow" | "unanswered" | "lost":
                self.turn(replica, what, before, after)

    def turn(self, replica: Replica, what: str, before: float, after: float) -> None:
        """Read, decide and write as `controller.leadership` does; calls take *before* and *after* seconds."""
        seen = self.store.record
        self.wait(before if what == "slow" else 0.0)
        if replica.elector.decide(seen, replica.now(self.true)) is Move.WAIT:
            return
        wanted, asked_at = replica.elector.wanted(seen), replica.now(self.true)
        if what == "lost":
            replica.late.append(wanted)
            return
        self.wait(after if what == "slow" else 0.0)
        done = self.store.write(wanted)
        if what == "unanswered":
            return
        self.wait(before if what == "slow" else 0.0)
        if done:
            replica.elector.won(asked_at)
        else:
            replica.elector.lost()


@given(st.tuples(RATES, RATES), st.tuples(OFFSETS, OFFSETS), STEPS)
@example(  # the slowest leader, the fastest standby, at the first moment that this one takes it
    (1 - CLOCK_RATE_ERROR, 1 + CLOCK_RATE_ERROR),
    (0.0, 5e5),
    [
        (0, "turn", 0, 0),
        (1, "turn", 0, 0),
        (0, "pass", 3, 3),
        (0, "pass", 3, 2.6),
        (1, "turn", 0, 0),
        (1, "pass", 0, 0),
    ],
)
def test_two_never_write(rates: tuple[float, float], offsets: tuple[float, float], steps):
    """Clocks may run fast or slow within bounds, requests may be slow, lost, late or unanswered."""
    context = Context(rates, offsets)

    for step in steps:
        context.step(*step)


def test_a_silent_leader_is_replaced():
    """A silent leader is replaced, as replicas that never write would satisfy the law above."""
    context = Context((1.0, 1.0), (0.0, 7.0))
    for _ in range(20):
        context.step(0, "turn", 0, 0)
        context.step(1, "turn", 0, 0)
        context.wait(2.0)
    alone = list(context.wrote)
    for _ in range(20):
        context.step(1, "turn", 0, 0)
        context.wait(2.0)

    assert alone[0] > 0
    assert 0 == alone[1]
    assert context.wrote[1] > 0


KEYS = [f"{account:012}-{region}" for account in range(100) for region in ("us-east-1", "eu-west-1")]
MEMBERS = st.sets(st.text(min_size=1), min_size=1, max_size=8)


def owners(members: set[str]) -> dict[str, str | None]:
    return {key: preferred(key, members) for key in KEYS}


@given(members=MEMBERS, joins=st.text(min_size=1))
def test_a_member_that_joins_only_takes(members: set[str], joins: str):
    """Nothing moves between members that were there before."""
    before, after = owners(members), owners(members | {joins})

    assert all(after[key] in (before[key], joins) for key in KEYS)


@given(members=MEMBERS)
def test_the_order_of_the_members_does_not_matter(members: set[str]):
    chosen = [preferred(key, sorted(members)) for key in KEYS]

    assert [preferred(key, sorted(members, reverse=True)) for key in KEYS] == chosen
    assert set(chosen) <= members


def test_the_shares_are_about_equal():
    """Of 200 partitions, no member of 4 has less than half or more than double of its share."""
    shares = Counter(owners({"one", "two", "three", "four"}).values())

    assert 4 == len(shares)
    assert all(25 <= share <= 100 for share in shares.values())


def test_the_answer_is_that_of_every_version():
    """Replicas of two versions, during an update, must not prefer different owners."""
    accounts = ("111122223333", "444455556666", "777788889999", "123456789012", "210987654321")

    assert ["a", "b", "b", "b", "b"] == [preferred(f"{account}-us-east-1", "abc") for account in accounts]


def test_without_members_there_is_no_owner():
    assert preferred("111122223333-us-east-1", []) is None


def test_a_key_can_be_part_of_the_name_of_an_object():
    assert "111122223333-us-east-1" == Partition("111122223333", "us-east-1").key
    assert member_key("Pod_one.example/ä").removeprefix("member-").isalnum()


def heartbeat(holder: str, version: str) -> dict[str, Record]:
    return {member_key(holder): Record(holder, version, 60)}


def test_a_member_lives_for_one_duration_after_its_last_heartbeat_was_seen():
    """The time at which it was written does not matter, nor how often the same heartbeat is seen."""
    roster = Roster()
    roster.see(heartbeat("one", "1"), 100.0)
    roster.see(heartbeat("one", "1"), 150.0)

    assert ({"one"}, set()) == (roster.live(159.9), roster.live(160.0))

    roster.see(heartbeat("one", "2"), 170.0)
    assert {"one"} == roster.live(171.0)


def test_a_heartbeat_that_was_deleted_no_longer_counts():
    roster = Roster()
    roster.see(heartbeat("one", "1") | heartbeat("two", "2"), 100.0)

    roster.see(heartbeat("two", "2"), 101.0)

    assert {"two"} == roster.live(102.0)


@pytest.mark.parametrize(
    ("after", "expected"),
    [(60 * FORGOTTEN_AFTER - 1, 0), (60 * FORGOTTEN_AFTER, 1), (60 * FORGOTTEN_AFTER + 1, 1)],
)
def test_a_heartbeat_is_deleted_only_long_after_the_last_one(after: float, expected: int):
    roster = Roster()
    roster.see(heartbeat("one", "1"), 0.0)

    assert expected == len(roster.forgotten(after))


def test_a_partition_is_no_member():
    roster = Roster()
    roster.see({"111122223333-us-east-1": Record("one", "1", 60)}, 0.0)

    assert set() == roster.live(1.0)


def test_a_member_has_the_same_key_in_every_version():
    """Replicas of two versions are members of one fleet during an upgrade."""
    assert "member-f0ea5e6f2524cc97" == member_key("replica-1")


NAMES = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,40}[a-z0-9])?", fullmatch=True)


def owners_of_shards(name: str, count: int) -> list[int]:
    return [index for index in range(count) if name in Shard(index, count)]


@given(NAMES, st.integers(1, 20))
def test_every_dataset_has_one_home(name: str, count: int):
    """Every dataset belongs to exactly one shard."""
    assert 1 == len(owners_of_shards(name, count))


@given(NAMES, st.integers(1, 20))
def test_one_shard_more_only_takes(name: str, count: int):
    """Adding a shard moves datasets only to the new one."""
    before, after = owners_of_shards(name, count), owners_of_shards(name, count + 1)

    assert after in (before, [count])


def test_the_answer_is_the_same_everywhere():
    """The assignment is the same for every version and machine: these values must never change."""
    assert [PINNED[name] for name in PINNED] == [owners_of_shards(name, 3)[0] for name in PINNED]


def test_shards_are_about_equally_large():
    """Of three thousand datasets each of three shards has a third, within a tenth."""
    sizes = [sum(f"dataset-{n}" in Shard(index, 3) for n in range(3000)) for index in range(3)]

    assert all(900 <= size <= 1100 for size in sizes), sizes


@pytest.mark.parametrize(("index", "count"), [(3, 3), (-1, 3), (0, 0)])
def test_a_shard_that_is_none_is_refused(index: int, count: int):
    with pytest.raises(ValueError, match="the first is 0"):
        Shard(index, count)


PINNED = {"flowers-train": 2, "flowers-test": 2, "circuit-boards-train": 0, "a": 2, "roses": 1}
