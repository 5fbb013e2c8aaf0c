"""How long to wait, and when to call again: pure functions of what happened, the time, and a given draw."""

from __future__ import annotations

from collections import deque
from typing import Final

POLL_FIRST_SECONDS: Final = 0.5
POLL_MOST_SECONDS: Final = 5.0

# The service counts by the second; a little more keeps both clocks' rounding out of it.
WINDOW_SECONDS: Final = 1.002
# While a call is not answered it may still be on its way, for half a second.
UNANSWERED_SECONDS: Final = 1.5


def poll_delay(polls: int) -> float:
    """Return the seconds before poll number *polls* (from 0): half a second, then slower, at most 5 s."""
    return float(min(POLL_MOST_SECONDS, POLL_FIRST_SECONDS * 1.5 ** min(polls, 30)))


def backoff(failures: int, draw: float, *, first: float = 0.5, most: float = 30.0) -> float:
    """
    Return the seconds to wait after *failures* failures in a row.

    Args:
        failures: From 1.
        draw: From 0 to 1. Half of the delay is fixed, half is this share: many clients do not return at once,
            and none returns immediately.
    """
    delay = min(most, first * 2.0 ** min(failures - 1, 30))
    return float(delay * (0.5 + 0.5 * draw))


class Admission:
    """One call that was let out, and when its place is free again: a second after the service had it."""

    __slots__ = ("free_at",)

    def __init__(self, start: float) -> None:
        self.free_at = start + UNANSWERED_SECONDS

    def answered(self, now: float) -> None:
        """Note that the answer is here: the call has arrived by now at the latest."""
        self.free_at = min(self.free_at, now + WINDOW_SECONDS)


class CallWindow:
    """
    At most so many calls in any second, as the service sees them arrive.

    A sliding window, not a bucket that fills up: after a quiet minute a bucket lets twice its rate through.
    When a call arrives nobody here knows, only that it is after it was sent and before it was answered.
    Not safe for threads by itself.
    """

    __slots__ = ("_calls", "_let_out")

    def __init__(self, calls: int) -> None:
        if calls < 1:
            raise ValueError("a window admits at least one call")
        self._calls = calls
        self._let_out: deque[Admission] = deque(maxlen=calls)

    def wait(self, now: float) -> float:
        """Return the seconds until a call may go out, as far as is known now; 0 if at once."""
        full = len(self._let_out) == self._calls
        return max(0.0, self._let_out[0].free_at - now) if full else 0.0

    def let_out(self, now: float) -> Admission:
        """Note a call that goes out now; `wait` has said that it may."""
        admission = Admission(now)
        self._let_out.append(admission)
        return admission


RETRY_FIRST_SECONDS: Final = 5.0
RETRY_MOST_SECONDS: Final = 30.0
RETRY_LEAST_SECONDS: Final = 0.5


def next_visit(interval: float, jitter: float, draw: float) -> float:
    """Return the seconds until a dataset is looked at again; *draw* from 0 to 1 spreads many of them."""
    return interval * (1.0 + jitter * draw)


def next_attempt(failures: int, draw: float, interval: float) -> float:
    """
    Return the seconds until a dataset is tried again that failed *failures* times in a row, from 1.

    Full jitter: anything up to a bound that doubles with each failure, so that what failed together does
    not come back together. The bound never exceeds twice the interval, or half a minute if that is more:
    a dataset that recovers is noticed about as soon as one that never failed.
    """
    first = min(RETRY_FIRST_SECONDS, max(interval, RETRY_LEAST_SECONDS))
    most = max(RETRY_MOST_SECONDS, 2.0 * interval)
    return max(RETRY_LEAST_SECONDS, draw * min(most, first * 2.0 ** min(failures, 30)))


def scan_is_due(age: float, max_age: float, interval: float, jitter: float) -> bool:
    """
    Tell whether a complete listing is due now, because the next visit would come too late for it.

    Args:
        age: Seconds since the last one; below zero if the clock was set back, and then nothing is known.
    """
    latest = interval * (1.0 + jitter)
    return age < 0 or age >= max(max_age - latest, max_age / 2)
