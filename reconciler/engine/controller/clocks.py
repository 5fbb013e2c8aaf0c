"""The clocks of a long-running process: a monotonic one, and one that tells the time of day."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from reconciler.ports import Clock


class MonotonicClock(Protocol):
    """The monotonic clock and jitter of the controller."""

    @property
    def stopping(self) -> bool:
        """Tell whether the process was asked to stop."""
        ...

    def seconds(self) -> float:
        """Return the monotonic time in seconds."""
        ...

    def draw(self) -> float:
        """Return a random number from 0 to 1."""
        ...

    def clock(self, before_sleep: Callable[[], object]) -> Clock:
        """
        Return the clock of one cycle: it starts at the time of day and then runs monotonically.

        Its sleep calls *before_sleep* first, and raises `Interrupted` when the process must stop.
        """
        ...
