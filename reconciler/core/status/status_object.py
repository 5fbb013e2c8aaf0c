"""The status of a dataset as a Kubernetes object, and the events that follow from its changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from reconciler.core.spec.choices import DriftClass
from reconciler.core.status.conditions import Condition, ConditionType, Reason, Truth
from reconciler.core.status.result import Verdict


class EventReason(StrEnum):
    """Problems that are reported when they appear. The values are reasons of Kubernetes Events."""

    DRIFTED = "Drifted"
    BLOCKED = "Blocked"
    QUARANTINED = "Quarantined"


RECOVERED = "Recovered"


@dataclass(frozen=True, slots=True)
class StatusEvent:
    """One event to post; every event but a recovery is a warning."""

    reason: str
    message: str

    @property
    def is_warning(self) -> bool:
        return self.reason != RECOVERED


def object_status(document: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return the status of the object from the dataset's part of a status/v1 document.

    It holds no times of observations, so that it changes only when the dataset does.
    """
    return {
        "conditions": document["conditions"],
        "verdict": document["verdict"],
        "revision": document["revision"],
        "arn": document["arn"],
        "drifted": sum(n for kind, n in document["drift"].items() if kind != DriftClass.UNMANAGED),
        "counts": document["counts"],
    }


def status_of_departed(at: float) -> dict[str, Any]:
    """Return the status of an object that the controller did not create, and whose dataset left the specs."""
    message = "the specs hold no dataset of this name any more"
    gone = Condition(ConditionType.READY, Truth.UNKNOWN, Reason.NOT_FOUND, message, at)
    return {"conditions": [gone.document()], "verdict": Verdict.UNKNOWN.value}


def problems(status: Mapping[str, Any], before: Mapping[EventReason, str]) -> dict[EventReason, str]:
    """Return the problems that a status shows, with their messages; an unknown status keeps those *before*."""
    conditions = {condition["type"]: condition for condition in status["conditions"]}
    ready, drifted = conditions[ConditionType.READY], conditions[ConditionType.DRIFTED]
    if ready["status"] == Truth.UNKNOWN:
        return dict(before)
    found = {}
    if drifted["status"] == Truth.TRUE:
        found[EventReason.DRIFTED] = drifted["message"]
    if ready["reason"] == Reason.BLOCKED:
        found[EventReason.BLOCKED] = ready["message"]
    if number := status["counts"].get("quarantined", 0):
        found[EventReason.QUARANTINED] = f"{number} entries make updates fail and are left out"
    return found


def status_events(
    before: Mapping[EventReason, str], after: Mapping[EventReason, str]
) -> tuple[StatusEvent, ...]:
    """Return the events to post: one for each new problem, or one when the last problem is gone."""
    if before and not after:
        return (StatusEvent(RECOVERED, "no problem is left"),)
    return tuple(
        StatusEvent(problem.value, after[problem]) for problem in sorted(after.keys() - before.keys())
    )
