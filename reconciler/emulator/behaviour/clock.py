"""Clocks of the emulator, which tests can advance."""

from __future__ import annotations

import time
from typing import Final, Protocol

_YEAR_10000: Final = 253_402_300_800.0


class Clock(Protocol):
    """A clock in seconds since the epoch."""

    def now(self) -> float: ...

    def advance(self, seconds: float) -> None:
        """
        Move the clock forward, or back by negative seconds.

        Raises:
            ValueError: The new time is not between 1970 and 9999.
        """


class SystemClock:
    """The system clock, plus all advances."""

    def __init__(self) -> None:
        self._offset = 0.0

    def now(self) -> float:
        return time.time() + self._offset

    def advance(self, seconds: float) -> None:
        _require_date(self.now() + seconds)
        self._offset += seconds


class ManualClock:
    """
    A clock that moves only when advanced.

    By default it starts at the system time, so that presigned requests, which clients date, and the
    credentials of assumed roles, whose expiration clients check, are valid.
    """

    def __init__(self, start: float | None = None) -> None:
        self._now = round(time.time(), 3) if start is None else start

    def now(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        _require_date(self._now + seconds)
        self._now += seconds


def _require_date(time: float) -> None:
    if not 0 <= time < _YEAR_10000:
        raise ValueError("the clock shows times from 1970 to 9999")
