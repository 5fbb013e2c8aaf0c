"""What a cycle records, however it ends."""

from __future__ import annotations

import dataclasses
from typing import Any

import orjson
import pytest
from msgspec import structs

from reconciler.core.runtime.backoff import next_attempt
from reconciler.core.status.conditions import FailureReason, Reason
from reconciler.core.status.result import Verdict
from reconciler.core.status.summary import summary_of_failure
from reconciler.engine.controller import cycle
from reconciler.engine.controller.cycle import CycleResult
from reconciler.engine.controller.loop import STUCK_AFTER_SECONDS
from reconciler.engine.usecases.reading import read_desired
from reconciler.errors import Interrupted, NotLeader, SourceError, StateError
from reconciler.ports import SpecRevision
from tests.builders import classified
from tests.engine.months import Months


def test_a_quiet_cycle_added_and_sent_nothing(months: Months):
    """A quiet cycle reports zero changes, whatever the previous cycle did."""
    months.write("roses", *"abc")
    months.settle()
    before = months.dataset_state("roses").added, months.dataset_state("roses").updates

    months.settle()

    assert (3, 1) == before
    quiet = months.dataset_state("roses")
    assert ("fingerprint", 0, 0, 0) == (quiet.observation, quiet.added, quiet.updated, quiet.updates)


@pytest.mark.parametrize("verdict", [Verdict.UNKNOWN, Verdict.FAILED])
def test_a_stop_that_ends_a_cycle_changes_nothing_that_is_known(
    months: Months, monkeypatch: pytest.MonkeyPatch, verdict: Verdict
):
    """Calls that fail because the process stops count as no failure and change no verdict."""
    months.write("roses", *"abc")
    months.settle()
    dataset_state = months.dataset_state("roses")
    before = (
        dataset_state.summary,
        dataset_state.failures,
        list(dataset_state.history),
        months.state.statuses(),
    )
    reason = Reason.INVALID if verdict is Verdict.FAILED else Reason.UNAVAILABLE

    def stopped(*_: object) -> CycleResult:
        months.time.event.set()
        return CycleResult(summary_of_failure(FailureReason(reason, "no answer"), 3))

    monkeypatch.setattr("reconciler.engine.controller.cycle_runner.run_cycle", stopped)
    months.controller._runner.run_cycle(dataset_state)

    assert before == (
        dataset_state.summary,
        dataset_state.failures,
        list(dataset_state.history),
        months.state.statuses(),
    )


def test_a_cycle_that_a_stop_interrupts_ends_at_once(
    months: Months, events: list[Any], monkeypatch: pytest.MonkeyPatch
):
    """It is logged with its duration; no next one is scheduled, for the process ends."""
    months.write("roses", *"abc")
    months.settle()

    def stopped(*_: object) -> CycleResult:
        months.time._time.advance(2.5)
        raise Interrupted("asked to stop")

    monkeypatch.setattr("reconciler.engine.controller.cycle_runner.run_cycle", stopped)
    assert 0.0 == months.controller._runner.run_cycle(months.dataset_state("roses"))

    (ended,) = named(events, "cycle.finished")[-1:]
    assert ("interrupted", 2.5, 0.0) == (
        ended["verdict"],
        ended["duration_seconds"],
        ended["next_visit_seconds"],
    )


def test_only_calls_that_write_need_the_permission_to_write(months: Months):
    """A replica whose lease is about to end still observes."""
    asked: list[bool] = []
    months.controller._runner._permit = lambda _, *, writes: asked.append(writes)
    months.write("roses", *"abc")
    months.settle()
    writing = asked.count(True)
    asked.clear()

    months.settle()

    assert writing > 0
    assert [False] == asked


def test_pictures_are_made_after_a_cycle_that_found_drift_anew(months: Months):
    """Not after a quiet one, whose report has them already."""
    made: list[tuple[str, str, bool]] = []
    months.registry.illustrate = lambda state, loaded, view: made.append(
        (state.name, loaded.name, view is state.drift_view)
    )
    months.write("roses", *"abc")

    months.settle()
    months.settle()

    assert [("roses", "roses", True)] == made


def test_specs_that_vanish_because_a_newer_commit_came_are_no_failure(
    months: Months, events: list[Any], monkeypatch: pytest.MonkeyPatch
):
    """Once an update was sent, the newer commit gets a cycle of its own."""
    months.write("roses", *"abc")
    months.settle()
    state = months.dataset_state("roses")

    def gone(*_: object) -> CycleResult:
        state.generation += 1
        raise SourceError("roses.jsonl: no such file")

    monkeypatch.setattr("reconciler.engine.controller.cycle_runner.run_cycle", gone)
    assert 0.0 == months.controller._runner.run_cycle(state)

    assert ["a newer commit took over, and this one is gone: roses.jsonl: no such file"] == [
        event["reason"] for event in named(events, "plan.superseded")
    ]
    assert ([], 0) == (named(events, "cycle.failed"), state.failures)


def test_one_stuck_worker_is_seen_beside_a_fresh_one(months: Months, monkeypatch: pytest.MonkeyPatch):
    """The process is not alive while one of its workers is stuck, though other datasets go on."""
    months.write("roses", "a")
    months.write("tulips", "b")
    months.settle()
    runner, alive = months.controller._runner, []

    def fresh(*_: object) -> CycleResult:
        alive.append(months.controller.alive)
        raise ZeroDivisionError

    def stuck(*_: object) -> CycleResult:
        months.time.sleep(STUCK_AFTER_SECONDS + 1)
        months.controller._beat = months.time.seconds()  # the loop runs in a thread of its own
        monkeypatch.setattr("reconciler.engine.controller.cycle_runner.run_cycle", fresh)
        runner.run_cycle(months.dataset_state("tulips"))
        raise ZeroDivisionError

    monkeypatch.setattr("reconciler.engine.controller.cycle_runner.run_cycle", stuck)
    runner.run_cycle(months.dataset_state("roses"))

    assert [False] == alive
    assert months.controller.alive


def named(events: list[Any], name: str) -> list[Any]:
    return [event for event in events if event["event"] == name]


def test_an_update_of_a_replica_that_no_longer_leads_is_not_sent(months: Months, events: list[Any]):
    """Nothing is sent; it is no failure, since the leader does the work."""
    months.write("roses", *"abc")
    months.settle()
    months.write("roses", *"abcd")
    months.calls()

    def permit(_: object, *, writes: bool) -> None:
        if writes:
            raise NotLeader("replica-2 leads")

    months.controller._runner._permit = permit
    months.settle()

    assert "UpdateDatasetEntries" not in months.calls()
    assert 0 == months.dataset_state("roses").failures
    assert "Standby" == months.reasons("roses")["Ready"]
    assert ["replica-2 leads"] == [event["reason"] for event in named(events, "apply.fenced")][:1]
    months.write("violets", *"ab")
    events.clear()
    months.settle()
    assert "CreateProject" not in months.calls()
    assert ["replica-2 leads"] == [event["reason"] for event in named(events, "apply.fenced")][-1:]
    assert [] == named(events, "cycle.failed")


def test_specs_that_vanish_without_a_newer_commit_are_a_failure(
    months: Months, events: list[Any], monkeypatch: pytest.MonkeyPatch
):
    """Nothing took over from them: exit code and reason are those of the source."""
    months.write("roses", *"abc")
    months.settle()
    months.write("roses", *"abcd")

    def vanished(*_: object, **__: object) -> object:
        raise SourceError("roses.jsonl: no such file")

    monkeypatch.setattr("reconciler.engine.controller.cycle.read_desired", vanished)
    months.settle()

    assert months.dataset_state("roses").failures >= 1
    assert ["roses.jsonl: no such file"] == [e["reason"] for e in named(events, "cycle.failed")][:1]
    assert [] == named(events, "plan.superseded")


def test_a_newer_commit_that_comes_while_one_is_read_is_read_instead(
    months: Months, events: list[Any], monkeypatch: pytest.MonkeyPatch
):
    """A mix of two commits may be unusable; that is no error of either."""
    months.write("roses", *"abc")
    months.settle()
    months.write("roses", *"abcd")
    newer = iter([True])

    def read(*arguments: Any, **more: Any) -> Any:
        found = read_desired(*arguments, **more)
        if next(newer, False):
            months.dataset_state("roses").generation += 1
            return dataclasses.replace(found, usable=False)
        return found

    monkeypatch.setattr("reconciler.engine.controller.cycle.read_desired", read)
    months.settle()

    assert 4 == months.dataset_state("roses").summary.counts["observed"]  # type: ignore[union-attr]
    assert [1] == [event["replans"] for event in named(events, "plan.superseded")]
    assert [] == named(events, "cycle.failed")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda state: setattr(state, "loaded", None), "its document cannot be read"),
        (
            lambda state: setattr(state, "loaded", retargeted(state.loaded)),
            "a newer commit names another target",
        ),
    ],
)
def test_a_newer_commit_that_needs_a_cycle_of_its_own_gets_it(
    months: Months, events: list[Any], monkeypatch: pytest.MonkeyPatch, change: Any, reason: str
):
    """Nothing of the older one is sent any more, nor anything to another target than was observed."""
    months.write("roses", *"abc")
    months.settle()
    months.write("roses", *"abcd")
    state, review = months.dataset_state("roses"), cycle._Review.__call__
    months.calls()

    def reviewed(self: Any, planned: Any) -> None:
        change(state)
        state.generation += 1
        review(self, planned)

    with monkeypatch.context() as patched:
        patched.setattr(cycle._Review, "__call__", reviewed)
        months.controller._poller.poll()
        months.controller._runner.run_cycle(state)

    assert "UpdateDatasetEntries" not in months.calls()
    assert [reason in event["reason"] for event in named(events, "plan.superseded")] == [True]


def retargeted(loaded: Any) -> Any:
    spec = loaded.spec.spec
    target = spec.target.model_copy(update={"project": "violets"})
    return structs.replace(
        loaded, spec=loaded.spec.model_copy(update={"spec": spec.model_copy(update={"target": target})})
    )


def test_what_cannot_be_digested_beforehand_is_read_by_its_cycle(months: Months):
    """A file that is gone for a moment when the source is polled costs nothing else."""
    months.write("roses", *"abc")
    months.settle()
    state = months.dataset_state("roses")
    state.digest = None
    months.calls()

    months.controller._runner.run_cycle(state)

    assert ["DescribeDataset"] == months.calls()


def test_a_commit_that_changes_another_dataset_is_the_revision_of_this_one_too(months: Months):
    """What held for the commit before holds for this one; what was never applied is not called applied."""
    months.write("roses", *"abc")
    months.write("tulips", *"de", policy="onChange: plan")
    months.settle()
    poller, state = months.controller._poller, months.dataset_state("roses")
    specs = poller._source.poll(None).specs  # type: ignore[union-attr]
    poller._adopt(SpecRevision("f1", structs.replace(specs, revision="c1")))
    for one in list(months.registry.states.values()):
        months.controller._runner.run_cycle(one)
    assert ("c1", "c1") == (state.applied, months.dataset_state("tulips").attempted)

    poller._adopt(SpecRevision("f2", structs.replace(specs, revision="c2")))

    assert ("c2", "c2", "c2", "c2") == (state.revision, state.attempted, state.applied, state.verified)
    assert (None, "c2") == (months.dataset_state("tulips").applied, months.dataset_state("tulips").revision)


def test_what_is_doubtful_about_a_revision_is_logged_and_shown(months: Months, events: list[Any]):
    """Such as a name that is a branch and a tag."""
    months.write("roses", *"abc")
    months.settle()
    poller = months.controller._poller
    specs = poller._source.poll(None).specs  # type: ignore[union-attr]
    assert [] == named(events, "source.notice")

    poller._adopt(SpecRevision("f2", specs, notice="main is a branch and a tag"))

    assert ["main is a branch and a tag"] == [event["reason"] for event in named(events, "source.notice")]
    assert "main is a branch and a tag" == months.registry.document()["source"]["notice"]


def test_a_status_that_could_not_be_stored_is_stored_by_the_next_cycle(
    months: Months, events: list[Any], monkeypatch: pytest.MonkeyPatch
):
    """Although nothing of it has changed since."""
    months.write("roses", *"abc")
    with monkeypatch.context() as patched:
        patched.setattr(months.state, "record", full_disk)
        months.settle()
    assert {} == months.state.statuses()
    assert ["no space left on device"] == list({e["reason"] for e in named(events, "status.unsaved")})

    months.controller._runner.run_cycle(months.dataset_state("roses"))

    assert "converged" == months.state.statuses()["roses"]["verdict"]


def full_disk(*_: object) -> None:
    raise StateError("no space left on device")


def test_a_failure_of_the_program_itself_is_logged_with_its_place(
    months: Months, events: list[Any], monkeypatch: pytest.MonkeyPatch
):
    """One that AWS or the specs cause needs none."""
    months.write("roses", *"abc")
    for exc, has_place in ((ZeroDivisionError("x"), True), (SourceError("gone"), False)):

        def failing(*_: object, exc: Exception = exc) -> None:
            raise exc

        monkeypatch.setattr("reconciler.engine.controller.cycle_runner.run_cycle", failing)
        months.settle()
        assert [has_place] == list({event["exc_info"] for event in named(events, "cycle.failed")})
        events.clear()


def test_a_cycle_whose_result_cannot_be_noted_is_a_failure(
    months: Months, events: list[Any], monkeypatch: pytest.MonkeyPatch
):
    """A defect of the program: the dataset is tried again, ever more seldom, and its work is over."""
    months.write("roses", *"abc")
    months.settle()
    state, runner = months.dataset_state("roses"), months.controller._runner
    monkeypatch.setattr(runner._recorder, "note", lambda *_: months.time.sleep(2.5) or 1 / 0)  # type: ignore[func-returns-value]
    events.clear()

    delays = [runner.run_cycle(state) for _ in range(3)]

    assert [next_attempt(failures, 0.5, 300.0) for failures in (1, 2, 3)] == delays
    assert (3, None) == (state.failures, state.work)
    assert [("ZeroDivisionError", "division by zero")] * 3 == [
        (event["error"], event["reason"]) for event in named(events, "cycle.failed")
    ]
    assert [("unknown", 2.5, failures, round(delays[failures - 1], 1)) for failures in (1, 2, 3)] == [
        (event["verdict"], event["duration_seconds"], event["failures"], event["next_visit_seconds"])
        for event in named(events, "cycle.finished")
    ]


def test_what_follows_a_cycle_is_given_when_it_began(months: Months, monkeypatch: pytest.MonkeyPatch):
    """By the time of day. A cycle that observed nothing, since the spec suspends it, is none."""
    begun: list[tuple[str, float]] = []
    months.registry.after_cycle = lambda state, at: begun.append((state.name, at))
    months.write("roses", *"abc")
    months.settle()
    begun.clear()
    months.time.jump_wall(1_000.0)
    now = months.time.wall()
    state, run_cycle = months.dataset_state("roses"), cycle.run_cycle
    monkeypatch.setattr(
        "reconciler.engine.controller.cycle_runner.run_cycle",
        lambda *what: (months.time.sleep(2.5), run_cycle(*what))[1],
    )

    months.controller._runner.run_cycle(state)
    assert [("roses", now)] == begun
    months.write("roses", *"abc", suspend=True)
    months.settle()

    assert [("roses", now)] == begun


def test_drift_is_cleared_once_whether_by_a_cycle_or_a_person(months: Months, events: list[Any]):
    """Where it is only reported, a person clears it; what lasts is not cleared."""
    months.write("roses", *"abc", policy="onDrift: report")
    months.settle()
    cleared = []
    for label in (None, "daisy", None, "rose", None):
        if label:
            months.emulator.console.put(months.arn("roses"), orjson.loads(classified("b", label)))
        events.clear()
        months.controller._runner.run_cycle(months.dataset_state("roses"))
        cleared.append(len(named(events, "drift.cleared")))

    assert [0, 0, 0, 1, 0] == cleared
