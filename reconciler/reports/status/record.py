"""The record of the last known state of a dataset, as the state directory stores it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from reconciler.core.moments import moment
from reconciler.core.status.conditions import Condition, ConditionType, Reason, Truth
from reconciler.core.status.judgement import training_safe
from reconciler.core.status.result import DatasetResult
from reconciler.core.status.summary import aged
from reconciler.ports import Memory
from reconciler.reports.documents import error_doc
from reconciler.reports.status.json import Records, conditions_of, is_past


def record(
    result: DatasetResult,
    at_seconds: float,
    revision: str | None,
    conditions: Iterable[Condition] = (),
    partners: Iterable[str] = (),
) -> Mapping[str, object]:
    """
    Return the record of a result: numbers and reasons, never entries. What it lacks is not known.

    Args:
        at_seconds: When it was known, since the epoch.
        conditions: What follows from it.
        partners: Names of the other dataset of the project.
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
        "partners": list(partners),
        "errors": [error_doc(error) for error in result.errors],
    }


def conditions_in(kept: Mapping[str, object]) -> Iterator[Condition]:
    """Yield the conditions in a record that `record` made; those of another version are left out."""
    for each in conditions_of(kept.get("conditions")):
        try:
            since = datetime.fromisoformat(each["lastTransitionTime"]).timestamp()
            kind, status, reason = ConditionType(each["type"]), Truth(each["status"]), Reason(each["reason"])
        except (ValueError, OverflowError):
            continue
        yield Condition(kind, status, reason, each["message"], since)


def with_training_safe(
    records: Records, name: str, memory: Memory, share: Callable[[str, str], bool | None], now: float
) -> Mapping[str, object]:
    """
    Return a record with the condition `TrainingSafe` as it holds now: the other dataset may have a newer record.

    Args:
        share: Tells whether two datasets have images in common; None if that is not known.
        now: Seconds since the epoch.
    """
    kept = records.get(name, {})
    named = kept.get("partners")
    partners = [each for each in named if isinstance(each, str)] if isinstance(named, list) else []
    own, others = _aged(kept, now), {each: _aged(records.get(each, {}), now) for each in partners}
    if not own:
        return kept
    found = training_safe(own, others, shared=False)
    if any(memory.journal.unfinished(each) for each in (name, *partners)):
        found = replace(found, status=Truth.FALSE, reason=Reason.APPLYING, message="an update is in flight")
    elif found.status is Truth.TRUE:
        shared = [share(name, each) for each in partners]
        found = training_safe(own, others, None if None in shared else any(shared))
    everything = [*own, *(condition for each in others.values() for condition in each)]
    found = replace(found, since=max(condition.since for condition in everything))
    rest = [
        each for each in conditions_of(kept.get("conditions")) if each["type"] != ConditionType.TRAINING_SAFE
    ]
    return {**kept, "conditions": [*rest, found.document()]}


def _aged(kept: Mapping[str, object], now: float) -> tuple[Condition, ...]:
    until = kept.get("believed_until")
    over = isinstance(until, str) and is_past(until, now)
    return aged(conditions_in(kept), now if over else None, now)
