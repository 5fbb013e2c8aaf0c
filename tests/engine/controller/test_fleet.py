"""Replicas that share partitions, over a clock that the test advances."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from reconciler.core.runtime.fleet import MEMBER, Partition, Timing, preferred
from reconciler.core.spec.documents import Target
from reconciler.core.status.conditions import Reason, Truth
from reconciler.engine.controller.fleet import Fleet
from reconciler.errors import NotLeader
from tests.engine.fleets import RENEW, TARGETS, TIMING, Door, Home, Store, target
from tests.waiting import until


@dataclass
class Controlled:
    """The controller of a replica."""

    wanted: list[Target] | None = field(default_factory=lambda: [target()])
    busy: bool = False
    reassigned: int = 0

    def targets(self) -> list[Target] | None:
        return self.wanted

    def is_busy(self, partition: Partition) -> bool:
        del partition
        return self.busy

    def reassign(self) -> None:
        self.reassigned += 1


@dataclass
class Replica:
    """One replica, and what it stands on."""

    fleet: Fleet
    door: Door
    controlled: Controlled
    home: Home

    def step(self, times: int = 1) -> None:
        for _ in range(times):
            self.fleet.step(self.controlled)

    def owned(self) -> list[Target]:
        return [one for one in self.controlled.wanted or () if self.fleet.owns(one)]


@dataclass
class Cluster:
    """Replicas on one monotonic clock."""

    now: float = 1_000.0
    store: Store = field(default_factory=Store)

    def replica(self, name: str, wanted: list[Target] | None = None) -> Replica:
        door, controlled, home = Door(self.store), Controlled(), Home()
        controlled.wanted = wanted or controlled.wanted
        fleet = Fleet(door, name, TIMING, home, lambda: self.now, lambda: self.now)
        return Replica(fleet, door, controlled, home)

    def rounds(self, replicas: list[Replica], number: int) -> None:
        """Let every replica step once in each renewal interval."""
        for _ in range(number):
            for replica in replicas:
                replica.step()
            self.now += RENEW


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


def refused(replica: Replica, one: Target | None = None, *, writes: bool = False) -> bool:
    try:
        replica.fleet.permit(one or target(), writes=writes)
    except NotLeader:
        return True
    return False


def test_no_call_is_made_before_the_partition_is_owned(cluster: Cluster):
    """A replica neither reads nor writes in a partition before it has acquired its lease, or if another has."""
    first = cluster.replica("first")
    assert (Truth.UNKNOWN, Reason.NOT_YET) == (
        first.fleet.leadership().status,
        first.fleet.leadership().reason,
    )
    assert refused(first)

    first.step(2)
    second = cluster.replica("second")
    second.step()

    assert (False, False) == (refused(first), refused(first, writes=True))
    assert refused(second)
    assert Truth.TRUE is first.fleet.leadership().status


def test_replicas_that_start_together_share_at_once(cluster: Cluster, events: list[dict[str, object]]):
    """Each first announces itself, so that nothing has to be handed over."""
    replicas = [cluster.replica(name, TARGETS) for name in ("one", "two", "three")]

    cluster.rounds(replicas, 4)

    assert TARGETS == sorted(
        (one for r in replicas for one in r.owned()), key=lambda one: one.account_id or ""
    )
    assert all(replica.owned() for replica in replicas)
    assert {"acquired": 10} == dict(sum((r.fleet.moves for r in replicas[1:]), replicas[0].fleet.moves))
    assert {"partition.acquired"} == {e["event"] for e in events if str(e["event"]).startswith("partition.")}


def test_a_write_is_only_begun_if_it_ends_while_the_lease_lasts(cluster: Cluster):
    """Without renewal the right to write ends first, then that to read, and then another replica owns it."""
    first, second = cluster.replica("first"), cluster.replica("second")
    first.step(2)
    second.step(2)
    held = TIMING.duration_seconds - TIMING.margin_seconds

    cluster.now += held - TIMING.call_seconds
    assert not refused(first, writes=True)
    cluster.now += 0.1
    assert (True, False) == (refused(first, writes=True), refused(first))
    second.step()
    assert refused(second)
    cluster.now = 1_000.0 + held
    assert refused(first)
    assert Truth.UNKNOWN is first.fleet.leadership().status
    cluster.now = 1_000.0 + TIMING.duration_seconds
    second.step()

    assert not refused(second)
    first.step()
    assert refused(first)


def test_a_partition_is_handed_over_after_the_last_cycle_in_it(
    cluster: Cluster, events: list[dict[str, object]]
):
    """The owner starts nothing new, keeps the lease while a cycle runs, and then releases it."""
    newcomer = next(
        name for name in "abcdefgh" if preferred("111122223333-us-east-1", [name, "first"]) == name
    )
    first, second = cluster.replica("first"), cluster.replica(newcomer)
    first.step(2)
    first.controlled.busy = True
    second.step(2)
    first.step()

    assert refused(first)
    assert {"111122223333-us-east-1": "first"} == cluster.store.holders()
    for _ in range(20):  # renewed for as long as the cycle takes
        cluster.now += RENEW
        first.step()
        second.step()
    assert refused(second)

    first.controlled.busy = False
    first.step()
    assert {"111122223333-us-east-1": ""} == cluster.store.holders()
    second.step()

    assert (True, False) == (refused(first), refused(second))
    moves = [e["event"] for e in events if str(e["event"]).startswith("partition.")]
    assert ["partition.acquired", "partition.released", "partition.acquired"] == moves


def test_what_a_member_that_died_owned_goes_to_the_others(cluster: Cluster):
    """And nothing else moves."""
    replicas = [cluster.replica(name, TARGETS) for name in ("one", "two", "three")]
    cluster.rounds(replicas, 4)
    dead, *rest = replicas
    before = [replica.owned() for replica in rest]

    cluster.rounds(rest, 9)

    assert 10 == sum(len(replica.owned()) for replica in rest)
    assert all(one in replica.owned() for replica, had in zip(rest, before, strict=True) for one in had)
    assert not dead.owned()


def test_a_cluster_that_is_away_ends_the_ownership_in_time(cluster: Cluster, events: list[dict[str, object]]):
    """A replica that cannot reach the cluster stops in time, and owns again once the cluster is back."""
    only = cluster.replica("only")
    only.step(2)
    only.door.failure = True
    cluster.now += RENEW
    only.step()
    assert not refused(only)

    cluster.now += TIMING.duration_seconds
    before = only.controlled.reassigned
    only.step()
    leadership = only.fleet.leadership()
    assert (Truth.UNKNOWN, "the cluster does not answer") == (leadership.status, leadership.message)
    assert refused(only)
    assert before < only.controlled.reassigned
    only.door.failure = False
    only.step()

    assert not refused(only)
    told = [event["status"] for event in events if event["event"] == "condition.changed"]
    assert ["True", "Unknown", "True"] == told
    assert {"acquired": 2, "lost": 1} == dict(only.fleet.moves)


def test_a_replica_without_specs_owns_nothing_and_is_no_member(cluster: Cluster):
    """Otherwise one that cannot read its source would keep its share from the others."""
    blind = cluster.replica("blind")
    blind.controlled.wanted = None

    blind.step(3)

    assert {} == cluster.store.records
    assert Truth.UNKNOWN is blind.fleet.leadership().status


def test_a_target_without_an_account_is_in_that_of_the_credentials(cluster: Cluster):
    """Until it is known, no replica owns the target, and a replica that does not know it is no member."""
    only = cluster.replica("only", [target(None, None)])
    only.step(3)
    assert {} == cluster.store.records
    assert "not known" in only.fleet.owner_in_words(target(None, None))

    only.home.found = "444455556666"
    only.step(2)

    assert {"444455556666-eu-west-1": "only"} == cluster.store.holders()
    assert not refused(only, target(None, None), writes=True)
    assert not refused(only, target("444455556666", "eu-west-1"))
    assert refused(only, target("444455556666", "us-east-1"))


def test_the_account_is_that_of_the_role(cluster: Cluster):
    """Whatever that of the credentials is."""
    only = cluster.replica("only")
    role = target(None).model_copy(update={"role_arn": "arn:aws:iam::777788889999:role/datasets"})

    assert Partition("777788889999", "us-east-1") == only.fleet.partition_of(role)


def test_a_partition_that_left_the_specs_leaves_no_lease(cluster: Cluster):
    only = cluster.replica("only", TARGETS[:2])
    only.step(2)
    assert 2 == len(cluster.store.holders())

    only.controlled.wanted = TARGETS[:1]
    only.step()
    only.step()

    assert ["000000000000-us-east-1"] == list(cluster.store.holders())
    assert [Partition("000000000000", "us-east-1")] == [one for one, _ in only.fleet.leadership().owners]


def test_a_replica_that_leaves_is_replaced_at_once(cluster: Cluster):
    """It releases what it owns and its heartbeat, and makes no further call."""
    first, second = cluster.replica("first", TARGETS), cluster.replica("second", TARGETS)
    cluster.rounds([first, second], 4)

    first.fleet.end(release=True)
    second.step()

    assert first.door.closed
    assert TARGETS == second.owned()
    assert all(refused(first, one) for one in TARGETS)


def test_a_lease_that_another_took_meanwhile_is_left_to_it(cluster: Cluster):
    """It is read again before it is released."""
    first = cluster.replica("first")
    first.step(2)
    for key, record in cluster.store.records.items():
        cluster.store.records[key] = replace(record, holder="other")

    first.fleet.end(release=True)

    assert {"111122223333-us-east-1": "other"} == cluster.store.holders()


def test_a_lease_is_kept_while_a_call_may_be_in_progress(cluster: Cluster):
    first = cluster.replica("first")
    first.step(2)

    first.fleet.end(release=False)

    assert {"111122223333-us-east-1": "first"} == cluster.store.holders()
    assert refused(first)


def test_a_lease_that_cannot_be_released_is_an_event_of_its_own(
    cluster: Cluster, events: list[dict[str, object]]
):
    """A failed release is logged as its own event and fails no cycle: the lease expires by itself."""
    only = cluster.replica("only")
    only.step(2)
    only.door.failure = True

    only.fleet.end(release=True)

    assert ["lease.unreleased"] == [event["event"] for event in events if event["log_level"] == "warning"]
    assert only.door.closed


def test_the_heartbeat_of_a_member_that_is_long_dead_is_deleted(cluster: Cluster):
    dead, alive = cluster.replica("dead"), cluster.replica("alive")
    dead.step()
    alive.step(2)
    assert 2 == sum(key.startswith(MEMBER) for key in cluster.store.records)

    cluster.rounds([alive], 70)

    assert 1 == sum(key.startswith(MEMBER) for key in cluster.store.records)


def test_one_replica_reports_a_dataset_without_a_partition(cluster: Cluster):
    """Such as one whose spec is invalid."""
    replicas = [cluster.replica(name) for name in ("one", "two", "three")]
    cluster.rounds(replicas, 3)

    assert 1 == sum(replica.fleet.represents("roses") for replica in replicas)


def test_the_thread_steps_until_the_end(cluster: Cluster):
    """It takes the partition, and does not take it again after it was released."""
    only = cluster.replica("only")
    only.fleet._timing = Timing(3)

    only.fleet.start(only.controlled)

    until(lambda: only.door.reads >= 4)
    only.fleet.end(release=True)
    assert {"111122223333-us-east-1": ""} == cluster.store.holders()
    assert 1 <= only.controlled.reassigned <= 2


def test_the_leadership_is_shown_with_every_partition_and_its_owner(cluster: Cluster):
    """A partition without an owner has none."""
    replica = cluster.replica("first")
    replica.step(3)
    document = replica.fleet.leadership().document()

    assert document == {
        "status": "True",
        "reason": "Leading",
        "message": "this replica owns partitions of reconciler/reconciler",
        "identity": "first",
        "members": ["first"],
        "partitions": [{"account": "111122223333", "region": "us-east-1", "owner": "first"}],
    }
    second = cluster.replica("second")
    second.step()
    replica.fleet.end(release=True)
    second.controlled.wanted = []
    free = replace(second.fleet.leadership(), owners=((Partition("1", "r"), ""),))
    assert [{"account": "1", "region": "r", "owner": None}] == free.document()["partitions"]


def test_a_writing_call_ends_before_the_lease_does(cluster: Cluster):
    """The time that one may take is that of the leases."""
    assert TIMING.call_seconds == cluster.replica("first").fleet.call_seconds < TIMING.duration_seconds


def test_a_replica_that_was_not_first_at_a_lease_does_not_own_it(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
):
    """The next read shows which other replica does."""
    replica = cluster.replica("first")
    replica.step()
    write = replica.door.write
    monkeypatch.setattr(
        replica.door, "write", lambda key, *rest: key.startswith(MEMBER) and write(key, *rest)
    )

    replica.step(2)

    assert refused(replica)
    monkeypatch.undo()
    replica.step()
    assert not refused(replica)


def test_whose_a_dataset_is_is_said_in_words(cluster: Cluster):
    """Its owner is named, as far as it is known."""
    first, second = cluster.replica("first"), cluster.replica("second")
    here, unknown = target(), target(account=None)
    nobody = "this replica does not own the partition 111122223333/us-east-1"
    assert nobody == first.fleet.owner_in_words(here)
    assert first.fleet.owner_in_words(unknown).startswith("the account of the credentials is not known yet")

    first.step(2)
    second.step()

    assert "replica first owns the partition 111122223333/us-east-1" == second.fleet.owner_in_words(here)
    assert nobody == first.fleet.owner_in_words(here)


def test_a_fleet_at_rest_changes_nothing(cluster: Cluster, events: list[dict[str, object]]):
    """Datasets are reassigned when an owner or a member changes, and nothing is logged otherwise."""
    replicas = [cluster.replica(name, TARGETS) for name in ("one", "two")]
    cluster.rounds(replicas, 5)
    before = [replica.controlled.reassigned for replica in replicas]
    events.clear()

    cluster.rounds(replicas, 5)

    assert ([], before) == (events, [replica.controlled.reassigned for replica in replicas])
    cluster.rounds([*replicas, cluster.replica("three", TARGETS)], 2)
    assert all(replica.controlled.reassigned > 0 for replica in replicas)
    assert before != [replica.controlled.reassigned for replica in replicas]


def test_each_change_of_what_a_replica_owns_is_logged_and_counted(
    cluster: Cluster, events: list[dict[str, object]]
):
    """Acquired, lost to expiry, and released to another; its standing is a condition."""
    replica = cluster.replica("first")
    replica.step(2)
    assert {"acquired": 1} == replica.fleet.moves
    cluster.now += 2 * TIMING.duration_seconds
    replica.door.failure = True
    replica.step()
    assert {"acquired": 1, "lost": 1} == replica.fleet.moves
    replica.door.failure = False
    replica.step()
    replica.controlled.wanted = []
    replica.step(2)
    assert {"acquired": 2, "lost": 1, "released": 1} == replica.fleet.moves

    moved = [event for event in events if str(event["event"]).startswith("partition.")]
    assert ["acquired", "lost", "acquired", "released"] == [str(e["event"])[10:] for e in moved]
    assert [("111122223333", "us-east-1")] * 4 == [(e["account"], e["region"]) for e in moved]
    conditions = [event for event in events if event["event"] == "condition.changed"]
    assert [("True", "info"), ("Unknown", "warning"), ("True", "info"), ("False", "info")] == [
        (e["status"], e["log_level"]) for e in conditions if e["reason"] != "NotYet"
    ]
    assert {"Leading"} == {e["type"] for e in conditions}


def test_every_change_of_the_condition_is_logged_also_if_only_its_reason_is_another(
    cluster: Cluster, events: list[dict[str, object]]
):
    """A cluster that does not answer at the start, then a fleet that is joined: Unknown for two reasons."""
    cluster.replica("first", [target()]).step(2)
    second = cluster.replica("second", [target()])
    events.clear()
    for failure in (True, False, False, True, False, False):
        second.door.failure = failure
        second.step()
        second.step()

    assert [
        (Truth.UNKNOWN, Reason.UNAVAILABLE),
        (Truth.UNKNOWN, Reason.NOT_YET),
        (Truth.FALSE, Reason.STANDBY),
        (Truth.UNKNOWN, Reason.UNAVAILABLE),
        (Truth.FALSE, Reason.STANDBY),
    ] == [(e["status"], e["reason"]) for e in events if e["event"] == "condition.changed"]


def test_a_replica_that_never_took_part_leaves_nothing_behind(cluster: Cluster):
    """Nor does it read the leases for that."""
    replica = cluster.replica("first")

    replica.fleet.end(release=True)

    assert (0, True, {}) == (replica.door.reads, replica.door.closed, cluster.store.records)
