"""When the status is written for other processes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reconciler.core.status.result import Verdict
from reconciler.core.status.summary import Summary
from reconciler.engine.controller.dataset_state import DatasetState
from reconciler.engine.controller.registry import QueueHealth, Registry
from reconciler.errors import StateError
from reconciler.ports import LoadedDataset
from tests.engine.months import Months
from tests.sources.builders import LINE, dataset, loaded, write

ARN = "arn:aws:rekognition:us-east-1:111122223333:project/flowers/dataset/train/"


class Published:
    """A publisher that records when it was called, and a clock that the test moves."""

    def __init__(self) -> None:
        self.time = 1_000.0
        self.at: list[float] = []
        self.failing = False
        self.registry = Registry("specs", lambda: self.time, lambda: self.time, publisher=self)

    def __call__(self, document: Mapping[str, Any]) -> None:
        assert "status/v1" == document["format"]
        self.at.append(self.time)
        if self.failing:
            raise StateError("no space left on device")

    def run_for(self, seconds: float) -> list[float]:
        """Publish ten times a second; return when that wrote, in seconds from now."""
        begun, self.at = self.time, []
        for _ in range(round(seconds * 10)):
            self.registry.publish()
            self.time = round(self.time + 0.1, 1)
        return [round(at - begun, 1) for at in self.at]


def test_without_a_change_the_status_is_written_every_quarter_of_a_minute():
    """So that others can tell a controller at rest from one that has ended."""
    assert [0, 15, 30] == Published().run_for(40)


def test_a_change_is_written_within_a_second():
    """And many changes in one second are written once."""
    found = Published()
    found.run_for(5)

    found.registry.touch()
    assert [0] == found.run_for(0.5)
    found.registry.touch()
    assert [0.5] == found.run_for(2)


def test_a_write_that_failed_is_tried_again_every_second():
    """A full disk stops nothing, and its end is noticed."""
    found = Published()
    found.failing = True
    assert [0, 1, 2] == found.run_for(3)
    found.failing = False

    assert [0, 15] == found.run_for(16)


def test_at_the_end_the_status_is_written_at_once():
    found = Published()
    found.registry.publish()

    found.registry.publish(now=True)

    assert [1_000.0, 1_000.0] == found.at


def test_a_condition_is_logged_when_it_changes_and_not_when_a_dataset_is_new(months: Months):
    """A restart of the controller is no news of its datasets."""
    import structlog

    months.write("roses", *"abc")
    with structlog.testing.capture_logs() as events:
        months.controller._poller.poll()
        months.registry.judge(months.dataset_state("roses"))
    assert [] == [event for event in events if event["event"] == "condition.changed"]

    with structlog.testing.capture_logs() as events:
        months.settle()
    changed = [event for event in events if event["event"] == "condition.changed"]
    assert {"InSync": "True", "Ready": "True"}.items() <= {e["type"]: e["status"] for e in changed}.items()
    assert {"roses"} == {event["dataset"] for event in changed}


def shown(**facts: Any) -> dict[str, Any]:
    """Return the document of a dataset at 1,000 s since the epoch, which is 1,000 s of the other clock."""
    registry = Published().registry
    registry.states = {"roses": DatasetState("roses", None, **facts)}
    document: dict[str, Any] = registry.document()["datasets"][0]
    return document


def test_the_next_cycle_is_shown_with_its_time():
    """One that is overdue starts now; one that another replica runs is not known here."""
    assert [f"1970-01-01T00:{time}Z" for time in ("16:40", "17:40", "16:40")] == [
        shown(due=due)["next_visit_at"] for due in (1_000.0, 1_060.0, 0.0)
    ]
    assert shown(is_elsewhere=True)["next_visit_at"] is None


def test_a_controller_is_ready_for_good_once_every_dataset_was_observed():
    """Not before the specs were read."""
    registry = Published().registry
    assert not registry.is_ready()
    registry.fingerprint = "f"
    registry.states = {
        "roses": DatasetState("roses", None, observed_at=1.0),
        "tulips": DatasetState("tulips", None),
    }
    assert not registry.is_ready()

    registry.states["tulips"].observed_at = 2.0
    assert registry.is_ready()
    assert registry.document()["ready"] is True
    registry.states["violets"] = DatasetState("violets", None)
    assert registry.is_ready()


def test_without_a_fleet_and_a_queue_neither_is_shown():
    """Clients tell by that whether there is one."""
    registry = Published().registry
    assert not {"leading", "events"} & registry.document().keys()

    registry.queue = QueueHealth("arn:changes")
    assert "arn:changes" == registry.document()["events"]["queue"]


def test_datasets_that_cannot_be_listed_as_often_as_asked_are_named(tmp_path: Path):
    """Those that were observed and are not suspended: 57,000 entries take 114 s, and 66 s go before."""
    registry = Published().registry

    def schedules(entries: int | None, **more: Any) -> list[str]:
        write(
            tmp_path, a_yaml=dataset() + "  schedule: {interval: 1m, fullScanMaxAge: 3m}\n", train_jsonl=LINE
        )
        summary = None if entries is None else Summary(Verdict.CONVERGED, {"observed": entries})
        state = DatasetState("flowers", loaded(tmp_path).datasets[0], summary=summary, **more)
        registry.states = {"flowers": state, "broken": DatasetState("broken", None, summary=summary)}
        found: list[str] = registry.document()["schedules"]
        return found

    (problem,) = schedules(57_001)
    assert "fullScanMaxAge is 3.0 min, and from one listing to the end of the next it can be 3.0" in problem
    assert [] == schedules(57_000) == schedules(None)


def _one(root: Path, text: str) -> LoadedDataset:
    write(root, a_yaml=text, train_jsonl=LINE)
    return loaded(root).datasets[0]


def test_listings_of_one_place_are_spread_so_that_all_end_in_time(tmp_path: Path):
    """Those of another role, those that are not observed here, and those that were never listed take no part."""
    registry = Published().registry
    text = dataset() + "  schedule: {interval: 1m, fullScanMaxAge: 6h}\n"
    assumed = text.replace("TRAIN}", "TRAIN, roleArn: arn:aws:iam::111122223333:role/labels}")
    here, apart = (_one(tmp_path / place, each) for place, each in (("a", text), ("b", assumed)))

    def state(name: str, spec: LoadedDataset | None = here, **facts: Any) -> DatasetState:
        summary = Summary(Verdict.CONVERGED, {"observed": 250_000})
        return DatasetState(name, spec, summary=summary, **({"scanned_at": 500.0} | facts))

    states = [
        *(state(f"d{number}") for number in range(3)),
        state("later", scanned_at=5_000.0),
        state("apart", apart),
        state("standby", is_elsewhere=True),
        state("new", scanned_at=None),
        state("broken", None),
    ]
    registry.states = {one.name: one for one in states}

    registry.spread_listings()

    assert [1_000, 500, 0, 0, 0, 0, 0, 0] == [one.ahead_seconds for one in states]

    for one in states[:2] + states[4:5]:  # once observed, it is known in which account each is
        one.arn = f"{ARN}{one.name}"
    registry.spread_listings()

    assert [1_000, 500, 0, 0, 0] == [
        one.ahead_seconds for one in (states[0], states[1], states[4], *states[2:4])
    ]


def test_schedules_are_added_up_by_the_account_in_which_the_datasets_are(tmp_path: Path):
    """One spec names the ARN and the other a project: each listing takes 60 % of the calls."""
    registry = Published().registry
    text = dataset() + "  schedule: {interval: 1m, fullScanMaxAge: 5m}\n"
    named = text.replace("{project: flowers, type: TRAIN}", f"{{datasetArn: {ARN}2}}")
    summary = Summary(Verdict.CONVERGED, {"observed": 90_000})
    registry.states = {
        f"d{number}": DatasetState(
            f"d{number}", _one(tmp_path / f"{number}", each), summary=summary, arn=f"{ARN}{number}"
        )
        for number, each in enumerate((text, named))
    }

    (problem,) = registry.document()["schedules"]

    assert problem.startswith("account 111122223333, us-east-1: 2 datasets cannot be listed as often as")
