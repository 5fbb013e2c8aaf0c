"""One replica's part in the election, over a clock that the test advances."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest
import structlog

from reconciler.core.runtime.election import Elector, Record, Timing
from reconciler.core.status.conditions import Truth
from reconciler.engine.controller.leadership import Leading
from reconciler.errors import LeaseUnavailable, NotLeader
from tests.waiting import until

TIMING = Timing(60)


@dataclass
class Store:
    """The lease record that all replicas share."""

    record: Record | None = None
    version: int = 0


@dataclass
class Door:
    """A replica's `Lease`."""

    store: Store
    name: str = "reconciler/reconciler"
    failure: bool = False
    closed: bool = False
    reads: int = 0

    def read(self) -> Record | None:
        self.reads += 1
        if self.failure:
            raise LeaseUnavailable("the cluster does not answer")
        return self.store.record

    def write(self, record: Record, at: float) -> bool:
        del at
        if self.failure:
            raise LeaseUnavailable("the cluster does not answer")
        current = self.store.record.version if self.store.record else ""
        if record.version != current:
            return False
        self.store.version += 1
        self.store.record = replace(record, version=str(self.store.version))
        return True

    def close(self) -> None:
        self.closed = True


@dataclass
class Cluster:
    """Replicas on one monotonic clock."""

    now: float = 1_000.0
    store: Store = field(default_factory=Store)

    def replica(self, name: str) -> tuple[Leading, Door]:
        door = Door(self.store)
        return Leading(door, Elector(name, TIMING), lambda: self.now, lambda: self.now), door


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def events() -> Iterator[list[dict[str, object]]]:
    with structlog.testing.capture_logs() as found:
        yield found


def test_nothing_is_written_before_the_lease_is_held(cluster: Cluster):
    """A replica writes neither before it has read the lease nor while another replica holds it."""
    first, _ = cluster.replica("first")
    second, _ = cluster.replica("second")
    for one in (first, second):
        assert Truth.UNKNOWN is one.leadership().status
        with pytest.raises(NotLeader, match="reconciler/reconciler"):
            one.permit()

    assert [True, False] == [first.step(), second.step()]

    first.permit()
    with pytest.raises(NotLeader):
        second.permit()
    assert (Truth.TRUE, Truth.FALSE) == (first.leadership().status, second.leadership().status)
    assert not first.step()  # it leads already, which is no change


def test_a_call_is_only_begun_if_it_ends_while_the_lease_lasts(cluster: Cluster):
    """Without renewal the right to write ends first, then the leadership, and then another replica leads."""
    first, _ = cluster.replica("first")
    second, _ = cluster.replica("second")
    first.step()
    second.step()
    held = TIMING.duration_seconds - TIMING.margin_seconds

    cluster.now += held - TIMING.call_seconds
    first.permit()
    cluster.now += 0.1
    with pytest.raises(NotLeader):
        first.permit()
    assert Truth.TRUE is first.leadership().status
    assert not second.step()
    cluster.now = 1_000.0 + held
    assert Truth.UNKNOWN is first.leadership().status
    cluster.now = 1_000.0 + TIMING.duration_seconds
    assert second.step()
    second.permit()
    assert not first.step()
    assert Truth.FALSE is first.leadership().status


def test_a_cluster_that_is_away_ends_the_lead_in_time(cluster: Cluster, events: list[dict[str, object]]):
    """A leader that cannot reach the cluster stops in time, and leads again once the cluster is back."""
    only, door = cluster.replica("only")
    only.step()
    door.failure = True
    cluster.now += 10
    assert not only.step()
    assert Truth.TRUE is only.leadership().status

    cluster.now += TIMING.duration_seconds
    assert not only.step()
    assert (Truth.UNKNOWN, "the cluster does not answer") == (
        only.leadership().status,
        only.leadership().message,
    )
    door.failure = False

    assert only.step()
    only.permit()
    told = [event["status"] for event in events if event["event"] == "condition.changed"]
    assert ["True", "Unknown", "True"] == told


def test_a_lease_that_is_given_back_is_free_at_once(cluster: Cluster):
    """Another replica can take a released lease at once, and the one that released it writes nothing more."""
    first, door = cluster.replica("first")
    second, _ = cluster.replica("second")
    first.step()
    second.step()

    first.end(release=True)

    assert door.closed
    with pytest.raises(NotLeader):
        first.permit()
    assert second.step()


@pytest.mark.parametrize("other", ["a", "z"])
def test_a_lease_that_another_took_meanwhile_is_left_to_it(cluster: Cluster, other: str):
    """What was held when it was last seen may have been taken since: it is read before it is given back."""
    first, _ = cluster.replica("first")
    first.step()
    assert cluster.store.record is not None
    cluster.store.record = replace(cluster.store.record, holder=other)

    first.end(release=True)

    assert other == cluster.store.record.holder


@pytest.mark.parametrize("release", [False, True])
def test_a_lease_that_is_not_ours_is_not_given_back(cluster: Cluster, release: bool):
    """A lease is not released by a replica that does not hold it, nor while a call may still depend on it."""
    first, _ = cluster.replica("first")
    second, _ = cluster.replica("second")
    first.step()
    second.step()

    (second if release else first).end(release=release)

    assert cluster.store.record is not None
    assert "first" == cluster.store.record.holder


def test_a_lease_that_cannot_be_given_back_is_an_event_of_its_own(
    cluster: Cluster, events: list[dict[str, object]]
):
    """A failed release is logged as its own event and fails no cycle: the lease expires by itself."""
    only, door = cluster.replica("only")
    only.step()
    door.failure = True

    only.end(release=True)

    assert ["lease.unreleased"] == [event["event"] for event in events if event["log_level"] == "warning"]
    assert door.closed


def test_the_thread_steps_until_the_end_and_reports_a_won_election(cluster: Cluster):
    """A replica that wins the election observes every dataset again, once and not per renewal."""
    door, won = Door(cluster.store), []
    only = Leading(door, Elector("only", Timing(3)), lambda: cluster.now, lambda: cluster.now)

    only.start(lambda: won.append(door.reads))

    until(lambda: door.reads >= 3)
    only.end(release=True)
    assert [1] == won
    assert "" == cluster.store.record.holder  # released, and not taken again by the thread
