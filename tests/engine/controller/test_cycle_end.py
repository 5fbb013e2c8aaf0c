"""How the end of a cycle is logged and traced."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from reconciler.core.planning.observation import ObservationKind
from reconciler.core.status.conditions import FailureReason, Reason
from reconciler.core.status.result import Verdict
from reconciler.core.status.summary import Summary, failed
from reconciler.engine.controller.cycle import CycleResult
from reconciler.engine.controller.cycle_end import log_end, trace_end
from reconciler.engine.controller.dataset_state import DatasetState
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
        (failed(reason(Reason.DENIED)), "Denied"),
        (failed(reason(Reason.INVALID)), "SpecInvalid"),
        (failed(reason(Reason.STANDBY)), None),
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
    trace_end(span, state, "suspended", CycleResult(failed(reason(Reason.DENIED))))

    assert span.failure is None
