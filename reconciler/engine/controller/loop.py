"""
The loop of the controller: poll the source, run the cycles that are due, and stop on request.

The loop is level-triggered: a wake-up carries no content. At most one cycle of a dataset runs at a time, and
the failure of one dataset does not stop another.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import inf
from typing import Final

from reconciler.core.status.suspension import Suspension
from reconciler.engine.controller.cycle_runner import CycleRunner
from reconciler.engine.controller.dataset_state import DatasetState
from reconciler.engine.controller.registry import Ownership, Registry
from reconciler.engine.controller.source_poller import EVERY_FIVE_SECONDS, Polling, SourcePoller
from reconciler.engine.controller.workers import Workers
from reconciler.engine.log import log
from reconciler.errors import StateError
from reconciler.ports import Source

LONGEST_NAP_SECONDS: Final = 1.0
"""The longest sleep of the loop, so that its liveness can be checked."""

SOURCE: Final = "source"
"""The place where the source is polled: a hanging call to AWS does not delay it."""

LISTINGS: Final = 3
"""
Datasets of one place that are listed at a time because their last listing is old. These have threads of their
own, so that an edit of another dataset need not wait for them; more would not be faster, at 5 calls a second.
"""

STUCK_AFTER_SECONDS: Final = 900.0
"""
Longer than any AWS call with all attempts of the SDK, and than any git command: a worker without progress for
so long is stuck.
"""


@dataclass(slots=True)
class Signals:
    """
    Events that control the loop.

    Attributes:
        stopping: Set to stop: no new cycle or update starts.
        wake: Set to end the sleep of the loop.
    """

    stopping: threading.Event = field(default_factory=threading.Event)
    wake: threading.Event = field(default_factory=threading.Event)


class Controller:
    """
    Reconciles the datasets of one source until it is stopped.

    Args:
        polling: How often the source is polled, and what confirms its revision.
    """

    def __init__(
        self,
        source: Source,
        runner: CycleRunner,
        registry: Registry,
        workers: Workers,
        signals: Signals,
        polling: Polling = EVERY_FIVE_SECONDS,
    ) -> None:
        self._runner = runner
        self._registry = registry
        self._workers = workers
        self._signals = signals
        self._monotonic = registry.monotonic
        self._suspensions = runner.memory.suspensions
        self._poller = SourcePoller(source, registry, self._suspensions, runner.monotonic.draw, polling)
        fleet = registry.fleet
        self.ownership = Ownership(fleet, registry, runner.targets) if fleet else None
        self._lock = registry.lock
        self._beat = self._monotonic()

    def run(self) -> None:
        """Run the loop until `stop` is called."""
        while not self._signals.stopping.is_set():
            nap = self.tick()
            self._signals.wake.wait(max(0.0, min(nap, LONGEST_NAP_SECONDS)))
            self._signals.wake.clear()

    def tick(self) -> float:
        """Submit everything that is due, and return the seconds until something is due next."""
        now = self._beat = self._monotonic()
        if self._poller.start_if_due(now):
            self._workers.submit(self._poll, SOURCE)
        self._resume_expired()
        self._registry.spread_listings()
        wall = self._registry.wall()
        for state in sorted(self._take_due(now), key=lambda state: state.urgency(wall)):
            self._workers.submit(partial(self._run_cycle, state), *_threads_for(state, wall))
        self._registry.publish()
        with self._lock:
            waiting = [s.due for s in self._registry.states.values() if not (s.running or s.is_elsewhere)]
        following = () if self._poller.running else (self._poller.due,)
        return max(0.0, min((*waiting, *following), default=LONGEST_NAP_SECONDS) - self._monotonic())

    def once(self) -> None:
        """
        Poll the source, and run one cycle of every dataset.

        Raises:
            ReconcilerError: The poll failed; a SourceError if the specs cannot be read.
        """
        self._poller.running = True
        self._poll()
        if self._poller.failure is not None:
            raise self._poller.failure
        for state in sorted(self._registry.states.values(), key=lambda state: state.name):
            if self._signals.stopping.is_set():
                return
            state.running = True
            self._run_cycle(state)
        self._registry.publish(now=True)

    def poll_source(self) -> None:
        """Make the source due now; datasets that it changes become due in turn."""
        with self._lock:
            self._poller.due = self._monotonic()
        self._signals.wake.set()

    def trigger(self, dataset: str | None = None) -> bool:
        """Make the source and one dataset, or all, due now; return False if the dataset does not exist."""
        now = self._monotonic()
        with self._lock:
            if dataset is not None and dataset not in self._registry.states:
                return False
            names = self._registry.states if dataset is None else [dataset]
            for name in names:
                state = self._registry.states[name]
                state.due, state.again = now, state.running
            self._poller.due = now
        self._signals.wake.set()
        return True

    def hasten(self, dataset: str, due: float) -> None:
        """Make a dataset due at *due* of the monotonic clock, or earlier; one that runs is due again then."""
        with self._lock:
            if (state := self._registry.states.get(dataset)) is None:
                return
            if state.running:
                state.hastened_to = min(state.hastened_to, due)
            else:
                state.due = min(state.due, due)
        self._signals.wake.set()

    def suspend(self, names: Sequence[str], reason: str, seconds: int | None) -> None:
        """
        Suspend applying to datasets, all or none; a suspended one gets the new reason and end.

        A suspension outlives the process, and the dataset's absence from git.

        Args:
            seconds: For how long; None until it is resumed by request.

        Raises:
            KeyError: There is no such dataset; nothing is suspended.
            StateError: It could not be stored; nothing is suspended.
        """
        now = self._registry.wall()
        suspension = Suspension(reason, now, None if seconds is None else now + seconds)
        with self._lock:
            states = [self._registry.states[name] for name in names]
            self._suspensions.put(dict.fromkeys(names, suspension))
            self._change(states, suspension)
        for state in states:
            log.info("dataset.suspended", dataset=state.name, **suspension.document())
        self._judge(states)
        self._signals.wake.set()

    def resume(self, names: Sequence[str]) -> None:
        """Resume datasets, all or none; one that is not suspended stays as it is. Errors as `suspend`."""
        with self._lock:
            states = [s for name in names if (s := self._registry.states[name]).suspension is not None]
            self._suspensions.put({state.name: None for state in states})
            self._change(states, None)
        for state in states:
            log.info("dataset.resumed", dataset=state.name, expired=False)
        self._judge(states)
        self._signals.wake.set()

    def _resume_expired(self) -> None:
        now = self._registry.wall()
        with self._lock:
            states = [s for s in self._registry.states.values() if s.suspension and s.suspension.is_over(now)]
            self._change(states, None)
        for state in states:
            log.info("dataset.resumed", dataset=state.name, expired=True)
        try:
            if states:
                self._suspensions.put({state.name: None for state in states})
        except StateError as exc:
            log.warning("status.unsaved", reason=str(exc))
        self._judge(states)

    def _change(self, states: Sequence[DatasetState], suspension: Suspension | None) -> None:
        """Set or end a suspension: a new generation, so that a running cycle sends no further update."""
        for state in states:
            state.suspension = suspension
            state.generation += 1
            state.due, state.again = self._monotonic(), state.running
            self._registry.touch()

    def _judge(self, states: Sequence[DatasetState]) -> None:
        """Judge datasets that changed between cycles at once: the next one may have to wait for AWS."""
        for state in states:
            self._registry.judge(state)

    def stop(self) -> None:
        """Start no new update or cycle, and let `run` return."""
        self._signals.stopping.set()
        self._signals.wake.set()

    @property
    def alive(self) -> bool:
        """Return whether the loop runs, every worker is alive, and none is stuck."""
        now = self._monotonic()
        if not self._workers.healthy or now - self._beat > 30 * LONGEST_NAP_SECONDS:
            return False
        oldest = min(self._runner.oldest_beat(now), self._poller.oldest_beat(now))
        return now - oldest < STUCK_AFTER_SECONDS

    def _take_due(self, now: float) -> Iterable[DatasetState]:
        """Mark every due dataset as running, and return them."""
        if self._signals.stopping.is_set():
            return ()
        with self._lock:
            states = self._registry.states.values()
            due = [s for s in states if s.due <= now and not (s.running or s.is_elsewhere)]
            for state in due:
                state.running = True
        return due

    def _poll(self) -> None:
        self._poller.poll()
        if self.ownership:
            self.ownership.reassign()
        self._signals.wake.set()

    def _run_cycle(self, state: DatasetState) -> None:
        generation = state.generation
        delay = self._runner.run_cycle(state)
        with self._lock:
            state.edited = state.generation != generation
            now = self._monotonic()
            state.due = now if state.again else min(now + delay, max(now, state.hastened_to))
            state.again, state.running, state.hastened_to = False, False, inf
        self._signals.wake.set()


def _threads_for(state: DatasetState, now: float) -> tuple[str, int | None]:
    """Return the place and the number of threads of a cycle: one that lists a dataset keeps no edit waiting."""
    if state.scanned_at is None:
        return f"{state.place} first", None
    if state.is_only_to_be_listed(now):
        return f"{state.place} listings", LISTINGS
    return state.place, None
