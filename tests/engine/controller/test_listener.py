"""The receiver against a real queue: what is deleted, what comes again, and what a failure does."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from reconciler.core.spec.choices import QueueAddress
from reconciler.emulator.behaviour.faults import Fault, Kind
from reconciler.emulator.behaviour.settings import ManualClock
from reconciler.emulator.server import Emulator, serve
from reconciler.emulator.testing import client
from reconciler.engine.controller.event_queue import MAX_PAUSE_SECONDS, QueueListener
from reconciler.engine.controller.registry import QueueHealth
from reconciler.ports import Message
from reconciler.rekognition import event_queue
from reconciler.rekognition.event_queue import SqsQueue
from tests.waiting import until


@dataclass
class Taking:
    """An intake that answers what it is asked to, and remembers what it was given."""

    answers: dict[str, int | Exception | None] = field(default_factory=dict)
    taken: list[str] = field(default_factory=list)

    def take(self, message: Message) -> int | None:
        self.taken.append(message.body)
        answer = self.answers.get(message.body)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Bench:
    """A queue of an emulator, and its receiver."""

    def __init__(self, emulator: Emulator, sqs: Any) -> None:
        self.emulator, self.sqs, self.taking = emulator, sqs, Taking()
        self.url = sqs.create_queue(QueueName="changes")["QueueUrl"]
        address = QueueAddress.parse("sqs://arn:aws:sqs:us-east-1:111122223333:changes")
        self.health = QueueHealth(address.arn)
        self.listener = QueueListener(
            SqsQueue(sqs, address), self.taking, self.health, emulator.clock.now, lambda: 0.5
        )  # type: ignore[arg-type]

    def send(self, *bodies: str) -> None:
        for body in bodies:
            self.sqs.send_message(QueueUrl=self.url, MessageBody=body)

    def left(self) -> list[str]:
        """What is in the queue once everything is visible again."""
        self.emulator.clock.advance(100_000)
        found = self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages", [])
        return [message["Body"] for message in found]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr(event_queue, "WAIT_SECONDS", 0)
    emulator = Emulator(clock=ManualClock())
    with serve(emulator) as running:
        yield Bench(emulator, client(running, "sqs"))
    emulator.close()


def test_what_was_taken_in_is_deleted_and_what_was_not_comes_again(bench: Bench):
    """A message is deleted after it was taken in, never before."""
    bench.taking.answers = {"b": 7}
    bench.send("a", "b")

    assert 0.0 == bench.listener.step()

    assert ["a", "b"] == bench.taking.taken
    assert ["b"] == bench.left()


def test_a_message_that_stops_the_intake_comes_again(bench: Bench):
    """An error of ours loses no message, and ends no thread."""
    bench.taking.answers = {"a": RuntimeError("of ours")}
    bench.send("a")

    assert bench.listener.step() > 0

    assert not bench.health.is_listening
    assert ["a"] == bench.left()


def test_a_queue_that_is_gone_is_reported_once_and_read_again_once_it_is_back(
    bench: Bench, events: list[Any]
):
    """The pauses grow, and each change of the health is one line in the log."""
    bench.listener.step()
    bench.sqs.delete_queue(QueueUrl=bench.url)

    pauses = [bench.listener.step() for _ in range(8)]

    assert pauses == sorted(pauses)
    assert pauses[-1] <= MAX_PAUSE_SECONDS
    assert "NotFound" == bench.health.reason
    bench.sqs.create_queue(QueueName="changes")
    assert 0.0 == bench.listener.step()
    assert bench.health.is_listening
    assert ["events.listening", "events.unavailable", "events.listening"] == [e["event"] for e in events]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Kind.ACCESS_DENIED, "Denied"),
        (Kind.EXPIRED_CREDENTIALS, "Denied"),
        (Kind.THROTTLE_400, "Throttled"),
        (Kind.INTERNAL_ERROR, "Unavailable"),
    ],
)
def test_each_refusal_of_the_queue_has_its_reason(bench: Bench, kind: Kind, expected: str):
    """Status and alert say what is wrong; the receiver goes on."""
    bench.emulator.faults.add(Fault(kind=kind, operations=frozenset({"ReceiveMessage"}), times=0))

    assert bench.listener.step() > 0

    assert expected == bench.health.reason


def test_a_message_that_cannot_be_deleted_comes_again(bench: Bench):
    """It was taken in, and counts once: its event ID is known."""
    bench.emulator.faults.add(
        Fault(kind=Kind.ACCESS_DENIED, operations=frozenset({"DeleteMessage"}), times=0)
    )
    bench.send("a")

    bench.listener.step()

    assert "Denied" == bench.health.reason
    assert ["a"] == bench.left()


def test_once_ended_nothing_more_is_taken_in(bench: Bench):
    """What was received meanwhile comes again, to the next process."""
    bench.send("a")
    bench.listener.end()

    bench.listener.step()

    assert [] == bench.taking.taken
    assert ["a"] == bench.left()


def test_the_queue_is_read_in_a_thread_until_the_end(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    """After a failure it waits as long as it is told to; a second end is none."""
    waits = iter([0.0, 0.0, 60.0])
    stepped = []

    def step() -> float:
        stepped.append(threading.current_thread().daemon)
        return next(waits)

    monkeypatch.setattr(bench.listener, "step", step)
    bench.listener.start()
    until(lambda: len(stepped) == 3)
    bench.listener.end()
    bench.listener._thread.join(10)

    assert ([True] * 3, False) == (stepped, bench.listener._thread.is_alive())


def test_the_health_of_a_queue_is_shown_with_its_reason():
    """Before it was read once, that is the reason."""
    health = QueueHealth("arn:changes")
    unread = {"listening": False, "reason": "NotYet", "message": "the queue has not been read yet"}
    assert {"queue": "arn:changes", **unread, "read_at": None} == health.document()

    health.reason = health.message = None
    health.read_at = 0.0

    assert {
        "queue": "arn:changes",
        "listening": True,
        "reason": None,
        "message": None,
        "read_at": "1970-01-01T00:00:00Z",
    } == health.document()


def test_after_a_success_failures_are_counted_anew(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    """A second at first, and twice as long with each further failure; half of it at random."""
    waits = []
    for fails in (True, True, False, True, True):
        with monkeypatch.context() as patched:
            if fails:
                patched.setattr(bench.listener._queue, "receive", lambda: 1 / 0)
            waits.append(bench.listener.step())

    assert [0.75, 1.5, 0.0, 0.75, 1.5] == waits
