"""What the engine uses of its process: time, and a display of progress."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """Time, and the only way to wait."""

    def now(self) -> float:
        """Return seconds since the epoch."""
        ...

    def sleep(self, seconds: float) -> None:
        """
        Wait.

        Raises:
            Interrupted: The process was asked to stop.
        """
        ...

    def draw(self) -> float:
        """Return a random number from 0 to 1, for jitter."""
        ...


class Progress(Protocol):
    """Shows how far a long step has come. Never needed for correctness."""

    def step(self, dataset: str, what: str, done: int, total: int | None) -> None: ...


class Silence:
    """A `Progress` that shows nothing."""

    def step(self, dataset: str, what: str, done: int, total: int | None) -> None:
        """Do nothing."""
