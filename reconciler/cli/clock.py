"""The clocks of this machine."""

from __future__ import annotations

import random
import sys
import threading
import time
from collections.abc import Callable

from reconciler.errors import Interrupted
from reconciler.ports import Clock


class SystemClock:
    """`ports.Clock` of this machine. Ctrl-C interrupts a sleep."""

    def now(self) -> float:
        return time.time()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def draw(self) -> float:
        return random.random()  # noqa: S311  jitter, no secret


class SystemMonotonicClock:
    """`ports.MonotonicClock` of this machine; *stopping* ends every sleep."""

    def __init__(self, stopping: threading.Event) -> None:
        self._stopping = stopping

    @property
    def stopping(self) -> bool:
        return self._stopping.is_set()

    def seconds(self) -> float:
        return time.monotonic()

    def draw(self) -> float:
        return random.random()  # noqa: S311  jitter, no secret

    def sleep(self, seconds: float) -> None:
        """
        Sleep for *seconds*.

        Raises:
            Interrupted: The process was asked to stop.
        """
        if self._stopping.wait(seconds):
            raise Interrupted("asked to stop")

    def clock(self, before_sleep: Callable[[], object]) -> Clock:
        return _CycleClock(self, before_sleep)


class _CycleClock:
    """Starts at the time of day and then runs monotonically: changes of the wall clock move no deadline."""

    def __init__(self, monotonic: SystemMonotonicClock, before_sleep: Callable[[], object]) -> None:
        self._monotonic = monotonic
        self._before_sleep = before_sleep
        self._ahead = time.time() - monotonic.seconds()

    def now(self) -> float:
        return self._ahead + self._monotonic.seconds()

    def sleep(self, seconds: float) -> None:
        self._before_sleep()
        self._monotonic.sleep(seconds)

    def draw(self) -> float:
        return self._monotonic.draw()


def unsleeping_seconds() -> float:
    """Return monotonic seconds; on Linux the clock also counts while the machine is suspended."""
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()
