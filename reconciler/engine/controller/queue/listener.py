"""Read the queue of events in a thread of its own: however slow or broken it is, no cycle waits for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from reconciler.core.runtime.backoff import backoff
from reconciler.engine.controller.queue.intake import Intake
from reconciler.engine.controller.registry import QueueHealth
from reconciler.engine.log import log
from reconciler.errors import ReconcilerError
from reconciler.ports import EventQueue, Message

MOST_PAUSE_SECONDS: Final = 60.0


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
            return self._failed(exc, str(exc))
        except Exception as exc:  # noqa: BLE001  the thread must outlive anything
            return self._failed(exc, f"unforeseen: {exc!r}")
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

    def _failed(self, exc: Exception, message: str) -> float:
        """Note a failure, and log it unless it was the last one, too."""
        reason = type(exc).__name__
        if self._health.reason != reason:
            log.warning("events.unavailable", queue=self._queue.name, error=reason, reason=message)
        self._health.reason, self._health.message = reason, message
        self._failures += 1
        return backoff(self._failures, self._draw(), first=1.0, most=MOST_PAUSE_SECONDS)

    def _run(self) -> None:
        while not self._ending.is_set():
            self._ending.wait(self.step())
