"""Run jobs in daemon threads; jobs of one place never wait for those of another."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Protocol

Job = Callable[[], None]


class Workers(Protocol):
    """Runs jobs. A job must not raise."""

    def submit(self, job: Job, place: str, most: int | None = None) -> None:
        """
        Run a job, now or later.

        Args:
            place: What the job talks to; a place that hangs does not delay jobs of other places.
            most: Number of threads of that place; None for the usual one.
        """
        ...

    @property
    def healthy(self) -> bool:
        """Return whether every worker is alive."""
        ...


class Inline:
    """Runs each job before `submit` returns: for ``--once`` and for tests."""

    healthy = True

    def submit(self, job: Job, place: str, most: int | None = None) -> None:
        del place, most
        job()


class Threads:
    """
    Runs jobs in up to *count* threads for each place, started on demand.

    The threads are daemons: a hanging network call must not keep the process from ending.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._crews: dict[str, _Pool] = {}

    @property
    def healthy(self) -> bool:
        return all(thread.is_alive() for thread in self._threads())

    def submit(self, job: Job, place: str, most: int | None = None) -> None:
        if place not in self._crews:
            self._crews[place] = _Pool(most or self._count, place)
        self._crews[place].submit(job)

    def close(self, timeout: float) -> bool:
        """End every thread after the submitted jobs; return whether all ended within *timeout* seconds."""
        for crew in self._crews.values():
            crew.dismiss()
        deadline = time.monotonic() + timeout
        for thread in self._threads():
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads())

    def _threads(self) -> list[threading.Thread]:
        return [thread for crew in self._crews.values() for thread in crew.threads]


class _Pool:
    """The threads of one place. Jobs are submitted by a single thread."""

    def __init__(self, most: int, place: str) -> None:
        self._most = most
        self._place = place
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._open = 0  # jobs that were submitted and have not ended
        self.threads: list[threading.Thread] = []

    def submit(self, job: Job) -> None:
        with self._lock:
            self._open += 1
            short = self._open > len(self.threads)
        if short and len(self.threads) < self._most:
            name = f"worker-{len(self.threads) + 1} {self._place}".strip()
            self.threads.append(threading.Thread(target=self._work, name=name, daemon=True))
            self.threads[-1].start()
        self._jobs.put(job)

    def dismiss(self) -> None:
        for _ in self.threads:
            self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
            with self._lock:
                self._open -= 1
