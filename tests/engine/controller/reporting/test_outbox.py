"""The messages of one channel: in order, again after failures, and never more than fit."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from reconciler.core.status.commit_states import CommitPhase, CommitState
from reconciler.engine.controller.reporting.outbox import (
    LONGEST_SECONDS,
    MAX_MESSAGES,
    MAX_SECONDS,
    Outbox,
)
from reconciler.ports import Delivery, Receipt
from reconciler.state import State
from tests.waiting import until

AT = 1_800_000_000.0
SENT, FAILED = Delivery(Receipt.SENT), Delivery(Receipt.FAILED, "HTTP 503")


def message(number: int, at: float = AT) -> CommitState:
    return CommitState("a" * 40, None, CommitPhase.PENDING, str(number), at)


@dataclass
class Memorized:
    """A `Channel` in memory."""

    name: str = "memory"
    results: list[Delivery | Exception] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    hanging: threading.Event | None = None

    def send(self, message: CommitState) -> Delivery:
        if self.hanging:
            self.hanging.wait(30)
        result = self.results.pop(0) if self.results else SENT
        if isinstance(result, Exception):
            raise result
        if result.receipt is Receipt.SENT:
            self.sent.append(message.text)
        return result


@dataclass
class Counted:
    """A `Tally` in memory."""

    results: Counter[str] = field(default_factory=Counter)
    left: int = -1

    def notification(self, channel: str, result: str) -> None:
        self.results[result] += 1

    def waiting(self, channel: str, messages: int) -> None:
        self.left = messages


class Standstill:
    """A `Clock` that a test sets."""

    def __init__(self) -> None:
        self.at = AT

    def now(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += seconds

    def draw(self) -> float:
        return 1.0


@dataclass
class Bench:
    channel: Memorized
    tally: Counted
    clock: Standstill
    state: State

    def outbox(self) -> Outbox[CommitState]:
        """Return the outbox as a process finds it when it starts."""
        return Outbox(
            self.channel, CommitState, self.state.notified, threading.RLock(), self.tally, self.clock
        )

    def filled(self, *numbers: int) -> Outbox[CommitState]:
        outbox = self.outbox()
        self.state.notified.write(outbox.add([message(number) for number in numbers]))
        return outbox


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with State(tmp_path / "state") as state:
        yield Bench(Memorized(), Counted(), Standstill(), state)


def steps(outbox: Outbox[CommitState], number: int) -> list[float | None]:
    return [outbox.step() for _ in range(number)]


def test_messages_are_sent_in_order(bench):
    outbox = bench.filled(1, 2, 3)

    assert [0.0, 0.0, 0.0, None] == steps(outbox, 4)
    assert ["1", "2", "3"] == bench.channel.sent
    assert ({"sent": 3}, 0, True) == (bench.tally.results, bench.tally.left, outbox.is_empty)


@pytest.mark.fault(
    "controller",
    "a notification cannot be delivered",
    "it is sent again later; the failure and its end are logged once each",
    report="argoproj/argo-cd#20879",
)
def test_a_failure_is_logged_once_and_so_is_its_end(bench, events):
    """The wait grows with each failure, up to a quarter of an hour."""
    outbox = bench.filled(1, 2)
    bench.channel.results += [FAILED] * 12

    waits = steps(outbox, 12)
    assert [2.0, 4.0, 8.0] == waits[:3]
    assert LONGEST_SECONDS == waits[-1]
    steps(outbox, 2)

    assert ["1", "2"] == bench.channel.sent
    assert [
        {"event": "notify.failing", "log_level": "warning", "channel": "memory", "reason": "HTTP 503"},
        {"event": "notify.recovered", "log_level": "info", "channel": "memory", "failures": 12},
    ] == events
    assert {"failed": 12, "sent": 2} == bench.tally.results


def test_a_receiver_may_ask_for_a_longer_wait_within_limits(bench):
    outbox = bench.filled(1)
    bench.channel.results += [
        FAILED._replace(retry_after_seconds=60.0),
        FAILED._replace(retry_after_seconds=1e9),
    ]

    assert [60.0, LONGEST_SECONDS] == steps(outbox, 2)


def test_a_channel_that_raises_has_failed(bench, events):
    outbox = bench.filled(1)
    bench.channel.results.append(RuntimeError("a secret"))

    assert [2.0, 0.0] == steps(outbox, 2)
    assert "RuntimeError" == events[0]["reason"]


def test_what_is_refused_is_dropped_and_what_follows_is_sent(bench, events):
    outbox = bench.filled(1, 2)
    bench.channel.results.append(Delivery(Receipt.REFUSED, "HTTP 422"))
    steps(outbox, 2)

    assert ["2"] == bench.channel.sent
    assert {"refused": 1, "dropped": 1, "sent": 1} == bench.tally.results
    assert [("notify.dropped", 1, "HTTP 422")] == [(e["event"], e["messages"], e["reason"]) for e in events]


def test_of_too_many_the_oldest_are_dropped(bench, events):
    """And counted: a channel that is down for days costs no memory."""
    outbox = bench.filled(*range(MAX_MESSAGES + 7))
    steps(outbox, MAX_MESSAGES)

    assert ("7", MAX_MESSAGES) == (bench.channel.sent[0], len(bench.channel.sent))
    assert 7 == bench.tally.results["dropped"] == events[0]["messages"]


def test_what_waited_for_a_day_is_dropped(bench):
    outbox = bench.filled(1)
    bench.clock.at += MAX_SECONDS + 1
    steps(outbox, 1)

    assert [] == bench.channel.sent
    assert {"dropped": 1} == bench.tally.results


def test_what_waits_is_sent_by_the_next_process_and_what_was_sent_is_not(bench):
    outbox = bench.filled(1, 2, 3)
    outbox.step()

    steps(bench.outbox(), 3)

    assert ["1", "2", "3"] == bench.channel.sent


@pytest.mark.parametrize("body", ["[1]", "{", '[{"id": 3}]', ""])
def test_what_another_version_stored_is_left_aside(bench, body):
    bench.state.notified.write({"outbox memory": body})

    assert bench.outbox().is_empty


@pytest.mark.fault(
    "controller",
    "a notification channel does not answer",
    "no cycle is delayed, nor the end of the process; messages wait, and survive a restart",
    report="fluxcd/pkg#969",
)
def test_a_channel_that_hangs_delays_nothing(bench):
    """Neither what is added, nor the end of the process."""
    bench.channel.hanging = threading.Event()
    outbox = bench.filled(1)
    outbox.start()
    bench.state.notified.write(outbox.add([message(2)]))
    outbox.end()
    outbox.join(0.1)
    assert [] == bench.channel.sent
    assert all(thread.daemon for thread in threading.enumerate() if thread.name.startswith("notify "))

    bench.channel.hanging.set()
    until(lambda: bench.channel.sent == ["1"])
    outbox.join(5)
    assert ["1"] == bench.channel.sent
    assert not outbox.is_empty


def test_a_message_is_sent_as_soon_as_it_is_there(bench):
    outbox = bench.outbox()
    outbox.start()
    bench.state.notified.write(outbox.add([message(1)]))

    until(lambda: bench.channel.sent == ["1"])
    outbox.end()


def test_the_limits_are_those_of_the_documentation():
    """A hundred messages of a channel wait, for a day at most; it is tried again within 15 minutes."""
    assert (100, 86_400, 900) == (MAX_MESSAGES, MAX_SECONDS, LONGEST_SECONDS)


def test_a_failing_channel_is_tried_again_ever_more_seldom(bench):
    """Two seconds after the first failure, then four; what succeeds begins anew."""
    bench.channel.results = [FAILED, FAILED, FAILED, SENT, FAILED]
    outbox = bench.filled(1, 2)

    assert [2.0, 4.0, 8.0, 0.0, 2.0] == steps(outbox, 5)
