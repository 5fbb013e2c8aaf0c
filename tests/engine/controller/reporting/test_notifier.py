"""What a controller reports, over simulated time."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from structlog.testing import capture_logs

from reconciler.core.spec.policy import parse_window
from reconciler.core.status.commit_states import CommitState
from reconciler.core.status.notices import WAIT_SECONDS, Notice
from reconciler.emulator.behaviour.faults import Fault, Kind
from reconciler.engine.controller.reporting.notifier import Notifier
from reconciler.engine.controller.reporting.outbox import Outbox
from reconciler.errors import StateError
from reconciler.ports import Delivery, Receipt
from tests.builders import classified
from tests.engine.controller.reporting.test_outbox import Counted
from tests.engine.months import Months
from tests.waiting import until

MINUTE = 60.0
SHA = "4f1c2d3e5a6b7c8d9e0f1a2b3c4d5e6f70819203"


@dataclass
class Received:
    """A `Channel` in memory."""

    name: str = "memory"
    found: list[Any] = field(default_factory=list)

    def send(self, message: Any) -> Delivery:
        self.found.append(message)
        return Delivery(Receipt.SENT)


class Reporting:
    """A notifier beside a controller; both go on together."""

    def __init__(self, months: Months, *quiet: str, whole: bool = True) -> None:
        self.months = months
        self.notices, self.states = Received(), Received("github")
        lock, stored, tally = threading.RLock(), months.state.notified, Counted()
        self.outboxes: list[Outbox[Any]] = [
            Outbox(self.notices, Notice, stored, lock, tally, months.time),
            Outbox(self.states, CommitState, stored, lock, tally, months.time),
        ]
        windows = [parse_window(text) for text in quiet]
        self.notifier = Notifier(
            months.registry, stored, lock, self.outboxes[:1], self.outboxes[1], windows, whole=whole
        )

    def run_for(self, seconds: float, every: float = 10.0) -> None:
        for _ in range(int(seconds / every)):
            self.months.run_for(every)
            self.step()

    def step(self) -> None:
        self.notifier.step()
        for outbox in self.outboxes:
            while outbox.step() is not None:
                pass

    @property
    def titles(self) -> list[str]:
        return [notice.title for notice in self.notices.found]

    @property
    def posted(self) -> list[tuple[str | None, str]]:
        return [(state.dataset, state.phase.value) for state in self.states.found]


@pytest.mark.slow
@pytest.mark.fault(
    "controller",
    "an outage of all datasets, which each notices on its own",
    "one notification, and one once all have recovered",
    report="fluxcd/notification-controller#445",
)
def test_an_outage_of_fifty_datasets_is_one_message_and_so_is_its_end(months: Months):
    """Their cycles are spread over five minutes, and so is what they notice."""
    for number in range(50):
        months.write(f"d{number:02}", "a")
    reporting = Reporting(months)
    reporting.run_for(6 * MINUTE, every=30)
    outage = months.emulator.faults.add(Fault(kind=Kind.UNAVAILABLE, times=0))
    reporting.run_for(12 * MINUTE, every=30)
    assert 50 == sum(
        conditions["Ready"] == "Unknown" for conditions in map(months.conditions, months.registry.states)
    )
    months.emulator.faults.clear(outage)
    reporting.run_for(25 * MINUTE, every=30)

    assert 2 == len(reporting.titles), reporting.titles
    first, last = reporting.notices.found
    assert ("failure", "recovery") == (first.level, last.level)
    assert ("Unavailable", 50) == (last.cause, last.number)


def test_drift_is_reported_once_and_so_is_its_end(months: Months):
    months.write("roses", *"abc", policy="onDrift: report")
    months.settle()
    reporting = Reporting(months)
    months.emulator.console.put(months.arn("roses"), orjson.loads(classified("b", "daisy")))
    reporting.run_for(20 * MINUTE)
    assert ["roses: changed in AWS outside git"] == reporting.titles

    months.emulator.console.put(months.arn("roses"), orjson.loads(classified("b", "rose")))
    reporting.run_for(20 * MINUTE)

    assert ["roses: changed in AWS outside git", "roses: no longer drifted"] == reporting.titles


@pytest.mark.fault(
    "controller",
    "a restart while something is reported to notification channels",
    "nothing is reported again, and what ended meanwhile is reported",
    report="cybozu-go/meows#96",
)
def test_a_restart_repeats_nothing(months: Months):
    """Not before the specs are read, nor while nothing was observed; and it notices what ended meanwhile."""
    months.write("roses", *"abc")
    months.settle()
    refused = months.emulator.faults.add(Fault(kind=Kind.ACCESS_DENIED, times=0))
    before = Reporting(months)
    before.run_for(10 * MINUTE)
    assert ["roses: not ready (Denied)"] == before.titles

    again = Reporting(months.restarted())
    again.step()
    again.run_for(10 * MINUTE)
    assert [] == again.titles

    months.emulator.faults.clear(refused)
    last = Reporting(months.restarted())
    last.step()
    last.run_for(20 * MINUTE)
    assert ["roses: recovered (Denied)"] == last.titles


def test_quiet_hours_withhold_drift(months: Months):
    months.write("roses", *"abc", policy="onDrift: report")
    months.settle()
    reporting = Reporting(months, "* * * * * 1m")
    months.emulator.console.put(months.arn("roses"), orjson.loads(classified("b", "daisy")))
    reporting.run_for(20 * MINUTE)

    assert [] == reporting.titles


def test_a_source_that_cannot_be_read_is_reported_as_one(months: Months):
    for name in ("roses", "tulips"):
        months.write(name, "a")
    months.settle()
    reporting = Reporting(months)
    months.specs.rename(months.place / "elsewhere")
    reporting.run_for(10 * MINUTE)
    (months.place / "elsewhere").rename(months.specs)
    reporting.run_for(10 * MINUTE)

    assert [
        "source of the specs: not ready (SourceUnavailable)",
        "source of the specs: recovered (SourceUnavailable)",
    ] == reporting.titles


def test_what_another_replica_owns_is_left_to_it(months: Months):
    months.write("roses", *"abc")
    months.settle()
    months.emulator.faults.add(Fault(kind=Kind.ACCESS_DENIED, times=0))
    reporting = Reporting(months)
    months.run_for(10 * MINUTE)
    months.dataset_state("roses").is_elsewhere = True
    reporting.step()
    months.time.sleep(WAIT_SECONDS)
    reporting.step()

    assert ([], []) == (reporting.titles, reporting.posted)


def committed(months: Months, revision: str) -> None:
    """Make a revision of the specs a commit, as a git source would."""
    months.registry.revision = revision
    for state in months.registry.states.values():
        state.revision = revision


def test_a_commit_is_posted_as_pending_and_then_as_final(months: Months):
    months.write("roses", *"abc")
    months.controller.tick()
    committed(months, SHA)
    reporting = Reporting(months)
    reporting.step()
    assert [(None, "pending")] == reporting.posted

    months.settle()
    reporting.step()
    assert [(None, "pending"), (None, "success"), ("roses", "success")] == reporting.posted
    assert {SHA} == {state.revision for state in reporting.states.found}

    again = Reporting(months)
    again.step()
    assert [] == again.posted


def test_a_revision_that_is_no_commit_is_not_posted(months: Months):
    months.write("roses", *"abc")
    months.settle()
    reporting = Reporting(months)
    for revision in (None, "main", "4f1c2d3"):
        months.registry.revision = revision
        reporting.step()

    assert [] == reporting.posted


def test_a_state_that_cannot_be_stored_is_reported_all_the_same(
    months: Months, monkeypatch: pytest.MonkeyPatch
):
    months.write("roses", *"abc")
    months.settle()
    months.emulator.faults.add(Fault(kind=Kind.ACCESS_DENIED, times=0))
    reporting = Reporting(months)

    def full(bodies: object) -> None:
        raise StateError("the disk is full")

    monkeypatch.setattr(months.state.notified, "write", full)
    reporting.run_for(10 * MINUTE)

    assert ["roses: not ready (Denied)"] == reporting.titles


class Slow(Received):
    """A channel that accepts a message once it is released."""

    def __init__(self) -> None:
        super().__init__()
        self.released, self.begun = threading.Event(), threading.Event()

    def send(self, message: Any) -> Delivery:
        self.begun.set()
        self.released.wait(10)
        return super().send(message)


def drifted(months: Months) -> None:
    months.write("roses", *"abc", policy="onDrift: report")
    months.settle()
    months.settle()
    months.emulator.console.put(months.arn("roses"), orjson.loads(classified("b", "daisy")))
    months.run_for(6 * MINUTE)


def notifier_of(months: Months, channel: Received) -> Notifier:
    lock, stored = threading.RLock(), months.state.notified
    outbox = Outbox(channel, Notice, stored, lock, Counted(), months.time)
    return Notifier(months.registry, stored, lock, [outbox], None, [], whole=True)


def test_a_single_pass_reports_what_it_found_before_it_ends(months: Months):
    """`run --once` has no later chance."""
    drifted(months)
    channel = Received()
    notifier_of(months, channel).step()  # what is found is reported once it has lasted
    months.run_for(WAIT_SECONDS + 1)

    notifier_of(months, channel).finish(10)

    assert 1 == len(channel.found)


def test_a_single_pass_does_not_wait_for_ever(months: Months):
    """For a channel that does not answer the message is kept, and sent by the next process."""
    drifted(months)
    slow = Slow()
    notifier_of(months, slow).step()
    months.run_for(WAIT_SECONDS + 1)
    notifier = notifier_of(months, slow)

    notifier.finish(0.05)

    assert ([], False) == (slow.found, notifier._outboxes[0].is_empty)
    slow.released.set()


def test_a_notifier_reports_in_a_thread_until_its_end(months: Months, monkeypatch: pytest.MonkeyPatch):
    """A failure of one step is logged, and the next is made."""
    monkeypatch.setattr("reconciler.engine.controller.reporting.notifier.EVERY_SECONDS", 0.001)
    notifier, steps = notifier_of(months, Received()), []

    def step() -> None:
        steps.append(len(steps))
        if len(steps) == 1:
            raise ZeroDivisionError

    monkeypatch.setattr(notifier, "step", step)
    with capture_logs() as events:
        notifier.start()
        until(lambda: len(steps) > 2)
        notifier.end()
        notifier._thread.join(10)

    assert not notifier._thread.is_alive()
    assert not any(outbox._thread.is_alive() for outbox in notifier._outboxes)
    assert [(None, "ZeroDivisionError")] == [
        (event["channel"], event["reason"]) for event in events if event["event"] == "notify.failing"
    ]
