"""Threads that carry out jobs, none of them twice at once, and that can be left behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Protocol

Job = Callable[[], None]


class Workers(Protocol):
    """Whoever carries out jobs. A job raises nothing."""

    def submit(self, job: Job) -> None: ...

    @property
    def healthy(self) -> bool:
        """Tell whether every worker is alive."""
        ...


class Inline:
    """Carries out a job before `submit` returns: for one pass, and for tests."""

    healthy = True

    def submit(self, job: Job) -> None:
        job()


class Threads:
    """
    So many threads.

    They are daemons: a call that hangs in the network must not keep a process that was asked to stop.
    """

    def __init__(self, count: int) -> None:
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._threads = [
            threading.Thread(target=self._work, name=f"worker-{number}", daemon=True)
            for number in range(1, count + 1)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def healthy(self) -> bool:
        return all(thread.is_alive() for thread in self._threads)

    def submit(self, job: Job) -> None:
        self._jobs.put(job)

    def close(self, timeout: float) -> bool:
        """Let every thread end after its job; return whether all did within *timeout* seconds, shared."""
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            if timeout > 0:
                timeout -= _timed_join(thread, timeout)
        return not any(thread.is_alive() for thread in self._threads)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()


def _timed_join(thread: threading.Thread, timeout: float) -> float:
    begun = time.monotonic()
    thread.join(timeout)
    return time.monotonic() - begun
