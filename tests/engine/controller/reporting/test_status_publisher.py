"""The status objects of a controller over simulated time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from reconciler.core.status.status_object import StatusEvent
from reconciler.engine.controller.reporting import status_publisher
from reconciler.engine.controller.reporting.status_publisher import StatusPublisher
from tests.builders import classified
from tests.engine.months import Months
from tests.waiting import until

MINUTE = 60.0


@dataclass
class Objects:
    """
    `StatusObjects` in memory; those that others created are only in `foreign`.

    Attributes:
        tries: The names of all objects that were to be written.
    """

    found: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    foreign: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    writes: list[str] = field(default_factory=list)
    told: list[tuple[str, str]] = field(default_factory=list)
    failing: bool = False
    refused: set[str] = field(default_factory=set)
    untold: int = 0
    tries: list[str] = field(default_factory=list)

    def names(self) -> list[str]:
        return list(self.found)

    def put(self, name: str, status: Mapping[str, Any], *, create: bool = True) -> None:
        self.tries.append(name)
        if self.failing or name in self.refused:
            raise OSError("the cluster is away")
        if name in self.foreign:
            self.foreign[name] = status
        elif create or name in self.found:
            self.writes.append(name)
            self.found[name] = status

    def post_event(self, name: str, event: StatusEvent) -> None:
        if self.untold:
            self.untold -= 1
            raise OSError("the cluster is away")
        self.told.append((name, event.reason))

    def remove(self, name: str) -> None:
        del self.found[name]

    def close(self) -> None: ...


def test_an_object_is_written_when_something_changed(months: Months):
    """A quiet cycle writes nothing; every ten minutes what others did to an object is undone."""
    objects = Objects()
    publisher = StatusPublisher(objects, months.registry)
    months.write("roses", *"abc")
    months.settle()
    publisher.step()
    for _ in range(2):
        months.run_for(4 * MINUTE)
        publisher.step()
    assert ["roses"] == objects.writes

    objects.found.clear()
    months.run_for(6 * MINUTE)
    publisher.step()

    assert ["roses", "roses"] == objects.writes
    assert ("converged", 0, 3) == (
        objects.found["roses"]["verdict"],
        objects.found["roses"]["drifted"],
        objects.found["roses"]["counts"]["observed"],
    )
    assert [] == objects.told


def test_drift_that_lasts_is_told_once(months: Months):
    months.write("roses", *"abc", policy="onDrift: report")
    months.settle()
    objects = Objects()
    publisher = StatusPublisher(objects, months.registry)
    publisher.step()
    months.emulator.console.put(months.arn("roses"), orjson.loads(classified("b", "daisy")))
    for _ in range(3):
        months.run_for(6 * MINUTE)
        publisher.step()
    assert [("roses", "Drifted")] == objects.told
    assert 1 == objects.found["roses"]["drifted"]

    months.emulator.console.put(months.arn("roses"), orjson.loads(classified("b", "rose")))
    months.run_for(6 * MINUTE)
    publisher.step()

    assert [("roses", "Drifted"), ("roses", "Recovered")] == objects.told


def test_a_dataset_that_left_the_specs_has_no_object(months: Months):
    """But a source that cannot be read removes nothing."""
    objects = Objects()
    publisher = StatusPublisher(objects, months.registry)
    objects.found["of-an-earlier-process"] = {}
    publisher.step()
    assert ["of-an-earlier-process"] == objects.names()  # the specs have not been read yet

    months.write("roses", *"abc")
    months.write("tulips", *"def")
    months.settle()
    publisher.step()
    assert ["roses", "tulips"] == objects.names()

    (months.specs / "tulips.yaml").unlink()
    months.settle()
    publisher.step()

    assert ["roses"] == objects.names()


def test_images_that_git_does_not_know_are_no_drift(months: Months):
    """The column DRIFTED and the condition Drifted agree."""
    months.write("roses", *"abc", policy="onDrift: report")
    months.settle()
    months.emulator.console.put(months.arn("roses"), orjson.loads(classified("z", "daisy")))
    months.run_for(6 * MINUTE)
    objects = Objects()
    StatusPublisher(objects, months.registry).step()

    status = objects.found["roses"]
    (drifted,) = [one["status"] for one in status["conditions"] if one["type"] == "Drifted"]
    assert (1, 0, "False") == (status["counts"]["orphan"], status["drifted"], drifted)


def test_specs_that_can_only_be_read_in_part_remove_nothing(months: Months):
    """A dataset whose document is not YAML any more has not left; its name is unknown."""
    objects = Objects()
    publisher = StatusPublisher(objects, months.registry)
    months.write("roses", *"abc")
    months.write("tulips", *"def")
    months.settle()
    publisher.step()
    with (months.specs / "tulips.yaml").open("a") as file:
        file.write("  labels: {team: [\n")
    months.settle()
    publisher.step()
    assert ["roses", "tulips"] == objects.names()

    (months.specs / "tulips.yaml").unlink()
    months.settle()
    publisher.step()

    assert ["roses"] == objects.names()


def test_an_object_that_the_controller_did_not_create_is_not_deleted(months: Months):
    """Its status says that the dataset is gone, and is not green; one that is gone too stays gone."""
    objects = Objects(foreign={"roses": {}, "tulips": {}})
    publisher = StatusPublisher(objects, months.registry)
    for name in ("roses", "tulips", "lilies"):
        months.write(name, *"abc")
    months.settle()
    publisher.step()
    assert "converged" == objects.foreign["roses"]["verdict"]

    del objects.foreign["tulips"]
    for name in ("roses", "tulips"):
        (months.specs / f"{name}.yaml").unlink()
    months.settle()
    publisher.step()

    (ready,) = objects.foreign["roses"]["conditions"]
    assert ("Ready", "Unknown", "NotFound") == (ready["type"], ready["status"], ready["reason"])
    assert ["lilies"] == objects.names()


def test_what_another_replica_represents_is_deleted_by_it(months: Months):
    """Or by this one, once the other is gone."""
    objects = Objects({"roses": {}, "tulips": {}})
    others = {"tulips"}
    months.registry.fleet = SimpleNamespace(represents=lambda name: name not in others)  # type: ignore[assignment]
    months.registry.fingerprint, months.registry.source_failure = "read", None
    publisher = StatusPublisher(objects, months.registry)
    publisher.step()
    assert ["tulips"] == objects.names()

    others.clear()
    publisher.step()

    assert [] == objects.names()


def test_the_objects_of_other_shards_are_left_to_them(months: Months):
    months.write("roses", *"abc")
    months.settle()
    objects = Objects({"elsewhere": {}, "gone": {}})

    StatusPublisher(objects, months.registry, lambda name: name != "elsewhere").step()

    assert ["elsewhere", "roses"] == sorted(objects.names())


def test_an_object_that_is_refused_does_not_stop_the_others(months: Months):
    """Not even if there are many of them."""
    objects = Objects(refused={f"a{number}" for number in range(5)})
    for name in (*objects.refused, "roses"):
        months.write(name, *"abc")
    months.settle()
    publisher = StatusPublisher(objects, months.registry)
    for _ in range(3):
        publisher.step()

    assert ["roses"] == objects.names()
    assert 5 == months.registry.unpublished


def test_a_cluster_that_is_away_is_asked_three_times_a_step(months: Months):
    """More would only wait for it; what was not tried comes first the next time."""
    names = [f"a{number}" for number in range(5)]
    for name in names:
        months.write(name, *"abc")
    months.settle()
    objects = Objects(failing=True)
    publisher = StatusPublisher(objects, months.registry)

    publisher.step()
    assert names[:3] == objects.tries
    publisher.step()
    assert [*names[3:], names[0]] == objects.tries[3:]


@pytest.mark.parametrize(("seconds", "writes"), [(599.0, 1), (600.0, 2)])
def test_an_object_is_written_again_after_ten_minutes(months: Months, seconds: float, writes: int):
    """Although nothing changed: another client may have changed it."""
    months.write("roses", *"abc", interval="1h")
    months.settle()
    objects, now = Objects(), months.registry.monotonic()
    months.registry.monotonic = lambda: now
    publisher = StatusPublisher(objects, months.registry)
    publisher.step()
    now += seconds
    publisher.step()

    assert ["roses"] * writes == objects.writes


def test_an_event_that_could_not_be_sent_is_sent_later(months: Months):
    """And only once."""
    months.write("roses", *"abc", policy="onDrift: report")
    months.settle()
    months.emulator.console.put(months.arn("roses"), orjson.loads(classified("b", "daisy")))
    months.run_for(6 * MINUTE)
    objects = Objects(untold=1)
    publisher = StatusPublisher(objects, months.registry)
    for _ in range(3):
        publisher.step()

    assert [("roses", "Drifted")] == objects.told
    assert 0 == months.registry.unpublished


def test_what_another_replica_owns_is_left_to_it(months: Months):
    months.write("roses", *"abc")
    months.settle()
    objects = Objects()
    months.dataset_state("roses").is_elsewhere = True

    StatusPublisher(objects, months.registry).step()

    assert [] == objects.writes


def test_a_cluster_that_is_away_is_logged_once_and_tried_again(
    months: Months, events: list[dict[str, object]]
):
    months.write("roses", *"abc")
    months.settle()
    objects = Objects(failing=True)
    publisher = StatusPublisher(objects, months.registry)
    publisher.step()
    publisher.step()
    assert ["status.unpublished"] == [e["event"] for e in events if e["event"] == "status.unpublished"]

    objects.failing = False
    publisher.step()

    assert ["roses"] == objects.writes


def test_a_document_without_a_name_has_no_object(months: Months):
    """It is known by its path; the objects of the others are written."""
    months.write("roses", *"abc")
    (months.specs / "broken.yaml").write_text("apiVersion: reconciler/v1\nkind: Dataset\nmetadata: 3\n")
    months.settle()
    objects = Objects()
    assert 2 == len(months.registry.states)

    StatusPublisher(objects, months.registry).step()

    assert ["roses"] == objects.writes


def test_it_writes_in_a_thread_of_its_own_until_it_is_ended(months: Months, monkeypatch: pytest.MonkeyPatch):
    """A thread that hangs on the API server does not keep the process from ending."""
    monkeypatch.setattr(status_publisher, "EVERY_SECONDS", 0.02)
    objects = Objects()
    publisher = StatusPublisher(objects, months.registry)
    months.write("roses", *"abc")
    months.settle()
    assert {} == objects.found

    publisher.start()
    until(lambda: "roses" in objects.found)
    assert publisher._thread.daemon
    publisher._thread.join(0.1)
    assert publisher._thread.is_alive()
    publisher.end()

    until(lambda: not publisher._thread.is_alive())


def test_a_dataset_that_comes_back_from_another_replica_is_written_again(months: Months):
    """The object was the other's meanwhile: what this replica wrote before says nothing about it."""
    objects = Objects()
    publisher = StatusPublisher(objects, months.registry)
    months.write("roses", *"abc")
    months.settle()
    publisher.step()
    months.dataset_state("roses").is_elsewhere = True
    publisher.step()
    assert (["roses"], {"roses"}) == (objects.writes, set(objects.found))

    months.dataset_state("roses").is_elsewhere = False
    publisher.step()

    assert ["roses", "roses"] == objects.writes


def test_an_object_that_cannot_be_deleted_is_logged_and_deleted_later(
    months: Months, events: list[dict[str, object]], monkeypatch: pytest.MonkeyPatch
):
    """The status of all others is up to date meanwhile."""
    objects = Objects()
    publisher = StatusPublisher(objects, months.registry)
    months.write("roses", *"abc")
    months.write("tulips", *"de")
    months.settle()
    publisher.step()
    (months.specs / "tulips.yaml").unlink()
    months.settle()

    def away(_: str) -> None:
        raise OSError("the cluster is away")

    with monkeypatch.context() as patched:
        patched.setattr(objects, "remove", away)
        publisher.step()
        publisher.step()
    unpublished = [event for event in events if event["event"] == "status.unpublished"]
    assert [("OSError", "the cluster is away")] == [(one["error"], one["reason"]) for one in unpublished]

    publisher.step()
    assert ["roses"] == list(objects.found)
