"""Compute delays and rate limits as pure functions of past events, the time and a random draw."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from math import inf
from typing import Final, NamedTuple

POLL_FIRST_SECONDS: Final = 0.5
POLL_MOST_SECONDS: Final = 5.0

# The service counts calls per second; the extra 2 ms absorb the rounding of both clocks.
WINDOW_SECONDS: Final = 1.002
# An unanswered call may still be on its way to the service, for up to half a second.
UNANSWERED_SECONDS: Final = 1.5


def poll_delay(polls: int) -> float:
    """Return the seconds before poll number *polls* (from 0): 0.5 s at first, growing to 5 s."""
    return float(min(POLL_MOST_SECONDS, POLL_FIRST_SECONDS * 1.5 ** min(polls, 30)))


def backoff(failures: int, draw: float, *, first: float = 0.5, most: float = 30.0) -> float:
    """
    Return the seconds to wait after *failures* failures in a row.

    Args:
        failures: From 1.
        draw: Random number from 0 to 1. Half of the delay is fixed, the other half is scaled by it, so that
            clients spread out and none retries immediately.
    """
    delay = min(most, first * 2.0 ** min(failures - 1, 30))
    return float(delay * (0.5 + 0.5 * draw))


class Admission:
    """One call in the window, and when its slot is free again: a second after the service received it."""

    __slots__ = ("free_at",)

    def __init__(self, start: float) -> None:
        self.free_at = start + UNANSWERED_SECONDS

    def record_answer(self, now: float) -> None:
        """Record the answer, which proves that the call has arrived by now."""
        self.free_at = min(self.free_at, now + WINDOW_SECONDS)


class CallWindow:
    """
    Limit the calls that reach the service in any second.

    This is a sliding window, not a token bucket, which lets through twice its rate after a quiet period. The
    arrival time of a call is not known, only that it lies between sending and answer. Not thread-safe.
    """

    __slots__ = ("_calls", "_let_out")

    def __init__(self, calls: int) -> None:
        if calls < 1:
            raise ValueError("a window admits at least one call")
        self._calls = calls
        self._let_out: deque[Admission] = deque(maxlen=calls)

    def wait(self, now: float) -> float:
        """Return the seconds until a call may be sent, as far as is known now; 0 if at once."""
        full = len(self._let_out) == self._calls
        return max(0.0, self._let_out[0].free_at - now) if full else 0.0

    def record_call(self, now: float) -> Admission:
        """Record a call that is sent now, after `wait` returned 0."""
        admission = Admission(now)
        self._let_out.append(admission)
        return admission


RETRY_FIRST_SECONDS: Final = 5.0
RETRY_MOST_SECONDS: Final = 30.0
RETRY_LEAST_SECONDS: Final = 0.5


def next_cycle(interval: float, jitter: float, draw: float) -> float:
    """Return the seconds until the next cycle of a dataset; *draw*, from 0 to 1, spreads many of them."""
    return interval * (1.0 + jitter * draw)


def next_attempt(failures: int, draw: float, interval: float) -> float:
    """
    Return the seconds until the retry of a dataset after *failures* failures in a row, from 1.

    Full jitter: anything up to a bound that doubles with each failure, so that datasets that failed together
    are not retried together. The bound is at most twice the interval, or 30 s if that is more, so that a
    recovery is noticed about as soon as on a healthy dataset.
    """
    first = min(RETRY_FIRST_SECONDS, max(interval, RETRY_LEAST_SECONDS))
    most = max(RETRY_MOST_SECONDS, 2.0 * interval)
    return max(RETRY_LEAST_SECONDS, draw * min(most, first * 2.0 ** min(failures, 30)))


def scan_is_due(age: float, max_age: float, interval: float, listing: float, ahead: float = 0.0) -> bool:
    """
    Return whether a complete listing is due now: begun in the next cycle, it might end too late.

    It is begun early enough to end in time even if it takes twice as long, beside those of other datasets; but not
    before half of its time, or a quarter for the sake of others, where that can be kept.

    Args:
        age: Seconds since the end of the last one; negative if the clock was set back, and then a listing is due.
        interval: The longest time between two cycles.
        listing: Seconds that it takes by itself.
        ahead: As `seconds_ahead` says.
    """
    latest = max_age - interval - listing
    earliest = max(max_age / 2 - ahead, max_age / 4)
    due = max(latest - listing - ahead, min(latest, earliest)) if latest > 0 else max_age / 2
    return age < 0 or age >= due


class NextListing(NamedTuple):
    """
    The next regular listing of a dataset.

    Attributes:
        until: When it must end, on any clock.
        seconds: How long it takes by itself.
        max_age: How often it must be made, in seconds.
    """

    until: float
    seconds: float
    max_age: float


def seconds_ahead(listings: Sequence[NextListing]) -> list[float]:
    """
    Return for each listing how much earlier than by itself it is begun, so that those after it end in time, too.

    They share the calls of a second, so they follow one another: the one that must end first is begun first. One
    that is made less often makes room for those that are made more often, and not the other way round.
    """
    found = [0.0] * len(listings)
    for max_age in {each.max_age for each in listings}:
        among = [(each, place) for place, each in enumerate(listings) if each.max_age <= max_age]
        share = sum(each.seconds / each.max_age for each, _ in among if each.max_age < max_age)
        free = inf
        for each, place in sorted(among, reverse=True):
            is_own = each.max_age == max_age
            seconds = each.seconds / max(_MIN_SHARE, 1.0 - share) if is_own else each.seconds
            free = min(free, each.until - seconds) - seconds
            if is_own:
                found[place] = each.until - 2.0 * each.seconds - free
    return found


_MIN_SHARE: Final = 0.1
"""How much of the calls a listing counts on, however much those take that are made more often."""


EACH_SECONDS: Final = 10.0
"""The shortest time between two observations of one dataset that messages cause."""

PER_SECOND: Final = 1.0
"""The observations of all datasets that messages cause in a second, after a burst; AWS answers five calls."""

BURST: Final = 20


class Hints:
    """
    Bounds how often messages make datasets due: any principal that may write to the queue can send many.

    Gives each hint a time, and drops none: later hints of a dataset that waits are covered by its turn. Not
    thread-safe.
    """

    def __init__(
        self, each: float = EACH_SECONDS, per_second: float = PER_SECOND, burst: int = BURST
    ) -> None:
        self._each = each
        self._interval = 1 / per_second
        self._ahead = (burst - 1) * self._interval
        self._last: dict[str, float] = {}
        self._free = float("-inf")

    def due(self, dataset: str, now: float) -> float:
        """Return when the dataset may be observed because of a message of *now*, on the same clock."""
        last = self._last.get(dataset, float("-inf"))
        if last > now:
            return last
        due = max(now, last + self._each, self._free - self._ahead)
        self._free = max(self._free, now) + self._interval
        self._last[dataset] = due
        return due

    def keep(self, datasets: frozenset[str]) -> None:
        """Forget all other datasets."""
        self._last = {name: at for name, at in self._last.items() if name in datasets}
