"""Rate limits, retries and the schedule of full scans."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.runtime.backoff import (
    BURST,
    EACH_SECONDS,
    PER_SECOND,
    POLL_FIRST_SECONDS,
    POLL_MOST_SECONDS,
    RETRY_LEAST_SECONDS,
    RETRY_MOST_SECONDS,
    UNANSWERED_SECONDS,
    WINDOW_SECONDS,
    Admission,
    CallWindow,
    Hints,
    NextListing,
    backoff,
    next_attempt,
    poll_delay,
    scan_is_due,
    seconds_ahead,
)


class TestPolling:
    def test_starts_quickly_slows_down_and_stays_bounded(self) -> None:
        delays = [poll_delay(polls) for polls in range(100)]

        assert [0.5, 0.75, 1.125] == delays[:3]
        assert (0.5, 5.0) == (POLL_FIRST_SECONDS, POLL_MOST_SECONDS) == (delays[0], delays[-1])
        assert sorted(delays) == delays

    def test_never_overflows(self) -> None:
        assert POLL_MOST_SECONDS == poll_delay(10**6)


class TestBackoff:
    @given(st.integers(1, 10**6), st.floats(0, 1))
    def test_is_at_least_half_and_at_most_the_whole_delay(self, failures: int, draw: float) -> None:
        whole = min(30.0, 0.5 * 2 ** min(failures - 1, 10))

        assert whole / 2 <= backoff(failures, draw) <= whole

    @pytest.mark.parametrize(("failures", "expected"), [(1, 0.5), (2, 1.0), (3, 2.0), (7, 30.0), (99, 30.0)])
    def test_doubles_to_its_most(self, failures: int, expected: float) -> None:
        assert expected == backoff(failures, 1.0)

    def test_takes_other_bounds(self) -> None:
        assert (1.0, 4.0) == (backoff(1, 0.0, first=2, most=4), backoff(9, 1.0, first=2, most=4))


CALLS = st.lists(st.tuples(st.floats(0, 0.3), st.floats(0, 1.4), st.floats(0, 1)), max_size=60)


class TestCallWindow:
    @given(CALLS, st.integers(1, 5))
    def test_no_second_sees_more_calls_arrive(
        self, calls: list[tuple[float, float, float]], most: int
    ) -> None:
        """No second has more calls than the limit, if calls arrive within half a second of being made."""
        window, now, arrivals = CallWindow(most), 0.0, []
        unanswered: list[tuple[float, Admission]] = []
        for gap, took, share in calls:
            now += gap
            while True:
                for end, admission in [item for item in unanswered if item[0] <= now]:
                    admission.record_answer(end)
                    unanswered.remove((end, admission))
                if (delay := window.wait(now)) == 0:
                    break
                now += min(delay, 0.05)
            unanswered.append((now + took, window.record_call(now)))
            arrivals.append(now + min(took * share, UNANSWERED_SECONDS - WINDOW_SECONDS))
        arrivals.sort()
        for first, after in zip(arrivals, arrivals[most:], strict=False):
            assert after - first >= 1.0

    def test_lets_a_burst_through_at_once_and_no_more(self) -> None:
        window = CallWindow(5)
        for _ in range(5):
            assert window.wait(100.0) == 0
            window.record_call(100.0).record_answer(100.0)

        assert pytest.approx(WINDOW_SECONDS) == window.wait(100.0)

    def test_does_not_save_up_what_was_not_used(self) -> None:
        window = CallWindow(1)
        window.record_call(0.0).record_answer(0.0)

        assert window.wait(100.0) == 0
        window.record_call(100.0)
        assert window.wait(100.0) > 1.0

    def test_counts_a_call_from_its_answer(self) -> None:
        """A call counts from its answer, as it may have arrived as late as that."""
        window = CallWindow(1)
        window.record_call(0.0).record_answer(0.4)

        assert pytest.approx(0.4 + WINDOW_SECONDS) == window.wait(0.0)

    def test_reaches_the_rate_of_a_service_that_answers_at_once(self) -> None:
        """At least 95 % of five calls a second are reached if answers come at once."""
        assert 1.0 < WINDOW_SECONDS < 5 / 4.75

    def test_admits_at_least_one(self) -> None:
        with pytest.raises(ValueError, match="at least one"):
            CallWindow(0)


@given(st.integers(1, 10_000), st.floats(0, 1), st.floats(0.1, 86_400))
def test_a_retry_never_waits_longer_than_two_intervals(failures: int, draw: float, interval: float):
    """A retry is never immediate and waits at most two intervals, or the retry maximum if longer."""
    wait = next_attempt(failures, draw, interval)

    assert RETRY_LEAST_SECONDS <= wait <= max(RETRY_MOST_SECONDS, 2 * interval)


@given(st.floats(0, 86_400), st.floats(60, 86_400), st.floats(1, 3_600), st.floats(0.2, 1_000))
def test_a_scan_never_waits_for_a_visit_that_comes_too_late(
    age: float, most: float, interval: float, listing: float
):
    """A scan that is not due at this visit, and begins at the next, ends in time wherever that can be kept."""
    if interval + listing < most and not scan_is_due(age, most, interval, listing):
        assert age + interval + listing <= most


def test_a_scan_ends_in_time_even_if_it_takes_twice_as_long():
    """A full dataset of 500 s, observed every five minutes: it is begun at the latest 1,000 s before its end."""
    begun = next(age for age in range(0, 21_600, 1) if scan_is_due(age, 21_600.0, 330.0, 500.0))

    assert 21_600 == begun + 330 + 2 * 500


def test_a_scan_waits_for_half_of_its_time():
    """A short age is no reason to list in each visit."""
    assert not scan_is_due(289.0, 600.0, 60.0, 250.0)
    assert not scan_is_due(300.0, 600.0, 60.0, 0.2)
    assert scan_is_due(300.0, 600.0, 700.0, 0.2)


def test_a_scan_that_others_follow_begins_earlier_but_not_before_half_of_its_time():
    """Alone it would begin at an age of 18,670 s, which is 1,000 s before its end if it takes twice as long."""
    begun = [
        next(age for age in range(21_600) if scan_is_due(age, 21_600.0, 1_930.0, 500.0, ahead))
        for ahead in (0.0, 2_500.0, 1e6)
    ]

    assert [18_670, 16_170, 5_400] == begun


def test_listings_that_must_end_together_begin_one_after_the_other():
    """Six of 500 s, of which each by itself would begin 1,000 s before its end: the six take 3,000 s together."""
    assert [2_500, 2_000, 1_500, 1_000, 500, 0] == seconds_ahead([NextListing(9_000.0, 500.0, 21_600.0)] * 6)


def test_listings_far_apart_begin_as_each_would_by_itself():
    """In whatever order they are given; a short one that ends within a long one's time goes before it."""
    far = [NextListing(until, 500.0, 21_600.0) for until in (9_000.0, 1_000.0, 5_000.0)]
    near = [NextListing(1_000.0, 100.0, 21_600.0), NextListing(880.0, 20.0, 21_600.0)]

    assert [0.0, 0.0, 0.0] == seconds_ahead(far)
    assert [0.0, 60.0] == seconds_ahead(near)
    assert [] == seconds_ahead([])


def test_a_listing_that_is_made_less_often_makes_room_for_others():
    """A quarter of the calls is taken by one that is made every 400 s, which itself begins as if it were alone."""
    often, seldom = NextListing(1_000.0, 100.0, 400.0), NextListing(1_010.0, 300.0, 21_600.0)

    assert [0.0, 200.0] == seconds_ahead([often, seldom])
    always = NextListing(1_000.0, 400.0, 400.0)
    assert [0.0, 18 * 300.0] == seconds_ahead([always, seldom])


@given(
    st.lists(st.builds(NextListing, st.floats(0, 1e4), st.floats(0.2, 500), st.just(21_600.0)), max_size=20)
)
def test_whichever_listings_are_begun_when_they_are_due_all_end_in_time(listings: list[NextListing]):
    """One at a time, whether or not the calls of a second were free in between."""
    ahead = seconds_ahead(listings)
    begin = [each.until - 2 * each.seconds - earlier for each, earlier in zip(listings, ahead, strict=True)]
    now = float("-inf")

    for due, each in sorted(zip(begin, listings, strict=True)):
        now = max(now, due) + each.seconds
        assert now <= each.until + 1e-6
    assert min(ahead, default=0.0) >= -1e-6


def test_a_scan_from_the_future_is_due():
    """A scan dated in the future is due, as after a clock that was set back."""
    assert scan_is_due(-1.0, 3_600.0, 60.0, 0.2)


def test_the_first_hint_is_due_at_once():
    """A change is observed within seconds."""
    assert 5.0 == Hints().due("a", 5.0)


def test_a_dataset_is_due_again_after_a_while_and_no_hint_is_dropped():
    """The second hint waits, and the third is covered by it."""
    hints = Hints()

    assert [5.0, 5.0 + EACH_SECONDS, 5.0 + EACH_SECONDS] == [hints.due("a", 5.0 + n / 10) for n in range(3)]


def test_a_burst_is_observed_at_once_and_the_rest_one_a_second():
    """A script that changes two hundred datasets does not use up the calls of everything else."""
    hints = Hints()

    found = [hints.due(f"d{number}", 0.0) for number in range(BURST + 3)]

    assert [0.0] * BURST + [1.0, 2.0, 3.0] == found


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 2)), max_size=200))
def test_however_many_hints_come_observations_stay_few(steps):
    """Of one dataset and of all together, however many messages arrive; and no hint waits for ever."""
    hints, now, dues = Hints(each=10.0, per_second=1.0, burst=2), 0.0, set()
    for name, passed in steps:
        now += passed
        due = hints.due(name, now)
        assert now <= due <= now + 10.0 + len("abc") * PER_SECOND
        dues.add((name, due))

    for name in "abc":
        times = sorted(due for one, due in dues if one == name)
        assert all(later - earlier >= 10.0 - 1e-6 for earlier, later in pairwise(times))
    assert len(dues) <= 2 + now + 10.0 + 3


def test_datasets_that_left_the_specs_are_forgotten():
    """A long-running controller keeps no names of years ago."""
    hints = Hints()
    hints.due("a", 0.0)

    hints.keep(frozenset())

    assert 1.0 == hints.due("a", 1.0)
