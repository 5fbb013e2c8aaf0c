"""The record of the last known state of a dataset, as the state directory stores it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from reconciler.core.moments import moment
from reconciler.core.status.conditions import Condition, Kind, Reason, Truth
from reconciler.core.status.result import DatasetResult
from reconciler.reports.documents import error_doc
from reconciler.reports.status.json import conditions_of


def record(
    result: DatasetResult, at_seconds: float, revision: str | None, conditions: Iterable[Condition] = ()
) -> Mapping[str, object]:
    """
    Return the record of a result: numbers and reasons, never entries. What it lacks is not known.

    Args:
        at_seconds: When it was known, since the epoch.
        conditions: What follows from it.
    """
    return {
        "name": result.name,
        "arn": result.arn,
        "verdict": result.verdict,
        "at": moment(at_seconds),
        "revision": revision,
        "complete": result.complete,
        "counts": {
            "quarantined": len(result.quarantined),
            "dropped": len(result.dropped),
            "rejected": len(result.rejected),
            "withheld": result.number_withheld,
            "not_selected": result.number_not_selected,
        },
        "conditions": [condition.document() for condition in conditions],
        "errors": [error_doc(error) for error in result.errors],
    }


def conditions_in(kept: Mapping[str, object]) -> Iterator[Condition]:
    """Give the conditions of what `record` gave, as far as they can be understood."""
    for each in conditions_of(kept.get("conditions")):
        try:
            since = datetime.fromisoformat(each["lastTransitionTime"]).timestamp()
            kind, status, reason = Kind(each["type"]), Truth(each["status"]), Reason(each["reason"])
        except (ValueError, OverflowError):
            continue
        yield Condition(kind, status, reason, each["message"], since)
