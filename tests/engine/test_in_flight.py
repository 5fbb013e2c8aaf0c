"""One update at a time, each sent once: also with a late status, a lost answer or a killed process."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from reconciler.core.status.result import Verdict
from reconciler.engine.dataset import make_plan, send
from reconciler.engine.dataset.prepare import OPEN_SECONDS
from reconciler.errors import NotLeader, Unavailable
from reconciler.ports import Description, Gateway, Phase
from reconciler.state import State
from tests.builders import named, ref
from tests.engine.conftest import Lab


class Killed(BaseException):
    """The process was killed."""


class Slow:
    """
    A gateway of a slow service.

    Args:
        lag_seconds: How long after an update the status still shows the state before it.
        late_seconds: The delay of an update that is not answered; None if it never arrives.
        ends: The errors that the first updates raise, in order; later updates are answered.
    """

    def __init__(
        self, lab: Lab, *ends: BaseException, lag_seconds: float = 0.0, late_seconds: float | None = 0.0
    ) -> None:
        self._gateway: Gateway = lab.context.gateway
        self._clock = lab.clock
        self._ends = list(ends)
        self._lag, self._late = lag_seconds, late_seconds
        self._before: tuple[float, Description] | None = None
        self._due: tuple[float, Callable[[], None]] | None = None
        self.called: list[float] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._gateway, name)

    def update(self, arn: str, payload: bytes) -> None:
        before = self._gateway.describe(arn)
        self.called.append(self._clock.now())
        if self._ends:
            if self._late is not None:
                due = self._clock.now() + self._late
                self._due = due, lambda: self._gateway.update(arn, payload)
            raise self._ends.pop(0)
        self._gateway.update(arn, payload)
        self._before = self._clock.now() + self._lag, before

    def describe(self, arn: str) -> Description:
        if self._due is not None and self._clock.now() >= self._due[0]:
            _, arrive = self._due
            self._due = None
            arrive()
        if self._before is not None and self._clock.now() < self._before[0]:
            return self._before[1]
        return self._gateway.describe(arn)


def slow(lab: Lab, *ends: BaseException, **options: Any) -> Slow:
    gateway = Slow(lab, *ends, **options)
    lab.context = dataclasses.replace(lab.context, gateway=gateway)
    return gateway


def lost() -> Unavailable:
    return Unavailable("UpdateDatasetEntries: read timeout")


def start_again(lab: Lab) -> None:
    """Start a new process that has only the state directory."""
    lab.context.memory.close()
    lab.context = dataclasses.replace(lab.context, memory=State(lab.state_dir))


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limit an update to two lines."""
    for module in (make_plan, send):
        monkeypatch.setattr(module, "MAX_UPDATE_BYTES", 450)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("lag", [0.4, 4.0, 20.0])
def test_a_status_that_has_not_moved_is_not_believed(full: Lab, lag: float):
    """The second batch waits for the first, however late the status shows it."""
    full.write(*named("abcde", label="tulip"))
    gateway = slow(full, lag_seconds=lag)

    result = full.apply()

    assert (Verdict.CONVERGED, 3, 3) == (result.verdict, result.updates, len(gateway.called))
    assert all(
        later - earlier >= lag for earlier, later in zip(gateway.called, gateway.called[1:], strict=False)
    )


@pytest.mark.usefixtures("small")
def test_a_status_that_never_moves_is_believed_after_a_while(full: Lab):
    """A status that never changes is accepted after a while: verification shows the outcome."""
    full.write(*named("abcd", label="tulip"), *named("e"))
    description = full.context.gateway.describe(full.arn)
    gateway = slow(full)
    gateway.describe = lambda arn: description  # type: ignore[method-assign]
    full.clock.slept.clear()

    assert 2 == full.apply().updates
    assert [0.5, 0.75, 1.125] == full.clock.slept[:3]
    assert 30.0 <= gateway.called[1] - gateway.called[0] < 40.0


def resumed(events: list[Any]) -> list[tuple[int, str]]:
    """Return the entries and the error of each update that the log says went on."""
    return [(event["entries"], event["error"]) for event in events if event["event"] == "update.resumed"]


@pytest.mark.parametrize("late", [0.0, 5.0, 75.0])
def test_a_call_that_is_not_answered_may_arrive_later(full: Lab, late: float):
    """An unanswered call that arrives late is waited for and not repeated; the log says that it went on."""
    full.write(*named("abcde", label="tulip"))
    gateway = slow(full, lost(), late_seconds=late)

    with structlog.testing.capture_logs() as events:
        result = full.apply()

    assert (Verdict.CONVERGED, 1, 1) == (result.verdict, result.updates, len(gateway.called))
    assert [(5, "Unavailable")] == resumed(events)


def test_a_call_that_was_lost_is_made_again_after_an_observation(full: Lab):
    """A lost call is repeated ninety seconds after it began, if an observation finds none of its lines."""
    full.write(*named("abcde", label="tulip"))
    gateway = slow(full, lost(), late_seconds=None)

    with structlog.testing.capture_logs() as events:
        assert Verdict.CONVERGED is full.apply().verdict
    first, second = gateway.called
    assert second - first >= OPEN_SECONDS
    assert [] == resumed(events)


def test_a_call_that_arrived_without_a_sign_is_not_made_again(full: Lab):
    """A call whose lines are in place is not repeated, even if the status never showed it."""
    full.write(*named("abcde", label="tulip"))
    gateway = slow(full, lost(), lag_seconds=1_000.0)
    arrived = gateway._gateway.update

    def update(arn: str, payload: bytes) -> None:
        gateway._before = full.clock.now() + 100.0, gateway._gateway.describe(arn)
        gateway.called.append(full.clock.now())
        arrived(arn, payload)
        raise lost()

    gateway.update = update  # type: ignore[method-assign]

    assert (Verdict.CONVERGED, 1) == (full.apply().verdict, len(gateway.called))


def test_a_call_that_never_left_is_made_again_at_once(full: Lab):
    """A call that failed to connect cannot have arrived and is repeated at once."""
    full.write(*named("abcde", label="tulip"))
    unconnected = lost()
    unconnected.unsent = True
    gateway = slow(full, unconnected, late_seconds=None)

    assert Verdict.CONVERGED is full.apply().verdict
    first, second = gateway.called
    assert second - first < 5.0


@pytest.mark.parametrize("late", [0.0, 5.0, 75.0])
def test_killed_after_the_call_the_next_start_waits_for_it(full: Lab, late: float):
    """After a kill the next start waits for an update that may still arrive, and does not send it again."""
    full.write(*named("abcde", label="tulip"))
    gateway = slow(full, Killed(), late_seconds=late)
    with pytest.raises(Killed):
        full.apply()
    start_again(full)

    result = full.apply()

    assert (Verdict.CONVERGED, 0, 1) == (result.verdict, result.updates, len(gateway.called))
    assert [] == list(full.context.memory.journal.unfinished("train"))


def test_killed_before_the_call_arrived_the_next_start_sends_after_ninety_seconds(full: Lab):
    """Ninety seconds after a call that never arrived, the next start observes and then sends."""
    full.write(*named("abcde", label="tulip"))
    gateway = slow(full, Killed(), late_seconds=None)
    with pytest.raises(Killed):
        full.apply()
    start_again(full)
    full.clock.sleep(10.0)

    assert Verdict.CONVERGED is full.apply().verdict
    first, second = gateway.called
    assert OPEN_SECONDS <= second - first < OPEN_SECONDS + 10.0


def test_a_plan_made_while_an_update_was_open_is_not_carried_out(full: Lab):
    """A plan made while an update was open is not applied: the dataset is observed again."""
    full.write(*named("abcde", label="tulip"))
    begun = full.context.memory.journal
    begun.begin("train", full.arn, [ref("a")], full.clock.now() - 30.0, _description_text(full))
    waited = full.clock.now()

    assert Verdict.CONVERGED is full.apply().verdict
    assert full.clock.now() - waited >= 60.0


def test_a_quiet_start_costs_no_call_more(full: Lab):
    """A start without an open update makes one call, which shows that nothing moved."""
    full.emulator.calls.clear()

    assert Verdict.CONVERGED is full.apply().verdict
    assert ["DescribeDataset"] == full.emulator.calls.names()


def test_an_update_that_a_fence_refuses_was_not_submitted(full: Lab):
    """An update refused by the write fence is logged as not submitted, and no later start waits for it."""
    full.write(*named("abcde", label="tulip"))
    slow(full, NotLeader("another replica leads"), late_seconds=None)

    with capture_logs() as logs:
        result = full.apply()

    assert (Verdict.FAILED, 0) == (result.verdict, result.updates)
    assert "update.submitted" not in {entry["event"] for entry in logs}
    assert [] == list(full.context.memory.journal.unfinished("train"))


def _description_text(lab: Lab) -> str:
    from reconciler.engine.dataset.observe import as_text

    found = lab.context.gateway.describe(lab.arn)
    assert Phase.UPDATE_COMPLETE is found.phase
    return as_text(found)
