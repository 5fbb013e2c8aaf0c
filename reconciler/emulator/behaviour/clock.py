"""Time, as the emulator sees it: a number of seconds that tests may push."""

from __future__ import annotations

import time
from typing import Final, Protocol

_YEAR_10000: Final = 253_402_300_800.0


class Clock(Protocol):
    """Tells the time in seconds since the epoch."""

    def now(self) -> float: ...

    def advance(self, seconds: float) -> None:
        """
        Jump. Negative seconds jump back.

        Raises:
            ValueError: To a time that no date can tell.
        """


class SystemClock:
    """The machine's clock, plus the jumps it was told to make."""

    def __init__(self) -> None:
        self._offset = 0.0

    def now(self) -> float:
        return time.time() + self._offset

    def advance(self, seconds: float) -> None:
        _require_date(self.now() + seconds)
        self._offset += seconds


class ManualClock:
    """
    A clock that stands still until it is pushed.

    It starts at the machine's time, unless told otherwise, so that presigned requests and the credentials of
    assumed roles, which clients date by their own clock, are neither late nor early.
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
