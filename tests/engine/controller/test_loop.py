"""The controller over simulated time: what it observes, when, and which verdicts it keeps."""

from __future__ import annotations

import gc
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
import structlog

from reconciler.core.entries.index import Index
from reconciler.core.moments import moment
from reconciler.core.status.conditions import Truth
from reconciler.core.status.result import Verdict
from reconciler.emulator.behaviour.faults import Fault, Kind
from reconciler.engine.controller.cycle_end import Recorder
from reconciler.engine.controller.workers import Inline, Job
from reconciler.engine.dataset.desired import Desired
from reconciler.errors import SourceError
from tests.builders import classified, ref
from tests.engine.months import Months, make_months

MINUTE, HOUR, DAY = 60.0, 3_600.0, 86_400.0


@pytest.fixture
def events() -> Iterator[list[dict[str, object]]]:
    joined = [structlog.contextvars.merge_contextvars]
    with structlog.testing.capture_logs(processors=joined) as found:
        yield found


def test_what_git_says_comes_to_be(months: Months):
    """The controller applies a spec, observes the result and reports it in sync."""
    months.write("roses", *"abc")

    months.settle()

    assert [("roses", "converged")] == months.counted.cycles
    assert "True" == months.conditions("roses")["Ready"]
    assert "True" == months.conditions("roses")["InSync"]
    assert months.registry.is_ready()


def test_a_quiet_cycle_costs_one_call(months: Months):
    """A cycle in which nothing changed makes one DescribeDataset call and no other."""
    months.write("roses", *"abc")
    months.write("tulips", *"def")
    months.settle()
    months.calls()

    months.run_for(10 * 5.5 * MINUTE)

    quiet = Counter(months.calls())
    assert {"DescribeDataset": 20} == quiet


def test_the_arn_is_known_across_restarts(tmp_path: Path):
    """A new process reuses the last complete observation of its predecessor once one call confirms it."""
    with make_months(tmp_path) as first:
        first.write("roses", *"abc")
        first.settle()
        first.settle()
        first.calls()
        second = first.restarted()

        second.settle()

        assert {"DescribeDataset"} == set(second.calls())
        assert "True" == second.conditions("roses")["InSync"]


def test_a_commit_is_applied_without_a_restart(months: Months):
    """Datasets that a commit changes are due at once; the others keep their schedule and are not listed."""
    months.write("roses", *"abc")
    months.write("tulips", *"def")
    months.settle()
    months.settle()
    months.calls()
    months.write("roses", *"abcx")

    months.run_for(5 * MINUTE + 1)

    calls = Counter(months.calls())
    assert 1 == calls["UpdateDatasetEntries"]
    assert "True" == months.conditions("roses")["InSync"]
    assert 4 == months.dataset_state("roses").summary.counts["observed"]


def test_drift_is_found_and_reverted(months: Months, events: list[dict[str, object]]):
    """The fingerprint check detects a change made in the console, and the controller reverts it."""
    months.write("roses", *"abc")
    months.settle()
    months.settle()
    months.emulator.console.put(months.arn("roses"), orjson.loads(classified("b", "daisy")))

    months.run_for(6 * MINUTE)

    assert "True" == months.conditions("roses")["InSync"]
    assert ("roses", "finished") == months.counted.updates[-1]
    moved = [event for event in events if event["event"] == "observe.fingerprint" and event["moved"]]
    assert 1 <= len(moved)
    told = [event["event"] for event in events if event["event"].startswith("drift.")]
    assert ["drift.detected", "drift.cleared"] == told


def test_an_apply_that_is_under_way_is_reported(months: Months):
    """No document reports a dataset as in sync or done during an update; the drift stays reported."""
    months.write("roses", *"abc")
    months.settle()
    months.settle()
    months.emulator.console.put(months.arn("roses"), orjson.loads(classified("b", "daisy")))
    months.write("roses", *"abcd")
    during: list[dict[str, Any]] = []
    months.counted.on_submitted = lambda: during.append(
        {
            "status": months.registry.document()["datasets"][0],
            "kept": dict(months.state.statuses()["roses"]),
        }
    )

    months.run_for(6 * MINUTE)

    for seen in during[0].values():
        truth = {one["type"]: one["status"] for one in seen["conditions"]}
        expected = {"Reconciling": "True", "InSync": "False", "Drifted": "True", "Ready": "Unknown"}
        assert expected == {kind: truth[kind] for kind in expected}
        reasons = {one["type"]: one["reason"] for one in seen["conditions"]}
        assert "Applying" == reasons["Reconciling"]
        assert ("unknown", {"relabelled": 1}, 1) == (seen["verdict"], seen["drift"], seen["counts"]["found"])
    after = months.registry.document()["datasets"][0]
    assert (1, 1) == (after["counts"]["found"], after["counts"]["set_back"])
    assert [(1, 1)] == [(line["found"], line["set_back"]) for line in after["history"] if line["updates"]][1:]
    assert (Truth.TRUE, 1) in months.dataset_state("roses").trend
    assert "False" == months.conditions("roses")["Reconciling"]


def test_an_apply_that_breaks_off_is_not_reported_as_running(months: Months, monkeypatch: pytest.MonkeyPatch):
    """Whatever ends an apply, the next status no longer says that it is running."""
    months.write("roses", *"abc")
    months.settle()
    months.settle()
    months.emulator.console.put(months.arn("roses"), orjson.loads(classified("b", "daisy")))
    monkeypatch.setattr(Recorder, "note", lambda *_: 1 / 0)

    months.controller._runner.run_cycle(months.dataset_state("roses"))

    assert "Applying" not in months.reasons("roses").values()
    assert 1 <= months.dataset_state("roses").failures


def test_drift_is_only_reported_where_the_policy_says_so(months: Months, events: list[dict[str, object]]):
    """With onDrift: report nothing is written, and nothing is listed until something moves again."""
    months.write("roses", *"abc", policy="onDrift: report")
    months.settle()
    months.settle()
    updates = len(months.counted.updates)
    months.emulator.console.put(months.arn("roses"), orjson.loads(classified("b", "daisy")))

    months.run_for(6 * MINUTE)
    months.calls()
    months.run_for(50 * MINUTE)

    assert updates == len(months.counted.updates)
    assert ("True", "False", "True") == tuple(
        months.conditions("roses")[kind] for kind in ("Drifted", "InSync", "Ready")
    )
    assert {"DescribeDataset"} == set(months.calls())
    (detected,) = [event for event in events if event["event"] == "drift.detected"]
    assert 1 == detected["relabelled"]


def test_a_change_in_git_is_only_planned_where_the_policy_says_so(months: Months):
    """With onChange: plan a commit is only planned, and drift is still reverted."""
    months.write("roses", *"abc")
    months.settle()
    months.settle()
    months.write("roses", *"abcd", policy="onChange: plan")
    months.emulator.console.put(months.arn("roses"), orjson.loads(classified("b", "daisy")))
    months.emulator.calls.clear()

    months.run_for(6 * MINUTE)

    sent = [ref for call in months.emulator.calls.of("UpdateDatasetEntries") for ref in call.source_refs]
    assert ["s3://b/b.jpg"] == sent
    assert "False" == months.conditions("roses")["InSync"]


def test_guards_judge_what_the_policy_lets_through(months: Months):
    """Guards count only what is to be sent: an edit withheld by onChange: plan blocks no reverting."""
    entries = "abcdefghijkl"
    months.write("roses", *entries)
    months.settle()
    months.settle()
    months.write("roses", *entries, label="tulip", policy="onChange: plan")
    spec = months.specs / "roses.yaml"
    spec.write_text(spec.read_text().replace("maxChangeRatio: 1", "maxChangeRatio: 0.1"))
    lines = (months.specs / "roses.jsonl").read_bytes().splitlines(keepends=True)
    (months.specs / "roses.jsonl").write_bytes(b"".join((*lines[:7], *map(_as_rose, entries[7:]))))
    months.emulator.console.put(months.arn("roses"), orjson.loads(classified("l", "daisy")))
    months.emulator.calls.clear()

    months.run_for(6 * MINUTE)

    sent = [ref for call in months.emulator.calls.of("UpdateDatasetEntries") for ref in call.source_refs]
    assert ["s3://b/l.jpg"] == sent
    assert "False" == months.conditions("roses")["Stalled"]


def _as_rose(name: str) -> bytes:
    return classified(name, "rose") + b"\n"


def test_suspend_means_no_call(months: Months):
    """The controller makes no call for a suspended dataset, plans none, and never reports it as ready."""
    months.write("roses", *"abc", suspend=True)

    months.run_for(20 * MINUTE)

    assert [] == months.calls()
    assert ("True", "Unknown") == tuple(months.conditions("roses")[kind] for kind in ("Suspended", "Ready"))
    assert [None] == [document["next_visit_at"] for document in months.registry.document()["datasets"]]


def test_the_next_visit_is_known_from_the_last_on(months: Months):
    """It comes after the interval of the dataset, which clients spread over a tenth of it."""
    months.write("roses", *"abc")
    months.settle()

    (document,) = months.registry.document()["datasets"]

    assert document["next_visit_at"] == moment(
        months.time.wall() + months.dataset_state("roses").due - months.time.seconds()
    )
    assert 4 * MINUTE < months.dataset_state("roses").due - months.time.seconds() < 6 * MINUTE


def test_one_failing_dataset_stops_no_other(months: Months):
    """A dataset that AWS refuses is retried with growing back-off; the others keep their interval."""
    months.write("roses", *"abc")
    months.write("tulips", *"def")
    months.settle()
    refused = Fault(kind=Kind.ACCESS_DENIED, resource="tulips", times=0)
    months.emulator.faults.add(refused)
    months.counted.cycles.clear()

    months.run_for(60 * MINUTE)

    seen = Counter(months.counted.cycles)
    assert 11 <= seen["roses", "converged"] <= 12
    assert 10 <= seen["tulips", "unknown"] <= 60
    assert ("Unknown", "True") == tuple(months.conditions("tulips")[kind] for kind in ("InSync", "Stalled"))
    assert "Denied" == months.reasons("tulips")["Stalled"]


def test_what_recovers_is_noticed_soon(months: Months):
    """A dataset recovers soon after an outage of half an hour, which changes no verdict wrongly."""
    months.write("roses", *"abc")
    months.settle()
    months.settle()
    number = months.emulator.faults.add(Fault(kind=Kind.UNAVAILABLE, times=0))
    months.run_for(30 * MINUTE)
    during = months.conditions("roses")
    months.emulator.faults.clear(number)

    months.run_for(10 * MINUTE + 1)

    assert ("False", "Unknown") == (during["Observed"], during["InSync"])
    assert months.controller.alive
    assert "True" == months.conditions("roses")["Ready"]
    assert 0 == months.dataset_state("roses").failures


def test_a_new_interval_counts_at_once(months: Months):
    """A shorter interval takes effect at once, not after the previous one has elapsed."""
    months.write("roses", *"abc", interval="24h")
    months.write("tulips", *"def", interval="1m")
    months.settle()
    months.settle()
    months.run_for(5 * MINUTE)
    months.write("roses", *"abc", interval="1m")
    months.emulator.calls.clear()

    months.run_for(10 * MINUTE)

    looks = [c for c in months.emulator.calls.of("DescribeDataset") if c.resource == months.arn("roses")]
    assert 8 <= len(looks) <= 10


def test_a_commit_that_changes_the_document_is_a_new_try_for_what_failed(months: Months):
    """A commit to the document of a failing dataset makes it due soon; a commit to another does not."""
    months.write("roses", *"abc")
    months.write("tulips", *"def")
    months.settle()
    number = months.emulator.faults.add(Fault(kind=Kind.ACCESS_DENIED, times=0))
    months.run_for(2 * HOUR)
    failures, due = months.dataset_state("roses").failures, months.dataset_state("roses").due
    months.write("tulips", *"defg")
    months.controller._poller.poll()
    assert (failures, due) == (months.dataset_state("roses").failures, months.dataset_state("roses").due)
    months.emulator.faults.clear(number)
    months.write("roses", *"abc", policy="onDrift: report")
    months.controller._poller.poll()
    assert failures == months.dataset_state("roses").failures >= 3

    months.run_for(31)

    assert 0 == months.dataset_state("roses").failures
    assert "True" == months.conditions("roses")["Ready"]


def test_one_bad_line_hides_nothing(months: Months):
    """An invalid line is reported with its place; all other lines are sent and verified."""
    months.write("roses", *"abc")
    with (months.specs / "roses.jsonl").open("ab") as stream:
        stream.write(b"{\n")
    months.settle()

    status = months.conditions("roses")

    assert {
        "Ready": "False",
        "Observed": "True",
        "Degraded": "True",
        "Stalled": "True",
    }.items() <= status.items()
    (ready,) = [c for c in months.dataset_state("roses").conditions if c.kind == "Ready"]
    assert "roses.jsonl:4" in ready.message


def test_a_document_that_cannot_be_read_is_named_with_its_place(months: Months):
    """A document that cannot be parsed is reported under its dataset's name, with file and line."""
    months.write("roses", *"abc")
    months.settle()
    path = months.specs / "roses.yaml"
    path.write_text(path.read_text().replace("policy:", "polcy:"))
    months.settle()

    (ready,) = [c for c in months.dataset_state("roses").conditions if c.kind == "Ready"]

    assert "SpecInvalid" == months.reasons("roses")["Ready"]
    assert "roses.yaml:7:3: unknown field" in ready.message


def test_what_left_the_specs_is_named(months: Months, events: list[dict[str, object]]):
    """A dataset removed from the specs is reported by name, not only counted."""
    months.write("roses", *"abc")
    months.write("tulips", *"def")
    months.settle()
    (months.specs / "tulips.yaml").unlink()
    months.settle()

    (*_, told) = [event for event in events if event["event"] == "source.updated"]

    assert (1, ["tulips"]) == (told["removed"], told["left_alone"])


def test_a_source_that_vanishes_is_not_an_empty_desire(months: Months, tmp_path: Path):
    """When a source vanishes the last good revision stays in force, and SourceReady gives the reason."""
    months.write("roses", *"abc")
    months.settle()
    months.settle()
    months.specs.rename(tmp_path / "elsewhere")
    months.emulator.console.put(months.arn("roses"), orjson.loads(classified("b", "daisy")))

    months.run_for(20 * MINUTE)

    assert ("False", "False", "True") == tuple(
        months.conditions("roses")[kind] for kind in ("SourceReady", "Ready", "InSync")
    )
    assert "submitted" in [result for _, result in months.counted.updates[-2:]]


@pytest.mark.parametrize("broken", ["empty", "nothing", "yaml"])
def test_a_broken_tree_never_becomes_a_plan(months: Months, broken: str):
    """An emptied directory, an emptied file or invalid YAML leads to no call that writes."""
    months.write("roses", *"abc")
    months.settle()
    months.settle()
    match broken:
        case "empty":
            (months.specs / "roses.jsonl").write_bytes(b"")
        case "nothing":
            for path in months.specs.iterdir():
                path.unlink()
        case "yaml":
            (months.specs / "roses.yaml").write_text("apiVersion: reconciler/v1\nkind: [")
    months.emulator.calls.clear()

    months.run_for(HOUR)

    assert [] == months.emulator.calls.writes()
    assert "False" == months.conditions("roses" if broken != "yaml" else _only(months))["Ready"]


def _only(months: Months) -> str:
    (name,) = months.registry.states
    return name


def test_every_six_hours_everything_is_listed(months: Months):
    """A complete listing is made before the last one is older than fullScanMaxAge, and not much earlier."""
    months.write("roses", *"abc")
    months.settle()
    months.settle()
    months.calls()

    months.run_for(12.5 * HOUR)

    calls = Counter(months.calls())
    assert 2 <= calls["ListDatasetEntries"] <= 3
    assert "True" == months.conditions("roses")["InSync"]


def test_datasets_that_were_listed_together_are_listed_again_in_time(tmp_path: Path):
    """At five calls a second a listing of one takes 4 s, and each begins soon enough for those that follow it."""
    with make_months(tmp_path) as first:
        for name in "abcdefgh":
            first.write(name, *(f"{name}{n:04}" for n in range(2_000)), interval="10s", max_age="2m")
        first.settle()
        months = first.restarted(calls_per_second=5)
        months.settle()
        unknown: set[str] = set()

        def watch() -> None:
            now = months.time.wall()
            states = months.registry.states.values()
            unknown.update(state.name for state in states if state.verdict(now) is Verdict.UNKNOWN)

        months.time.on_sleep = watch
        months.run_for(300.0)

        assert set() == unknown


def test_what_a_cycle_has_read_is_freed_when_it_ends(months: Months):
    """Few objects that hold much memory are never enough for the garbage collector to begin by itself."""

    def alive() -> set[int]:
        return {id(found) for found in gc.get_objects() if type(found) in (Index, Desired)}

    months.write("roses", "a")
    months.settle()
    gc.collect()
    gc.disable()
    try:
        before = alive()
        for name in "bcd":
            months.write("roses", "a", name)
            months.run_for(40.0)
        left = alive() - before
    finally:
        gc.enable()

    assert set() == left
    assert 4 == months.calls().count("UpdateDatasetEntries")


def test_an_edit_waits_for_no_thread_that_lists_a_dataset(months: Months):
    """However many datasets are observed for the first time, or are due to be listed again."""
    places: list[str] = []

    class Recording(Inline):
        def submit(self, job: Job, place: str, most: int | None = None) -> None:
            places.append(place)
            super().submit(job, place, most)

    months.controller._workers = Recording()
    months.write("roses", *"abc")
    months.settle()
    months.write("roses", *"abcd")
    months.run_for(10.0)
    months.run_for(6 * HOUR)

    cycles = [place for place in places if place != "source"]
    assert [" first", ""] == cycles[:2]
    assert {" first": 1, " listings": 1} == {place: n for place, n in Counter(cycles).items() if place}


def test_a_verdict_that_is_not_renewed_decays(months: Months):
    """A verdict older than fullScanMaxAge becomes Unknown."""
    months.write("roses", *"abc")
    months.settle()
    months.settle()
    months.time._time.advance(6 * HOUR + 1)

    believed = months.conditions("roses")

    assert ("Unknown", "Unknown", "True") == tuple(
        believed[kind] for kind in ("InSync", "Ready", "SourceReady")
    )
    assert "TooOld" == months.reasons("roses")["InSync"]
    (document,) = months.registry.document()["datasets"]
    assert "unknown" == document["verdict"]


def test_a_wall_clock_set_back_is_no_reason_to_believe(months: Months):
    """An observation dated in the future is not trusted: the dataset is listed again."""
    months.write("roses", *"abc")
    months.settle()
    months.settle()
    months.calls()
    months.time.jump_wall(-3 * HOUR)

    months.run_for(6 * MINUTE)

    assert 1 == Counter(months.calls())["ListDatasetEntries"]


def test_a_deleted_dataset_is_found_again(months: Months):
    """A dataset deleted under its known ARN is looked up by name and created again."""
    months.write("roses", *"abc")
    months.settle()
    months.settle()
    before = months.arn("roses")
    months.client.delete_dataset(DatasetArn=before)

    months.run_for(6 * MINUTE)

    assert before != months.arn("roses")
    assert "True" == months.conditions("roses")["InSync"]


def test_a_new_commit_supersedes_the_rest_of_an_apply(months: Months, monkeypatch: pytest.MonkeyPatch):
    """A newer revision takes over between two updates; the older one sends nothing more."""
    monkeypatch.setattr("reconciler.engine.dataset.make_plan.MAX_UPDATE_BYTES", 400)
    monkeypatch.setattr("reconciler.engine.dataset.send.MAX_UPDATE_BYTES", 400)
    months.write("roses", *"abcdef")
    months.settle()
    months.write("roses", *"abcdef", label="tulip")
    months.emulator.calls.clear()
    months.counted.on_submitted = lambda: setattr(months.dataset_state("roses"), "generation", 99)
    months.controller._poller.poll()

    months.controller.tick()

    assert 1 == len(months.emulator.calls.of("UpdateDatasetEntries"))
    assert "NewRevision" == months.reasons("roses")["Ready"]
    assert [] == list(months.state.journal.unfinished("roses"))


def test_every_cycle_ends_in_one_line(months: Months, events: list[dict[str, object]]):
    """Each cycle of each dataset logs cycle.finished exactly once, with the ids that other lines have."""
    months.write("roses", *"abc")
    months.write("tulips", *"def")
    months.emulator.faults.add(Fault(kind=Kind.INTERNAL_ERROR, every=3, times=0))

    months.run_for(HOUR / 2)

    ended = [event for event in events if event["event"] == "cycle.finished"]
    assert len(ended) > 10
    assert len(months.counted.cycles) == len(ended)
    assert len(ended) == len({event["cycle_id"] for event in ended})
    assert all({"dataset", "revision", "verdict", "duration_seconds"} <= event.keys() for event in ended)
    assert {12} == {len(str(event["cycle_id"])) for event in ended}


def test_an_update_is_counted_by_how_it_ended(months: Months):
    """As submitted, and once it is over as finished or failed: alerts are about those that failed."""
    months.emulator.faults.add(Fault(kind=Kind.POISON, source_refs=frozenset({ref("b")})))
    months.write("roses", *"ab")

    months.settle()

    counts = Counter(result for _, result in months.counted.updates)
    assert counts["submitted"] == counts["finished"] + counts["failed"]
    assert counts["finished"] >= 1
    assert counts["failed"] >= 1
    assert [("roses", "submitted"), ("roses", "failed")] == months.counted.updates[:2]


def test_every_line_of_an_update_names_the_dataset_in_aws(months: Months, events: list[dict[str, object]]):
    """Every line about an update has the dataset's ARN, also in the first cycle; no other line has it."""
    months.write("roses", *"abc")

    months.settle()

    # The plan precedes the creation of the dataset.
    told = [e for e in events if str(e["event"]).startswith(("observe.", "update.", "verify."))]
    assert {"observe.finished", "update.submitted", "update.finished", "verify.finished"} <= {
        e["event"] for e in told
    }
    assert {months.arn("roses")} == {e["dataset_arn"] for e in told}
    assert "dataset_arn" not in structlog.contextvars.get_contextvars()


def test_a_defect_in_a_source_stops_nothing(months: Months, monkeypatch: pytest.MonkeyPatch):
    """An unexpected error in a source leaves the last good revision in force."""
    months.write("roses", *"abc")
    months.settle()
    months.settle()
    months.write("roses", *"abcd")
    monkeypatch.setattr("reconciler.sources.directory_source.load", _defective)

    months.run_for(12 * MINUTE)

    assert "False" == months.conditions("roses")["SourceReady"]
    assert "True" == months.conditions("roses")["InSync"]
    assert months.controller.alive


def _defective(*_: object) -> None:
    raise ZeroDivisionError


def test_a_dataset_that_leaves_the_specs_is_left_alone(months: Months):
    """A dataset removed from the specs is neither observed nor emptied."""
    months.write("roses", *"abc")
    months.write("tulips", *"def")
    months.settle()
    months.settle()
    for path in months.specs.glob("tulips*"):
        path.unlink()
    months.run_for(6 * MINUTE)
    months.emulator.calls.clear()

    months.run_for(30 * MINUTE)

    assert ["roses"] == list(months.registry.states)
    assert {months.arn("roses")} == {call.resource for call in months.emulator.calls}


def test_a_lost_state_costs_attribution_and_says_so(months: Months):
    """Without state Drifted is Unknown, since the cause of a difference is lost; the rest stays true."""
    months.write("roses", *"abc")
    months.settle()
    months.settle()
    months.emulator.console.put(months.arn("roses"), orjson.loads(classified("b", "daisy")))
    text = (months.specs / "roses.yaml").read_text().replace("mode: upsert", "mode: observe")
    (months.specs / "roses.yaml").write_text(text)
    months.forget()

    months.run_for(6 * MINUTE)

    assert ("Unknown", "False") == tuple(months.conditions("roses")[kind] for kind in ("Drifted", "InSync"))


def test_a_state_that_cannot_be_written_sends_nothing(months: Months, monkeypatch: pytest.MonkeyPatch):
    """With a full disk no update is sent that the journal does not hold, and the loop goes on."""
    from reconciler.errors import StateError

    def full(*_: object) -> int:
        raise StateError("no space left on device")

    months.write("roses", *"abc")
    monkeypatch.setattr(months.state.journal, "begin", full)
    monkeypatch.setattr(months.state, "record", full)

    months.run_for(12 * MINUTE)

    assert [] == months.emulator.calls.of("UpdateDatasetEntries")
    assert "False" == months.conditions("roses")["Ready"]
    assert 2 <= months.dataset_state("roses").failures
    assert months.controller.alive


def test_messages_do_not_change_when_nothing_does(months: Months, events: list[dict[str, object]]):
    """A lasting failure changes a condition once, not once per cycle."""
    months.write("roses", *"abc")
    months.settle()
    months.settle()
    months.emulator.faults.add(Fault(kind=Kind.ACCESS_DENIED, times=0))
    months.run_for(HOUR)
    messages = {dataset_state.message for dataset_state in months.dataset_state("roses").conditions}
    events.clear()

    months.run_for(HOUR)

    assert messages == {dataset_state.message for dataset_state in months.dataset_state("roses").conditions}
    assert [] == [event for event in events if event["event"] == "condition.changed"]


def test_asked_to_stop_an_update_is_left_in_flight(months: Months, events: list[dict[str, object]]):
    """A stop during an update records no failure: the journal keeps it, and the cycle logs its line."""
    months.emulator.settings = replace(months.emulator.settings, update_seconds=30.0)
    months.write("roses", *"abc")
    months.counted.on_submitted = months.time.event.set

    months.settle()

    assert 1 == len(months.state.journal.unfinished("roses"))
    assert [] == [event for event in events if event["event"] == "cycle.failed"]
    assert ["interrupted"] == [e["verdict"] for e in events if e["event"] == "cycle.finished"]
    kept = months.state.statuses()["roses"]
    reconciling = next(one for one in kept["conditions"] if one["type"] == "Reconciling")
    assert ("unknown", "Applying") == (kept["verdict"], reconciling["reason"])


def test_a_commit_that_is_gone_was_superseded(
    months: Months, events: list[dict[str, object]], monkeypatch: pytest.MonkeyPatch
):
    """A cycle whose copy of the specs is deleted for a newer one counts as superseded, not failed."""
    months.write("roses", *"abc")
    months.settle()
    months.write("roses", *"abcd")

    def vanished(*_: object, **__: object) -> object:
        months.dataset_state("roses").generation += 1
        raise SourceError("no such file")

    with monkeypatch.context() as patched:
        patched.setattr("reconciler.engine.controller.cycle.read_desired", vanished)
        months.settle()

    assert "NewRevision" == months.reasons("roses")["Ready"]
    assert 0 == months.dataset_state("roses").failures
    assert [] == [event for event in events if event["event"] == "cycle.failed"]
    assert 1 <= len([event for event in events if event["event"] == "plan.superseded"])


def test_a_cycle_that_computes_for_too_long_is_not_alive(months: Months, monkeypatch: pytest.MonkeyPatch):
    """The liveness probe fails when a cycle computes for too long without making a call."""
    alive = []

    def compute(*_: object) -> None:
        for seconds in (890, 20):
            months.time.sleep(seconds)
            months.controller._beat = months.time.seconds()  # the loop runs in a thread of its own
            alive.append(months.controller.alive)
        raise ZeroDivisionError

    months.write("roses", "a")
    monkeypatch.setattr("reconciler.engine.controller.cycle_runner.run_cycle", compute)

    months.settle()
    months.settle()

    assert [True, False] == alive[:2]
    assert months.controller.alive


def test_a_source_that_is_read_for_too_long_is_not_alive(months: Months, monkeypatch: pytest.MonkeyPatch):
    """The liveness probe fails when reading a source hangs, while the datasets go on."""
    months.write("roses", "a")
    months.settle()
    monkeypatch.setattr("reconciler.engine.controller.source_poller.SourcePoller.poll", lambda _: None)

    months.run_for(20 * MINUTE)

    assert "True" == months.conditions("roses")["InSync"]
    assert not months.controller.alive


def test_changes_wait_for_their_window_and_are_sent_as_soon_as_it_opens(months: Months):
    """Neither git nor AWS moves then, and the interval is longer than the window."""
    opens = months.time.wall() // DAY * DAY + 2 * DAY
    window = 'windows: [{kind: allow, cron: "0 0 * * *", duration: 10m, reason: at night}]'
    months.write("roses", *"a")
    months.settle()
    months.time.sleep(opens - months.time.wall() - HOUR)
    months.write("roses", *"abc", interval="50m", policy=window)
    months.settle()
    months.settle()
    months.calls()

    months.run_for(opens - months.time.wall() - 1)

    assert "UpdateDatasetEntries" not in months.calls()
    assert ("True", "False") == (months.conditions("roses")["Ready"], months.conditions("roses")["InSync"])
    assert "OutsideChangeWindow" == months.reasons("roses")["Ready"]
    assert 2 == months.dataset_state("roses").summary.counts["withheld"]

    months.run_for(60)

    assert ["UpdateDatasetEntries"] == [name for name in months.calls() if name.startswith("Update")]
    assert "True" == months.conditions("roses")["InSync"]


def test_a_closed_dataset_costs_one_call_a_cycle(months: Months):
    months.write("roses", *"ab")
    months.settle()
    months.write("roses", *"abc", policy='freeze: {until: "2999-12-31", reason: sale}')
    months.settle()
    months.settle()
    months.calls()

    months.run_for(10 * 5.5 * MINUTE)

    assert {"DescribeDataset": 10} == Counter(months.calls())


def test_it_runs_until_it_is_stopped(months: Months):
    """Asked to stop, the loop returns at once, and begins nothing that is due."""
    months.write("roses", *"abc")
    months.counted.on_submitted = months.controller.stop

    loop = threading.Thread(target=months.controller.run, daemon=True)
    loop.start()
    loop.join(30)

    assert not loop.is_alive()
    assert 1 == len(months.emulator.calls.of("UpdateDatasetEntries"))
    months.calls()
    months.dataset_state("roses").due = 0.0
    months.controller.tick()
    assert [] == months.calls()


@pytest.mark.parametrize("ask", ["stop", "poll_source", "trigger", "suspend"])
def test_what_is_asked_of_it_ends_its_sleep(months: Months, ask: str):
    """A request does not wait for the next regular turn."""
    months.write("roses", *"abc")
    months.settle()
    months.controller._signals.wake.clear()

    arguments = (["roses"], "why", None) if ask == "suspend" else ()
    getattr(months.controller, ask)(*arguments)

    assert months.controller._signals.wake.is_set()


def test_a_source_can_be_polled_before_it_is_due(months: Months):
    """A webhook says that there is something new: datasets that did not change keep their schedule."""
    months.write("roses", *"abc")
    months.write("tulips", *"def")
    months.settle()
    months.write("roses", *"abcd")
    months.calls()

    months.controller.poll_source()
    months.controller.tick()
    months.controller.tick()

    assert 4 == months.dataset_state("roses").summary.counts["observed"]
    assert {months.arn("roses")} == {c.resource for c in months.emulator.calls if c.resource}


def test_a_dataset_that_is_not_there_cannot_be_triggered(months: Months):
    months.write("roses", *"abc")
    months.settle()

    assert months.controller.trigger("roses")
    assert not months.controller.trigger("tulips")


def test_a_trigger_during_a_cycle_starts_another_after_it(months: Months):
    """What the first cycle had seen already may be what has changed."""
    months.write("roses", *"abc")
    months.settle()
    months.write("roses", *"abcd")
    months.counted.on_submitted = lambda: months.controller.trigger("roses")
    months.controller._poller.poll()

    months.controller.tick()
    months.counted.on_submitted = lambda: None
    state = months.dataset_state("roses")

    assert state.due <= months.time.seconds()
    months.controller.tick()
    assert (state.running, state.again) == (False, False)
    assert state.due > months.time.seconds() + 4 * MINUTE


def test_a_loop_that_no_longer_turns_is_not_alive(months: Months):
    """Half a minute without a turn, though no worker is stuck."""
    months.write("roses", *"abc")
    months.settle()

    months.time.sleep(30)
    assert months.controller.alive
    months.time.sleep(1)
    assert not months.controller.alive

    months.controller.tick()
    assert months.controller.alive


def test_a_worker_that_died_is_not_alive(months: Months, monkeypatch: pytest.MonkeyPatch):
    """Its datasets would never be observed again."""
    monkeypatch.setattr(type(months.controller._workers), "healthy", False)

    assert not months.controller.alive


def test_once_runs_every_dataset_by_name_and_stops_when_asked(months: Months):
    """`run --once`: a stop ends it between two datasets."""
    for name in ("tulips", "roses", "violets"):
        months.write(name, *"ab")

    months.controller.once()
    assert ["roses", "tulips", "violets"] == [name for name, _ in months.counted.cycles]

    months.counted.cycles.clear()
    months.write("roses", *"abc")
    months.counted.on_submitted = months.controller.stop
    months.controller.once()
    assert {"roses"} >= {name for name, _ in months.counted.cycles}


def test_once_says_why_the_specs_cannot_be_read(months: Months):
    with pytest.raises(SourceError):
        months.controller.once()
