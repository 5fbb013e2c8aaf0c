"""How datasets are divided among the members of a fleet."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.runtime.election import Record
from reconciler.core.runtime.partition import FORGOTTEN_AFTER, Partition, Roster, Shard, member_key, preferred

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
