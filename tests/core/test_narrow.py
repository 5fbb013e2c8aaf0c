"""Lines that fail only together are named, for the price of sending them again."""

import random
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.bisect import Isolation, Result
from reconciler.core.limits import MAX_UPDATE_BYTES
from reconciler.core.narrow import Narrowing
from tests.core.service import Service, lines


def narrow(service, count, **how):
    narrowing = Narrowing(lines(count), limit=10 * count, **how)
    service.carry_out(narrowing)
    return narrowing


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("count", range(3, 10))
def test_any_two_or_three_lines_that_fail_together_are_named(count, size):
    """Exactly those, wherever they stand."""
    for group in combinations(range(count), size):
        assert group == narrow(Service(groups=[group]), count, max_updates=100).group


@pytest.mark.parametrize("count", range(2, 10))
def test_after_an_isolation_every_pair_is_named(count):
    """The group that the isolation tells holds the pair, in whichever parts it was applied."""
    for pair in combinations(range(count), 2):
        service = Service(groups=[pair])
        isolation = Isolation(lines(count), limit=10 * count)
        service.carry_out(isolation)
        (group,) = isolation.together
        narrowing = Narrowing([(line, 9) for line in group], limit=10 * count)
        service.carry_out(narrowing)

        assert pair == narrowing.group


def test_a_pair_of_3400_lines_is_named_within_29_updates():
    """At most 2·log2(n) + 5."""
    rng = random.Random(1)
    for _ in range(40):
        pair = tuple(sorted(rng.sample(range(3_400), 2)))
        service = Service(groups=[pair])
        narrowing = Narrowing(lines(3_400), MAX_UPDATE_BYTES)
        service.carry_out(narrowing)

        assert pair == narrowing.group
        assert 29 >= service.updates


def test_what_follows_from_the_answers_is_not_sent():
    """Both fail, the first passes, the last passes: that is all there is to learn about two."""
    service = Service(groups=[(0, 1)])

    assert (0, 1) == narrow(service, 2).group
    assert 3 == service.updates


def test_a_group_that_does_not_fail_twice_is_not_searched():
    """What fails only sometimes has no members to be named."""
    service = Service()

    assert () == narrow(service, 9).group
    assert 1 == service.updates


def test_past_the_bound_the_smallest_group_seen_to_fail_is_named():
    """A coarse answer, never a wrong one."""
    assert (0, 1, 2, 3) == narrow(Service(groups=[(1, 3)]), 8, max_updates=2).group


@given(st.integers(1, 50), st.integers(0, 30), st.data())
def test_whatever_fails_the_named_group_was_seen_to_fail(count, bound, data):
    """Also where the answers contradict each other; and the bound is kept."""
    service = Service(whim=lambda _: data.draw(st.booleans()))
    narrowing = narrow(service, count, max_updates=bound)

    assert bool(service.failed) == bool(narrowing.group)
    assert not service.failed or min(map(len, service.failed)) == len(narrowing.group)
    assert not service.failed or frozenset(narrowing.group) in service.failed
    assert bound >= service.updates == narrowing.updates


def test_a_result_nobody_asked_for_is_refused():
    """A result counted twice would name the wrong lines."""
    narrowing = Narrowing(lines(4), limit=40)
    narrowing.next()
    narrowing.tell(Result.FAILED)
    with pytest.raises(RuntimeError, match="no update was asked for"):
        narrowing.tell(Result.FAILED)
