"""What a cycle records, however it ends."""

from __future__ import annotations

import pytest

from reconciler.core.status.conditions import FailureReason, Reason
from reconciler.core.status.result import Verdict
from reconciler.core.status.summary import failed
from reconciler.engine.controller.cycle import CycleResult
from reconciler.engine.controller.loop import STUCK_AFTER_SECONDS
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
        return CycleResult(failed(FailureReason(reason, "no answer"), 3))

    monkeypatch.setattr("reconciler.engine.controller.cycle_runner.run_cycle", stopped)
    months.controller._runner.run_cycle(dataset_state)

    assert before == (
        dataset_state.summary,
        dataset_state.failures,
        list(dataset_state.history),
        months.state.statuses(),
    )


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
