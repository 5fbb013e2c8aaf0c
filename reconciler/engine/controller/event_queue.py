"""
Take in the calls of other principals that a queue of events reports: each is a hint which dataset to observe.

A message is evidence of who called. Nothing in it is believed about entries, nor about the dataset: it makes a
cycle start earlier, which then observes. How often that may happen is bounded by `core.runtime.backoff.Hints`.
The queue is read in a thread of its own: however slow or broken it is, no cycle waits for it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Final

from reconciler.core.drift.cloudtrail import ApiCall, Unreadable, is_about, parse
from reconciler.core.runtime.backoff import Hints, backoff
from reconciler.engine.controller.dataset_state import DatasetState
from reconciler.engine.controller.registry import QueueHealth, Registry
from reconciler.engine.log import log
from reconciler.errors import ReconcilerError, StateError
from reconciler.ports import EventQueue, ForeignCalls, Message

SOON_SECONDS: Final = 5
"""After how many seconds a message comes again that cannot be judged yet."""

MAX_SECONDS: Final = 300
"""The longest time after which a message for another replica comes again."""

_AHEAD_SECONDS: Final = 3_600.0

_UNANSWERED_SECONDS: Final = 120.0
"""How long before CloudTrail's time an own update may have begun: the call takes time, and clocks differ."""


class MessageOutcome(StrEnum):
    """What became of a message."""

    FOREIGN = "foreign"  # a call of another principal: the dataset is observed
    OWN = "own"
    REPEATED = "repeated"
    IRRELEVANT = "irrelevant"  # another operation, a refused call, or a dataset that the specs do not hold
    UNREADABLE = "unreadable"
    POSTPONED = "postponed"  # it comes again


class Intake:
    """
    Takes in messages.

    Args:
        hasten: Makes a dataset due at a time of the monotonic clock.
        agent: What the user agent of this program holds.
        count: Called with the outcome of each message.
    """

    def __init__(
        self,
        registry: Registry,
        calls: ForeignCalls,
        hasten: Callable[[str, float], object],
        agent: str,
        count: Callable[[str], object],
    ) -> None:
        self._registry = registry
        self._calls = calls
        self._hasten = hasten
        self._agent = agent
        self._count = count
        self._hints = Hints()

    def take(self, message: Message) -> int | None:
        """
        Take in a message.

        Returns:
            After how many seconds it should come again; None if it can be deleted.
        """
        try:
            found = parse(message.body)
            if found and found.call.at > self._registry.wall() + _AHEAD_SECONDS:
                raise Unreadable("its time lies in the future")  # it would outlast all others
        except Unreadable as exc:
            log.warning("event.unreadable", reason=str(exc))
            return self._done(MessageOutcome.UNREADABLE)
        if self._registry.fingerprint is None:  # which datasets there are is not known yet
            return self._done(MessageOutcome.POSTPONED, SOON_SECONDS)
        states = self._states_of(found) if found else []
        if found is None or found.failed or not states:
            return self._done(MessageOutcome.IRRELEVANT)
        here = [state for state in states if not state.is_elsewhere]
        if not here:
            return self._done(MessageOutcome.POSTPONED, min(MAX_SECONDS, 2 ** min(message.receives, 16)))
        try:
            return self._judged(found, here)
        except StateError as exc:
            log.warning("status.unsaved", reason=str(exc))
            self._observe_soon(found, here)
            return self._done(MessageOutcome.POSTPONED, MAX_SECONDS)

    def _judged(self, found: ApiCall, states: Sequence[DatasetState]) -> int | None:
        if self._is_own(found):
            return self._done(MessageOutcome.OWN)
        if self._agent in found.agent and any(state.running for state in states):
            # Perhaps a call whose answer is not here yet.
            return self._done(MessageOutcome.POSTPONED, SOON_SECONDS)
        new = [state for state in states if found.names_nothing or self._calls.add(state.name, found.call)]
        self._observe_soon(found, new)
        for state in new:
            self.refresh(state)
        return self._done(MessageOutcome.FOREIGN if new else MessageOutcome.REPEATED)

    def refresh(self, state: DatasetState) -> None:
        """Read the calls that are remembered for a dataset into its state."""
        state.foreign_calls = tuple(self._calls.of(state.name))
        self._registry.touch()

    def after_cycle(self, state: DatasetState, begun_at: float) -> None:
        """
        Settle the calls before a cycle that left no drift. Raises nothing.

        Args:
            begun_at: When the cycle began, in seconds since the epoch.
        """
        summary = state.summary
        try:
            if summary and summary.seen and not summary.drifted and not summary.gap and state.observed_at:
                self._calls.settle(state.name, begun_at, self._registry.wall())
            self.refresh(state)
        except StateError as exc:
            log.warning("status.unsaved", reason=str(exc))

    def _states_of(self, found: ApiCall) -> list[DatasetState]:
        with self._registry.lock:
            return [
                state
                for state in self._registry.states.values()
                if state.loaded and is_about(found, state.loaded.target, state.arn)
            ]

    def _is_own(self, found: ApiCall) -> bool:
        """Return whether this process made the call: by its request ID, or as an update that got no answer."""
        if found.request_id and self._calls.is_own(found.request_id):
            return True
        since, until = found.call.at - _UNANSWERED_SECONDS, found.call.at + SOON_SECONDS
        return self._agent in found.agent and any(
            self._calls.unanswered(arn, since, until) for arn in found.datasets
        )

    def _observe_soon(self, found: ApiCall, states: Sequence[DatasetState]) -> None:
        now = self._registry.monotonic()
        with self._registry.lock:
            self._hints.keep(frozenset(self._registry.states))
        for state in states:
            due = self._hints.due(state.name, now)
            self._hasten(state.name, due)
            log.info(
                "event.foreign",
                dataset=state.name,
                dataset_arn=state.arn,
                operation=found.call.operation,
                principal=found.call.principal,
                principal_kind=found.call.kind.value,
                address_class=found.call.address.value,
                delay_seconds=round(self._registry.wall() - found.call.at, 1),
                due_seconds=round(due - now, 1),
            )

    def _done(self, outcome: MessageOutcome, seconds: int | None = None) -> int | None:
        self._count(outcome.value)
        if outcome not in (MessageOutcome.FOREIGN, MessageOutcome.UNREADABLE):
            log.debug("event.ignored", outcome=outcome.value)
        return seconds


MAX_PAUSE_SECONDS: Final = 60.0


class QueueListener:
    """
    Receives messages, has them taken in, and deletes them afterwards.

    Args:
        draw: Returns a random number from 0 to 1, for jitter.
    """

    def __init__(
        self,
        queue: EventQueue,
        intake: Intake,
        health: QueueHealth,
        wall: Callable[[], float],
        draw: Callable[[], float],
    ) -> None:
        self._queue = queue
        self._intake = intake
        self._health = health
        self._wall = wall
        self._draw = draw
        self._failures = 0
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="events", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """Take in no further message. A call that waits for one ends by itself; it is not waited for."""
        self._ending.set()

    def step(self) -> float:
        """Receive once, and return the seconds to wait before the next time. Raises nothing."""
        try:
            for message in self._queue.receive():
                if self._ending.is_set():
                    return 0.0  # it comes again
                self._handle(message)
        except ReconcilerError as exc:
            return self._note_failure(exc, str(exc))
        except Exception as exc:  # noqa: BLE001  the thread must outlive anything
            return self._note_failure(exc, f"unforeseen: {exc!r}")
        if not self._health.is_listening:
            log.info("events.listening", queue=self._queue.name)
        self._failures = 0
        self._health.reason = self._health.message = None
        self._health.read_at = self._wall()
        return 0.0

    def _handle(self, message: Message) -> None:
        seconds = self._intake.take(message)
        if seconds is None:
            self._queue.delete(message)
        else:
            self._queue.postpone(message, seconds)

    def _note_failure(self, exc: Exception, message: str) -> float:
        """Note a failure, and log it unless it was the last one, too."""
        reason = type(exc).__name__
        if self._health.reason != reason:
            log.warning("events.unavailable", queue=self._queue.name, error=reason, reason=message)
        self._health.reason, self._health.message = reason, message
        self._failures += 1
        return backoff(self._failures, self._draw(), first=1.0, most=MAX_PAUSE_SECONDS)

    def _run(self) -> None:
        while not self._ending.is_set():
            self._ending.wait(self.step())
