"""A failed update names no line: bisection isolates the culprits and applies all other lines."""

import random
from itertools import combinations
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.planning.bisect import Isolation
from reconciler.core.planning.calls import pack
from reconciler.core.runtime.quotas import MAX_UPDATE_BYTES
from tests.core.service import Service, lines

ENDLESS = 1_000_000


def isolate(service, count, *, batches=1, **how):
    """Run the isolation of that many equal lines in that many batches."""
    isolation = Isolation(lines(count), limit=10 * -(-count // batches), **how)
    service.carry_out(isolation)
    return isolation


def sets(lines):
    return [set(group) for group in lines]


def once(groups):
    """Tell whether no line is in two of the groups."""
    return sum(map(len, groups)) == len(frozenset().union(*groups))


def test_what_passes_is_sent_once_in_order_and_full():
    """Without failures each line is sent once, in order, in full batches."""
    service = Service()
    isolation = isolate(service, 7, batches=3)

    assert [{0, 1, 2}, {3, 4, 5}, {6}] == sets(service.passed)
    assert ((), ()) == (isolation.isolated, isolation.unresolved_groups)


def test_nothing_to_send_asks_for_no_update():
    """An empty plan makes no call."""
    assert Isolation([], limit=100).next() is None


@pytest.mark.parametrize("count", range(1, 10))
@pytest.mark.parametrize("batches", [1, 2, 3])
def test_any_one_or_two_bad_lines_are_isolated_and_all_others_applied(count, batches):
    """One or two culprits at any places are convicted, and all other lines applied."""
    places = [(place,) for place in range(count)] + list(combinations(range(count), 2))
    for bad in places:
        service = Service(poison=bad)
        isolation = isolate(service, count, batches=batches)

        assert bad == tuple(sorted(isolation.isolated))
        assert set(range(count)) - set(bad) == service.in_place
        assert () == isolation.unresolved_groups
        assert once(service.passed)


@pytest.mark.parametrize("count", range(2, 10))
@pytest.mark.parametrize("batches", [1, 2])
def test_any_two_lines_that_fail_together_are_applied_apart(count, batches):
    """Two lines that fail only together are both applied."""
    for pair in combinations(range(count), 2):
        service = Service(groups=[pair])
        isolation = isolate(service, count, batches=batches)

        assert set(range(count)) == service.in_place
        assert ((), ()) == (isolation.isolated, isolation.unresolved_groups)
        assert once(service.passed)


@pytest.mark.parametrize("count", range(3, 10))
def test_a_culprit_does_not_hide_behind_a_pair(count):
    """Every culprit is found beside every pair of other lines that fail together."""
    for bad in range(count):
        for pair in combinations(set(range(count)) - {bad}, 2):
            service = Service(poison=[bad], groups=[pair])
            isolation = isolate(service, count)

            assert (bad,) == isolation.isolated
            assert set(range(count)) - {bad} == service.in_place


@st.composite
def worlds(draw):
    """Draw lines of any size, a limit that they fit, and a service that refuses some of them."""
    sizes = draw(st.lists(st.integers(1, 60), min_size=1, max_size=70))
    limit = draw(st.integers(max(sizes) + 1, sum(sizes) + len(sizes) + 1))
    line = st.integers(0, len(sizes) - 1)
    poison = draw(st.sets(line, max_size=8))
    groups = [group for group in draw(st.lists(st.sets(line, max_size=3), max_size=3)) if len(group) > 1]
    moody = draw(st.sets(line, max_size=4))
    chance = draw(st.randoms(use_true_random=False))
    service = Service(poison, groups, whim=lambda sent: bool(sent & moody) and chance.random() < 0.5)
    return list(enumerate(sizes)), limit, service, moody, chance


@given(worlds(), st.none() | st.integers(0, 60), st.booleans())
def test_the_laws_hold_whatever_fails(context, allowance, partial):
    """
    Whatever fails, or fails in part, each line is in place or named in the end.

    No line is sent again that is in place or convicted, no batch is empty or over the limit, and the bound
    on updates is kept.
    """
    items, limit, service, moody, chance = context
    isolation = Isolation(items, limit, allowance=allowance)
    stored, sizes = set(), dict(items)
    while (batch := isolation.next()) is not None:
        assert batch.items == isolation.next().items
        assert sum(sizes[line] + 1 for line in batch.items) == batch.size <= limit
        assert not stored & set(batch.items)
        assert not set(isolation.isolated) & set(batch.items)
        passed = service.update(batch.items)
        isolation.record(passed=passed)
        if passed:
            stored |= set(batch.items)
        elif partial:
            seen = {line for line in batch.items if line not in service.poison and chance.random() < 0.3}
            isolation.record_in_place(seen)
            stored |= seen

    named = {*isolation.isolated}.union(*isolation.unresolved_groups)
    assert set(sizes) == stored | named
    assert not stored & named
    assert once([isolation.isolated, *isolation.unresolved_groups])
    assert set(isolation.isolated) <= {*service.poison, *moody}
    assert all({line} in sets(service.failed) for line in isolation.isolated)
    assert allowance is None or service.updates <= len(pack(items, limit)) + allowance
    assert (service.updates, len(service.passed)) == (isolation.updates, isolation.passes)


@given(worlds())
def test_with_time_enough_the_good_are_all_in_place_and_the_bad_all_isolated(context):
    """Once updates pass, every good line is in place and every bad one convicted."""
    items, limit, service, *_ = context
    service.whim = lambda _: False
    isolation = Isolation(items, limit, allowance=ENDLESS)
    service.carry_out(isolation)

    if service.passed:
        assert set(service.poison) == set(isolation.isolated)
        assert () == isolation.unresolved_groups


@given(worlds())
def test_the_same_answers_lead_to_the_same_updates(context):
    """The sequence of updates depends on the answers alone."""
    items, limit, service, *_ = context
    service.whim = lambda _: False
    again = Service(service.poison, service.groups)
    for each in (service, again):
        each.carry_out(Isolation(items, limit))

    assert (service.passed, service.failed) == (again.passed, again.failed)


@pytest.mark.parametrize(("culprits", "budget"), [(1, 15), (2, 28), (5, 65)])
def test_isolation_keeps_its_budget(culprits, budget):
    """The mean number of updates for one culprit in 3,400 lines, over all its places, stays in budget."""
    rng = random.Random(culprits)
    updates = []
    for _ in range(60):
        service = Service(poison=rng.sample(range(3_400), culprits))
        isolation = Isolation(lines(3_400, size=700), MAX_UPDATE_BYTES)
        service.carry_out(isolation)
        assert set(service.poison) == set(isolation.isolated)
        updates.append(service.updates)

    assert budget >= mean(updates)


def test_every_batch_is_tried_before_any_is_searched():
    """Every batch is sent once before any is bisected, so that good batches do not wait."""
    service = Service(poison=[0])
    isolation = Isolation(lines(6), limit=20)

    asked = []
    for _ in range(3):
        asked.append(isolation.next().items)
        isolation.record(passed=service.update(asked[-1]))
    assert [(0, 1), (2, 3), (4, 5)] == asked


def test_a_line_that_fails_alone_only_sometimes_is_not_isolated_once_it_passed():
    """A line that failed with others and then passed alone is in place and not convicted."""
    moods = iter([True])
    service = Service(whim=lambda sent: 2 in sent and next(moods, False))
    isolation = isolate(service, 4)

    assert set(range(4)) == service.in_place
    assert ((), ()) == (isolation.isolated, isolation.unresolved_groups)


def test_where_nothing_ever_passes_the_search_gives_up_early():
    """Bisection gives up early where even small parts fail, as the fault is not in the lines."""
    service = Service(poison=range(3_400))
    isolation = Isolation(lines(3_400), MAX_UPDATE_BYTES)
    service.carry_out(isolation)

    assert service.updates <= 40
    assert (0, 2) == (isolation.passes, len(isolation.isolated))
    assert 3_398 == sum(map(len, isolation.unresolved_groups))


def test_many_bad_lines_at_the_start_are_not_taken_for_an_outage():
    """After two fruitless bisections another part is tried; if it passes, the search goes on."""
    service = Service(poison=range(6))
    isolation = Isolation(lines(3_400), MAX_UPDATE_BYTES)
    service.carry_out(isolation)

    assert set(range(6)) == set(isolation.isolated)
    assert set(range(6, 3_400)) == service.in_place


def test_past_the_bound_what_failed_is_an_unresolved_group_and_the_rest_still_sent():
    """Past the bound the failed parts are parked, and the rest is still sent."""
    service = Service(poison=[1])
    isolation = isolate(service, 8, allowance=2)

    assert ((), ((0, 1, 2, 3),)) == (isolation.isolated, isolation.unresolved_groups)
    assert {4, 5, 6, 7} == service.in_place
    assert 3 == service.updates


def test_no_allowance_means_no_search():
    """Without an allowance only the first pass is made."""
    service = Service(poison=[1])
    isolation = isolate(service, 8, batches=2, allowance=0)

    assert ((0, 1, 2, 3),) == isolation.unresolved_groups
    assert 2 == service.updates


def test_a_line_that_failed_alone_is_isolated_without_a_search():
    """A batch of one line that fails is convicted without a search."""
    service = Service(poison=[0, 1])
    isolation = isolate(service, 2, batches=2, allowance=0)

    assert ((0, 1), ()) == (isolation.isolated, isolation.unresolved_groups)


def test_the_last_line_of_a_failed_group_is_not_isolated_unsent():
    """The last line left of a failed group is not convicted unless it was sent alone."""
    isolation = Isolation(lines(2), limit=20, allowance=0)
    isolation.next()
    isolation.record(passed=False)
    isolation.record_in_place([0])

    assert isolation.next() is None
    assert ((), ((1,),)) == (isolation.isolated, isolation.unresolved_groups)


def test_a_line_that_is_alone_because_the_others_are_in_place_is_isolated_when_it_fails():
    """A line left alone in its update is convicted when it fails again."""
    isolation = Isolation(lines(4), limit=40)
    isolation.next()
    isolation.record(passed=False)
    assert (0, 1) == isolation.next().items
    isolation.record_in_place([0])
    assert (1,) == isolation.next().items
    isolation.record(passed=False)

    assert (2, 3) == isolation.next().items
    assert (1,) == isolation.isolated


@pytest.mark.parametrize(
    ("in_place", "merged"), [((), [{1, 2, 3, 5}, {6, 7}]), ((2, 3, 5), [{1, 6, 7}])], ids=["all", "few"]
)
def test_the_deferred_parts_of_all_searches_go_together(in_place, merged):
    """The deferred parts of all searches are packed together in order, without lines already in place."""
    service = Service(poison=[0, 4])
    isolation = Isolation(lines(8), limit=40)
    while not service.passed and (batch := isolation.next()):
        isolation.record(passed=service.update(batch.items))
        if len(service.failed) == 6:
            isolation.record_in_place(in_place)
    service.carry_out(isolation)

    assert merged == sets(service.passed)


def test_what_an_observation_found_in_place_is_not_sent():
    """A line that an observation finds in place is not sent again, even if a retry is due."""
    isolation = Isolation(lines(8), limit=80)
    isolation.record_in_place([0, 99])
    assert tuple(range(1, 8)) == isolation.next().items
    isolation.record(passed=False)
    isolation.record_in_place([1, 2, 3])

    assert (4, 5) == isolation.next().items
    isolation.record_in_place([4])
    assert (5,) == isolation.next().items
    isolation.record_in_place([5, 6, 7])
    assert isolation.next() is None
    assert ((), ()) == (isolation.isolated, isolation.unresolved_groups)


def test_an_unrequested_result_is_refused():
    """A result that was not asked for is refused, as counting it twice would convict the wrong half."""
    isolation = Isolation(lines(4), limit=40)
    with pytest.raises(RuntimeError, match="no update was asked for"):
        isolation.record(passed=True)
    isolation.next()
    isolation.record(passed=False)
    with pytest.raises(RuntimeError, match="no update was asked for"):
        isolation.record(passed=False)


def test_a_line_given_twice_is_refused():
    """A line given twice is refused: the service does not say which of two lines for an image it keeps."""
    with pytest.raises(ValueError, match="sent twice"):
        Isolation([("a", 3), ("a", 3)], limit=40)
