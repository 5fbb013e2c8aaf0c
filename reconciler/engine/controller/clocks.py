"""Time for a process that lives for months: one clock that never jumps, and one that people read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from reconciler.ports import Clock


class MonotonicClock(Protocol):
    """What a controller needs of time."""

    @property
    def stopping(self) -> bool:
        """Tell whether somebody asked the process to stop."""
        ...

    def seconds(self) -> float:
        """Return seconds of a clock that never jumps."""
        ...

    def draw(self) -> float:
        """Return a random number from 0 to 1."""
        ...

    def clock(self, before_sleep: Callable[[], object]) -> Clock:
        """
        Return the clock of one cycle: it starts at the time of day and then runs steadily.

        Its sleep raises `Interrupted` when the process is to stop.
        """
        ...
