"""Threads that carry out jobs, and that can be left behind; jobs at one place never wait for those at another."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Protocol

Job = Callable[[], None]


class Workers(Protocol):
    """Whoever carries out jobs. A job raises nothing."""

    def submit(self, job: Job, place: str) -> None:
        """
        Have a job done.

        Args:
            place: What it talks to: where that hangs, jobs at other places go on.
        """
        ...

    @property
    def healthy(self) -> bool:
        """Tell whether every worker is alive."""
        ...


class Inline:
    """Carries out a job before `submit` returns: for one pass, and for tests."""

    healthy = True

    def submit(self, job: Job, place: str) -> None:
        del place
        job()


class Threads:
    """
    Up to so many threads at each place, started when they are needed.

    They are daemons: a call that hangs in the network must not keep a process that was asked to stop.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._crews: dict[str, _Crew] = {}

    @property
    def healthy(self) -> bool:
        return all(thread.is_alive() for thread in self._threads())

    def submit(self, job: Job, place: str) -> None:
        if place not in self._crews:
            self._crews[place] = _Crew(self._count, place)
        self._crews[place].submit(job)

    def close(self, timeout: float) -> bool:
        """Let every thread end after its job; return whether all did within *timeout* seconds, shared."""
        for crew in self._crews.values():
            crew.dismiss()
        for thread in self._threads():
            if timeout > 0:
                timeout -= _timed_join(thread, timeout)
        return not any(thread.is_alive() for thread in self._threads())

    def _threads(self) -> list[threading.Thread]:
        return [thread for crew in self._crews.values() for thread in crew.threads]


class _Crew:
    """The threads at one place. Jobs come from one thread alone."""

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


def _timed_join(thread: threading.Thread, timeout: float) -> float:
    begun = time.monotonic()
    thread.join(timeout)
    return time.monotonic() - begun
