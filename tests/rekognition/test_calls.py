"""The rate at which calls leave this process."""

from __future__ import annotations

import threading

import pytest

from reconciler.core.runtime.backoff import UNANSWERED_SECONDS, WINDOW_SECONDS
from reconciler.rekognition.calls import Limiter


class Stopwatch:
    """A clock that advances when something sleeps."""

    def __init__(self) -> None:
        self.time = 0.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


def limiter(calls: int | None, watch: Stopwatch) -> Limiter:
    return Limiter(calls, watch.now, watch.sleep)


def test_a_burst_passes_and_the_next_call_waits() -> None:
    watch = Stopwatch()
    limit = limiter(5, watch)
    for _ in range(6):
        limit.wait("a", "r", "Op")
        limit.record_answer()

    assert pytest.approx(WINDOW_SECONDS) == watch.time


def test_a_call_that_is_not_answered_keeps_its_place_longer() -> None:
    """An unanswered call holds its place longer, as it may still arrive."""
    watch = Stopwatch()
    limit = limiter(1, watch)
    limit.wait("a", "r", "Op")
    limit.wait("a", "r", "Op")

    assert pytest.approx(UNANSWERED_SECONDS) == watch.time


def test_only_the_rest_of_a_window_is_waited_for() -> None:
    watch = Stopwatch()
    limit = limiter(1, watch)
    limit.wait("a", "r", "Op")
    limit.record_answer()
    watch.time = 1.0
    limit.wait("a", "r", "Op")

    assert pytest.approx(WINDOW_SECONDS) == watch.time


def test_each_account_region_and_operation_has_a_window_of_its_own() -> None:
    watch = Stopwatch()
    limit = limiter(1, watch)
    for key in [("a", "r", "Op"), ("b", "r", "Op"), ("a", "s", "Op"), ("a", "r", "Other")]:
        limit.wait(*key)
        limit.record_answer()
    assert [] == watch.slept

    limit.wait("a", "r", "Op")
    assert pytest.approx(WINDOW_SECONDS) == watch.time


def test_without_a_limit_no_call_waits() -> None:
    watch = Stopwatch()
    limit = limiter(None, watch)
    for _ in range(100):
        limit.wait("a", "r", "Op")

    assert [] == watch.slept


def test_threads_share_one_window() -> None:
    """Twelve threads share two calls a second: the sixth pair leaves after five windows."""
    clock = Together()
    limit = Limiter(2, clock.now, clock.sleep)

    def call() -> None:
        limit.wait("a", "r", "Op")
        limit.record_answer()

    threads = [threading.Thread(target=call) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 5 * WINDOW_SECONDS <= clock.now() <= 5 * WINDOW_SECONDS + 1


class Together:
    """A clock that several threads advance; a call takes no time."""

    def __init__(self) -> None:
        self._time = 0.0
        self._lock = threading.Lock()

    def now(self) -> float:
        with self._lock:
            return self._time

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self._time += seconds


@pytest.mark.parametrize(("left_after", "waited"), [(1, 0.02), (999, 2.0)])
def test_a_listing_gives_way_to_other_calls_but_not_for_ever(left_after: int, waited: float) -> None:
    """A page of a listing waits while calls of other threads queue, and for two seconds at most."""
    watch = Stopwatch()
    limit = limiter(5, watch)
    limit.wait("a", "r", "Op")
    limit.record_answer()
    (gate,) = limit._gates.values()
    gate.enter(1)  # as another thread does that waits for its turn

    def sleep(seconds: float) -> None:
        watch.sleep(seconds)
        if len(watch.slept) == left_after:
            gate.enter(-1)

    limit._sleep = sleep
    with limit.yielding():
        limit.wait("a", "r", "Op")

    assert pytest.approx(waited, abs=0.03) == watch.time


def test_a_page_of_a_listing_that_has_its_turn_hands_it_to_a_call_that_comes_later() -> None:
    """Pages of many listings wait in one queue, and a call of an edit would come after all of them."""
    watch, has_turn = Stopwatch(), list[bool]()
    limit = limiter(1, watch)
    limit.wait("a", "r", "Op")
    limit.record_answer()
    (gate,) = limit._gates.values()

    def sleep(seconds: float) -> None:
        watch.sleep(seconds)
        has_turn.append(gate.queue.locked())
        if len(has_turn) in (2, 4):
            gate.enter(1 if len(has_turn) == 2 else -1)

    limit._sleep = sleep
    with limit.yielding():
        limit.wait("a", "r", "Op")

    assert [True, True, False, False, True] == has_turn[:5]
    assert all(has_turn[4:])
