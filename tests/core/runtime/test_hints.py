"""How often messages can make datasets due."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.runtime.hints import BURST, EACH_SECONDS, PER_SECOND, Hints


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
