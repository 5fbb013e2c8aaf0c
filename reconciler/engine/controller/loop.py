"""
The loop: look at the source, visit every dataset when it is due, and stop when asked.

Level-triggered: whatever wakes it, it looks at what is, never at what the wake-up said. One dataset is never
visited twice at once, and what one of them meets stops no other.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Final

from reconciler.engine.controller.cycle_runner import Visiting
from reconciler.engine.controller.dataset_state import DatasetState
from reconciler.engine.controller.registry import Registry
from reconciler.engine.controller.source_poller import EVERY_FIVE_SECONDS, Following, Polling
from reconciler.engine.controller.workers import Workers
from reconciler.ports import Source

LONGEST_NAP_SECONDS: Final = 1.0
"""The loop wakes up this often, if only to say that it is alive."""

FOLLOWING: Final = "source"
"""Where the source is followed: whatever AWS does, a new commit is seen."""

STUCK_AFTER_SECONDS: Final = 900.0
"""
No call to AWS takes longer, with all attempts of the SDK, and no command of git: a worker silent for so long is
stuck, or computes without an end.
"""


@dataclass(slots=True)
class Signals:
    """
    What was asked of the loop from outside.

    Attributes:
        stopping: No new cycle, no new update.
        wake: Something is to be looked at now.
    """

    stopping: threading.Event
    wake: threading.Event

    @classmethod
    def quiet(cls) -> Signals:
        return cls(threading.Event(), threading.Event())


class Controller:
    """
    Follows one source for as long as the process lives.

    Args:
        steady: A clock that never jumps, in seconds.
        draw: Gives a number from 0 to 1, for jitter.
        polling: How often the source is looked at, and what confirms its revision.
    """

    def __init__(
        self,
        source: Source,
        visiting: Visiting,
        registry: Registry,
        workers: Workers,
        signals: Signals,
        steady: Callable[[], float],
        draw: Callable[[], float],
        polling: Polling = EVERY_FIVE_SECONDS,
    ) -> None:
        self._visiting = visiting
        self._registry = registry
        self._workers = workers
        self._signals = signals
        self._steady = steady
        self._draw = draw
        self._following = Following(source, registry, visiting, steady, draw, polling)
        self._lock = registry.lock
        self._beat = steady()

    def run(self) -> None:
        """Work until `stop`."""
        while not self._signals.stopping.is_set():
            nap = self.tick()
            self._signals.wake.wait(max(0.0, min(nap, LONGEST_NAP_SECONDS)))
            self._signals.wake.clear()

    def tick(self) -> float:
        """Start whatever is due, and return the seconds until something is due next."""
        now = self._beat = self._steady()
        if self._following.start_if_due(now):
            self._workers.submit(self._follow, FOLLOWING)
        for state in self._due(now):
            self._workers.submit(partial(self._visit, state), state.place)
        self._registry.publish()
        with self._lock:
            waiting = [s.due for s in self._registry.states.values() if not s.running]
        following = () if self._following.running else (self._following.due,)
        return max(0.0, min((*waiting, *following), default=LONGEST_NAP_SECONDS) - self._steady())

    def once(self) -> None:
        """
        Poll the source, and visit every dataset one time.

        Raises:
            ReconcilerError: What the source met: SourceError, if the specs cannot be read.
        """
        self._following.running = True
        self._follow()
        if self._following.failure is not None:
            raise self._following.failure
        for state in sorted(self._registry.states.values(), key=lambda state: state.name):
            if self._signals.stopping.is_set():
                return
            state.running = True
            self._visit(state)
        self._registry.publish(now=True)

    def look_at_source(self) -> None:
        """Ask for a look at the source now; a dataset is due if that changes it."""
        with self._lock:
            self._following.due = self._steady()
        self._signals.wake.set()

    def trigger(self, dataset: str | None = None) -> bool:
        """Ask for a look now, at all or at one; return whether there is such a dataset."""
        now = self._steady()
        with self._lock:
            if dataset is not None and dataset not in self._registry.states:
                return False
            names = self._registry.states if dataset is None else [dataset]
            for name in names:
                state = self._registry.states[name]
                state.due, state.again = now, state.running
            self._following.due = now
        self._signals.wake.set()
        return True

    def stop(self) -> None:
        """Send no new update, start no new cycle, and let `run` return. Safe in a signal handler."""
        self._signals.stopping.set()
        self._signals.wake.set()

    @property
    def alive(self) -> bool:
        """Tell whether the loop turns, the workers live, and none of them has fallen silent."""
        now = self._steady()
        if not self._workers.healthy or now - self._beat > 30 * LONGEST_NAP_SECONDS:
            return False
        oldest = min(self._visiting.oldest_beat(now), self._following.oldest_beat(now))
        return now - oldest < STUCK_AFTER_SECONDS

    def _due(self, now: float) -> Iterable[DatasetState]:
        """Take every dataset that is due, the longest waiting first."""
        if self._signals.stopping.is_set():
            return ()
        with self._lock:
            due = [s for s in self._registry.states.values() if s.due <= now and not s.running]
            for state in due:
                state.running = True
        return sorted(due, key=lambda state: state.due)

    def _follow(self) -> None:
        self._following.follow()
        self._signals.wake.set()

    def _visit(self, state: DatasetState) -> None:
        delay = self._visiting.visit(state)
        with self._lock:
            now = self._steady()
            state.due = now if state.again else now + delay
            state.again = state.running = False
        self._signals.wake.set()
