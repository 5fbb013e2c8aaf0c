"""Conditions are True, False or Unknown, and Unknown never counts as good."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.status.conditions import (
    Condition,
    ConditionType,
    FailureReason,
    Health,
    Reason,
    Truth,
    advanced,
    health_of,
)
from reconciler.core.status.judgement import Facts, judge, training_safe
from reconciler.core.status.result import Verdict
from reconciler.core.status.summary import aged

failures = st.none() | st.builds(FailureReason, st.sampled_from(Reason), st.just("why"))
facts = st.builds(
    Facts,
    source_failure=st.none() | st.just(FailureReason(Reason.SOURCE_UNAVAILABLE, "away")),
    suspended=st.booleans(),
    suspension=st.none() | st.just("applying is suspended: why"),
    verdict=st.none() | st.sampled_from(Verdict),
    failure=failures,
    pending=st.booleans(),
    drifted=st.booleans(),
    unattributed=st.booleans(),
    left_out=st.booleans(),
    outdated=st.booleans(),
)


def statuses(conditions) -> dict[ConditionType, Truth]:
    return {condition.kind: condition.status for condition in conditions}


@given(facts)
def test_every_condition_is_always_given(known: Facts):
    """Every condition is always present, but for the one that needs another dataset."""
    assert [kind for kind in ConditionType if kind is not ConditionType.TRAINING_SAFE] == [
        condition.kind for condition in judge(known)
    ]


@given(facts)
def test_green_is_earned(known: Facts):
    """Ready and InSync need a successful observation, readable specs and no suspension."""
    status = statuses(judge(known))

    if Truth.TRUE in (status[ConditionType.READY], status[ConditionType.IN_SYNC]):
        assert known.verdict not in (None, Verdict.UNKNOWN)
        assert not known.suspended
    if status[ConditionType.READY] is Truth.TRUE:
        assert (None, None, False) == (known.source_failure, known.failure, known.left_out)
        assert known.verdict in (Verdict.CONVERGED, Verdict.WITHHELD, Verdict.OBSERVED)
    if status[ConditionType.IN_SYNC] is Truth.TRUE:
        assert (False, False) == (known.pending, known.left_out)


@given(facts)
def test_nothing_is_left_to_do_only_where_all_is_in_place(known: Facts):
    """What a guard blocks, the policy withholds or nobody may read is left to do, or may be."""
    found = {condition.kind: condition for condition in judge(known)}

    idle = found[ConditionType.RECONCILING].message == "nothing is left to do"

    assert not idle or found[ConditionType.IN_SYNC].status is Truth.TRUE
    assert not idle or found[ConditionType.STALLED].status is Truth.FALSE


@given(facts)
def test_age_makes_nothing_green(known: Facts):
    """With age a condition becomes Unknown or keeps its status; InSync becomes Unknown."""
    conditions, _ = advanced((), judge(known), 0.0)
    before, after = statuses(conditions), statuses(aged(conditions, 100.0, 100.0))

    assert {} == {k: v for k, v in after.items() if v is not before[k] and v is not Truth.UNKNOWN}
    assert after[ConditionType.IN_SYNC] is Truth.UNKNOWN
    assert after[ConditionType.READY] is not Truth.TRUE


def test_a_young_verdict_is_believed():
    """A verdict holds up to the very limit of its age."""
    conditions, _ = advanced((), judge(Facts(verdict=Verdict.CONVERGED)), 0.0)

    assert conditions == aged(conditions, 100.0, 99.9)


def test_why_it_cannot_be_observed_is_kept():
    """A verdict that expired because observations fail gives that failure as reason, not its age."""
    known = Facts(verdict=Verdict.UNKNOWN, failure=FailureReason(Reason.DENIED, "the token expired"))
    conditions, _ = advanced((), judge(known), 0.0)

    old = {condition.kind: condition for condition in aged(conditions, 100.0, 100.0)}

    assert (Truth.FALSE, Reason.DENIED) == (
        old[ConditionType.OBSERVED].status,
        old[ConditionType.OBSERVED].reason,
    )
    assert Reason.DENIED is old[ConditionType.READY].reason


def test_only_a_new_status_moves_the_time():
    """Another reason for the same status leaves the transition time as it is."""
    first, _ = advanced((), [Condition(ConditionType.READY, Truth.FALSE, Reason.BLOCKED, "a")], 1.0)

    second, changed = advanced(first, [Condition(ConditionType.READY, Truth.FALSE, Reason.DENIED, "b")], 2.0)
    third, turned = advanced(
        second, [Condition(ConditionType.READY, Truth.TRUE, Reason.AS_DESIRED, "c")], 3.0
    )

    assert ([1.0, 3.0], (), third) == ([second[0].since, third[0].since], changed, turned)
    assert Reason.DENIED is second[0].reason


@pytest.mark.parametrize(
    ("reason", "stalled", "reconciling"),
    [(Reason.DENIED, Truth.TRUE, Truth.FALSE), (Reason.THROTTLED, Truth.FALSE, Truth.TRUE)],
)
def test_who_has_to_act(reason: Reason, stalled: Truth, reconciling: Truth):
    """A failure needs a person (Stalled) or is retried (Reconciling): never both, never neither."""
    status = statuses(judge(Facts(verdict=Verdict.UNKNOWN, failure=FailureReason(reason, "why"))))

    assert (stalled, reconciling) == (status[ConditionType.STALLED], status[ConditionType.RECONCILING])


def test_lost_attribution_is_reported():
    """Without state Drifted is Unknown, not False, as nothing shows whether AWS changed."""
    known = Facts(verdict=Verdict.OBSERVED, pending=True, unattributed=True)

    assert Truth.UNKNOWN is statuses(judge(known))[ConditionType.DRIFTED]


def test_a_listing_that_is_not_whole_is_unknown() -> None:
    """With an incomplete listing InSync is not True: it may hide orphans."""
    status = statuses(judge(Facts(verdict=Verdict.CONVERGED, incomplete=True)))

    assert (Truth.UNKNOWN, Truth.UNKNOWN) == (status[ConditionType.OBSERVED], status[ConditionType.IN_SYNC])
    different = statuses(judge(Facts(verdict=Verdict.WITHHELD, incomplete=True, pending=True)))
    assert Truth.FALSE is different[ConditionType.IN_SYNC]


def settled(in_sync: Truth = Truth.TRUE, *, working: bool = False) -> list[Condition]:
    return [
        Condition(ConditionType.RECONCILING, Truth(str(working)), Reason.APPLYING, "at work"),
        Condition(ConditionType.IN_SYNC, in_sync, Reason.DIFFERENT, "compared"),
    ]


@pytest.mark.parametrize(
    ("own", "partners", "shared", "expected", "reason"),
    [
        (settled(), {"test": settled()}, False, Truth.TRUE, Reason.AS_DESIRED),
        (settled(), {"test": settled()}, True, Truth.FALSE, Reason.LEAKAGE),
        (settled(), {"test": settled()}, None, Truth.UNKNOWN, Reason.NOT_YET),
        (settled(), {}, False, Truth.UNKNOWN, Reason.NO_PARTNER),
        (settled(), {"test": []}, False, Truth.UNKNOWN, Reason.NOT_YET),
        (settled(Truth.FALSE), {"test": settled()}, False, Truth.FALSE, Reason.DIFFERENT),
        (settled(), {"test": settled(Truth.FALSE)}, False, Truth.FALSE, Reason.DIFFERENT),
        (settled(Truth.UNKNOWN), {"test": settled(Truth.FALSE)}, False, Truth.FALSE, Reason.DIFFERENT),
        (settled(), {"test": settled(Truth.UNKNOWN)}, False, Truth.UNKNOWN, Reason.DIFFERENT),
        (settled(working=True), {"test": settled()}, False, Truth.FALSE, Reason.APPLYING),
        (settled(), {"test": settled(working=True)}, False, Truth.FALSE, Reason.APPLYING),
    ],
)
def test_training_is_safe_only_if_everything_about_both_datasets_is_known_and_good(
    own, partners, shared, expected, reason
):
    found = training_safe(own, partners, shared)

    assert (ConditionType.TRAINING_SAFE, expected, reason) == (found.kind, found.status, found.reason)


def test_nothing_is_in_sync_without_a_ready_that_is_true():
    """The health follows from conditions; what is not known is never in sync."""
    conditions = advanced((), judge(Facts(verdict=Verdict.CONVERGED)), 0.0)[0]
    for truth in (Truth.FALSE, Truth.UNKNOWN):
        changed = [replace(c, status=truth) if c.kind is ConditionType.READY else c for c in conditions]
        assert health_of(changed) is not Health.IN_SYNC
    assert (Health.IN_SYNC, Health.UNKNOWN) == (health_of(conditions), health_of(()))
