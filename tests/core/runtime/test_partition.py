"""How datasets are divided among the members of a fleet."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.runtime.election import Record
from reconciler.core.runtime.partition import FORGOTTEN_AFTER, Partition, Roster, member_key, preferred

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
