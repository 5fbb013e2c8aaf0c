"""How the end of a cycle is recorded, logged and traced."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from structlog.testing import capture_logs

from reconciler.core.planning.calls import ObservationKind
from reconciler.core.status.conditions import FailureReason, Reason
from reconciler.core.status.result import Verdict
from reconciler.core.status.summary import Summary, summary_of_failure
from reconciler.engine.controller.cycle import CycleResult
from reconciler.engine.controller.cycle_end import Recorder, log_end, trace_end
from reconciler.engine.controller.dataset_state import DatasetState
from tests.builders import classified
from tests.engine.months import Months
from tests.sources.builders import LINE, dataset, loaded, write

ZEROS = {"added": 0, "updated": 0, "updates": 0, "drifted": 0}


def test_the_line_that_ends_a_cycle_has_its_numbers():
    """Durations in seconds, to the millisecond; until the next cycle to the tenth."""
    summary = Summary(
        Verdict.CONVERGED, {"desired": 5, "observed": 6}, {"relabelled": 2, "unmanaged": 1}, seen=True
    )
    result = CycleResult(summary, ObservationKind.FULL, "arn:2", 1.0, added=3, updated=4, updates=7)

    with capture_logs() as events:
        log_end(DatasetState("roses", None, arn="arn:1", failures=8), "converged", 1.23456, 299.96, result)

    assert events == [
        {
            "event": "cycle.finished",
            "log_level": "info",
            "dataset_arn": "arn:2",
            "verdict": "converged",
            "observation": "full",
            "duration_seconds": 1.235,
            "desired": 5,
            "observed": 6,
            "added": 3,
            "updated": 4,
            "updates": 7,
            "drifted": 3,
            "failures": 8,
            "next_visit_seconds": 300.0,
        }
    ]


def test_a_cycle_without_a_result_has_none_of_its_numbers():
    """One that was interrupted: what it has done is not known."""
    with capture_logs() as events:
        log_end(DatasetState("roses", None, arn="arn:1"), "interrupted", 0.0, 0.0)

    (event,) = events
    assert {"dataset_arn": "arn:1", "observation": None, "desired": None, "observed": None, **ZEROS} == {
        key: event[key] for key in ("dataset_arn", "observation", "desired", "observed", *ZEROS)
    }


class Recorded:
    """A `Span` that records what is noted."""

    def __init__(self) -> None:
        self.notes: dict[str, Any] = {}
        self.failure: str | None = None

    def note(self, **attributes: Any) -> None:
        self.notes |= attributes

    def fail(self, kind: str) -> None:
        self.failure = kind


def reason(which: Reason) -> FailureReason:
    return FailureReason(which, "why")


@pytest.mark.parametrize(
    ("summary", "expected"),
    [
        (Summary(Verdict.CONVERGED), None),
        (summary_of_failure(reason(Reason.DENIED)), "Denied"),
        (summary_of_failure(reason(Reason.INVALID)), "SpecInvalid"),
        (summary_of_failure(reason(Reason.STANDBY)), None),
        (Summary(Verdict.BLOCKED, failure=reason(Reason.BLOCKED)), None),
        (Summary(Verdict.FAILED, failure=reason(Reason.FAILED)), "Failed"),
        (Summary(Verdict.UNKNOWN), None),
    ],
)
def test_the_span_of_a_cycle_fails_where_the_dataset_could_not_be_reconciled(
    summary: Summary, expected: str | None
):
    """Not where another replica does it, nor where a person must release it."""
    span = Recorded()
    trace_end(span, DatasetState("roses", None, arn="arn:1"), "v", CycleResult(summary, added=1, updates=2))

    assert expected == span.failure
    assert {
        "dataset_arn": "arn:1",
        "verdict": "v",
        "observation": None,
        "added": 1,
        "updated": 0,
        "updates": 2,
    } == span.notes


def test_the_span_of_a_dataset_that_its_spec_suspends_does_not_fail(tmp_path: Any):
    write(tmp_path, a_yaml=dataset() + "  suspend: true\n", train_jsonl=LINE)
    span, state = Recorded(), DatasetState("roses", loaded(tmp_path).datasets[0])
    trace_end(span, state, "suspended", CycleResult(summary_of_failure(reason(Reason.DENIED))))

    assert span.failure is None


def test_images_are_compared_with_the_other_dataset_when_something_was_observed(
    months: Months, monkeypatch: pytest.MonkeyPatch
):
    """A quiet cycle says nothing new, once the answer is known."""
    months.write("roses", *"abc")
    months.settle()
    compared: list[str] = []
    monkeypatch.setattr(
        "reconciler.engine.controller.cycle_end.share_images",
        lambda _, name, other: compared.append(f"{name} {other}"),
    )
    state = months.dataset_state("roses")
    state.partners, other = (DatasetState("tulips", None),), "roses tulips"
    state.shares_images = None

    months.settle()
    assert [other] == compared, "the answer is not known yet"
    state.shares_images = False
    months.settle()
    assert [other] == compared
    months.forget()
    months.settle()
    assert [other, other] == compared


def test_a_status_that_stays_the_same_is_stored_once_a_minute(
    months: Months, monkeypatch: pytest.MonkeyPatch
):
    """Others read from it how old it is; a change is stored at once."""
    months.write("roses", *"abc")
    months.settle()
    months.controller._runner.run_cycle(months.dataset_state("roses"))
    stored: list[float] = []
    record = months.state.record
    monkeypatch.setattr(
        months.state, "record", lambda *what: (stored.append(months.time.seconds()), record(*what))
    )
    booted, clock = months.time.seconds(), months.time.seconds
    recorder = months.controller._runner._recorder
    recorder._kept["roses"] = (recorder._kept["roses"][0], 7.0)
    monkeypatch.setattr(months.time, "seconds", lambda: clock() - booted + 7.0)  # a machine that just started
    begun = months.time.seconds()

    for _ in range(14):
        months.time.sleep(10)
        months.controller._runner.run_cycle(months.dataset_state("roses"))
    assert [60, 120] == [round(at - begun) for at in stored]

    months.dataset_state("roses").failures = 7
    recorder.store(months.dataset_state("roses"), 1.0)
    assert 3 == len(stored)


@pytest.mark.parametrize(
    ("verdict", "counts", "observation", "expected"),
    [
        (Verdict.CONVERGED, {}, ObservationKind.FULL, (True, "c2", "c2")),
        (Verdict.WITHHELD, {}, ObservationKind.FULL, (True, "c1", "c1")),
        (Verdict.OBSERVED, {"add": 0, "update": 0}, ObservationKind.FULL, (True, "c1", "c2")),
        (Verdict.OBSERVED, {"add": 0, "update": 1}, ObservationKind.FULL, (True, "c1", "c1")),
        (Verdict.BLOCKED, {}, ObservationKind.FULL, (False, "c1", "c1")),
        (Verdict.PARTIAL, {}, ObservationKind.FULL, (False, "c1", "c1")),
        (Verdict.CONVERGED, {}, None, (False, "c1", "c1")),
    ],
)
def test_a_revision_is_applied_or_verified_by_what_was_observed(
    verdict: Verdict, counts: dict[str, int], observation: ObservationKind | None, expected: tuple[Any, ...]
):
    """Verified if everything desired is in place, applied if that was for this program to do."""
    state = DatasetState("roses", None, arn="arn:1", scanned_at=7.0, applied="c1", verified="c1")

    Recorder._note_revisions(state, CycleResult(Summary(verdict, counts), observation), "c2", 9.0)

    assert expected == (state.succeeded_at == 9.0, state.applied, state.verified)
    assert "c2" == state.attempted


@pytest.mark.parametrize("observation", [ObservationKind.FULL, None])
def test_when_a_dataset_was_observed_is_noted_only_if_it_was(observation: ObservationKind | None):
    state = DatasetState("roses", None, arn="arn:1", scanned_at=7.0)

    Recorder._note_observation(state, CycleResult(Summary(Verdict.CONVERGED), observation), 9.0)

    assert ("arn:1", 7.0, 9.0 if observation else None) == (state.arn, state.scanned_at, state.observed_at)


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What is known of a dataset when its apply begins."""
    seen: list[tuple[Any, ...]] = []
    note_begun = Recorder.note_begun

    def note(self: Recorder, state: DatasetState, found: CycleResult) -> None:
        note_begun(self, state, found)
        document, view = state.document(0.0, None), state.drift_view
        seen.append((
            document["counts"]["update"], document["observed_at"] is not None, document["observation"],
            document["arn"], view and view.differing, state.was_observed,
        ))  # fmt: skip

    monkeypatch.setattr(Recorder, "note_begun", note)
    return seen


def test_an_observation_is_shown_as_soon_as_its_apply_begins(months: Months, begun: list[tuple[Any, ...]]):
    """Counts, their time and the images are of one observation, and the process is ready."""
    months.write("roses", *"abc")
    months.settle()
    arn = months.arn("roses")
    months.forget()
    months = months.restarted()
    months.emulator.console.put(arn, orjson.loads(classified("a", "daisy")))
    begun.clear()
    months.settle()

    assert [(1, True, "full", arn, 1, True)] == begun


def test_a_dataset_that_is_missing_was_observed(months: Months, begun: list[tuple[Any, ...]]):
    """It holds nothing, which is all that there is to know: the condition Observed is True, too."""
    months.write("roses", *"abc")
    months.settle()

    assert (0, True, "full", None, 3, True) == begun[0]


def test_a_cycle_that_says_nothing_new_does_not_make_the_status_new(months: Months):
    """It is written again within a quarter of a minute all the same."""
    months.write("roses", *"abc")
    months.settle()
    runner, state = months.controller._runner, months.dataset_state("roses")
    changed = []
    for step in (lambda: None, months.forget, lambda: setattr(state, "summary", None)):
        step()
        months.registry._dirty = False
        runner.run_cycle(state)
        changed.append(months.registry._dirty)

    assert [False, True, True] == changed
