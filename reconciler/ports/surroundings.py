"""What the engine asks of the process it runs in: time, and somebody who watches."""

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
            Interrupted: Somebody asked the process to stop.
        """
        ...

    def draw(self) -> float:
        """Return a random number from 0 to 1, for jitter."""
        ...


class Progress(Protocol):
    """How far a long step has come, for whoever watches. Never needed for correctness."""

    def step(self, dataset: str, what: str, done: int, total: int | None) -> None: ...


class Silence:
    """A `Progress` that nobody watches."""

    def step(self, dataset: str, what: str, done: int, total: int | None) -> None:
        """Do nothing."""
