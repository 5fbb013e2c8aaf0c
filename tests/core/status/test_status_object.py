"""What is reported of the status of a dataset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from reconciler.core.status.conditions import FailureReason, Reason
from reconciler.core.status.judgement import Facts, judge
from reconciler.core.status.result import Verdict
from reconciler.core.status.status_object import EventReason, StatusEvent, problems, status_events

FINE = Facts(verdict=Verdict.CONVERGED)


def blocked(reason: Reason) -> Facts:
    return Facts(verdict=Verdict.BLOCKED, failure=FailureReason(reason, "why"))


def status(facts: Facts, **counts: int) -> Mapping[str, Any]:
    return {"conditions": [condition.document() for condition in judge(facts)], "counts": counts}


def told(*statuses: Mapping[str, Any]) -> list[str]:
    """Return what is told of successive statuses."""
    found: list[StatusEvent] = []
    known: Mapping[EventReason, str] = {}
    for one in statuses:
        after = problems(one, known)
        found += status_events(known, after)
        known = after
    return [item.reason for item in found]


def test_each_change_is_told_once():
    """Drift, and that it is over; not that it lasts."""
    drifted = status(replace(FINE, pending=True, drifted=True))

    assert ["Drifted", "Recovered"] == told(status(FINE), drifted, drifted, status(FINE), status(FINE))


def test_what_is_not_known_changes_nothing():
    """Neither while an update is in progress nor while AWS does not answer."""
    drifted = status(replace(FINE, pending=True, drifted=True))
    unknown = status(Facts(verdict=Verdict.UNKNOWN, failure=FailureReason(Reason.UNAVAILABLE, "no answer")))

    assert ["Drifted", "Recovered"] == told(
        drifted, status(replace(FINE, applying=True)), drifted, unknown, status(FINE)
    )


def test_a_block_and_a_quarantine_are_warnings_of_their_own():
    left_out = replace(FINE, verdict=Verdict.PARTIAL, left_out=True)

    assert ["Blocked"] == told(status(FINE), status(blocked(Reason.BLOCKED)))
    assert ["Quarantined", "Recovered"] == told(status(left_out, quarantined=2), status(FINE, quarantined=0))


def test_only_a_recovery_is_no_warning():
    assert [False, True] == [StatusEvent(reason, "").is_warning for reason in ("Recovered", "Drifted")]
