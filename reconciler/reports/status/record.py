"""
The last known state of each dataset: what is kept of it, and how it is shown.

What was kept may be of another version: what cannot be read is unknown, and unknown is never shown as green.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from reconciler.core.planning.quarantine import Quarantined
from reconciler.core.status.conditions import Condition, Kind, Reason, Truth
from reconciler.core.status.result import DatasetResult, Verdict
from reconciler.core.status.staleness import TOO_OLD, decays
from reconciler.reports.encoding import Rows, error_doc, quarantined_doc
from reconciler.reports.visible import moment

if TYPE_CHECKING:
    from reconciler.reports.shapes import ErrorDoc
    from reconciler.reports.status import shape

Records = Mapping[str, Mapping[str, object]]
"""By dataset, what `record` gave; empty where nothing was ever kept."""

QuarantinedDataset = Mapping[str, Sequence[Quarantined]]
"""By dataset, what went wrong with which line; not all of it keeps the line back, nor for ever."""


class Known(NamedTuple):
    """
    What is remembered of every dataset.

    Attributes:
        now: Seconds since the epoch: an observation that is too old by then counts as unknown.
    """

    records: Records
    quarantined: QuarantinedDataset
    now: float


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
        },
        "conditions": list(map(condition_doc, conditions)),
        "errors": [error_doc(error) for error in result.errors],
    }


def condition_doc(condition: Condition) -> shape.ConditionDoc:
    return {
        "type": condition.kind.value,
        "status": condition.status.value,
        "reason": condition.reason.value,
        "message": condition.message,
        "lastTransitionTime": moment(condition.since),
    }


def conditions_in(kept: Mapping[str, object]) -> Iterator[Condition]:
    """Give the conditions of what `record` gave, as far as they can be understood."""
    for each in _conditions(kept.get("conditions")):
        try:
            since = datetime.fromisoformat(each["lastTransitionTime"]).timestamp()
            kind, status, reason = Kind(each["type"]), Truth(each["status"]), Reason(each["reason"])
        except (ValueError, OverflowError):
            continue
        yield Condition(kind, status, reason, each["message"], since)


def datasets_doc(
    records: Records, quarantined: QuarantinedDataset, now: float
) -> Sequence[shape.DatasetStatusDoc]:
    return Rows(sorted(records), lambda name: _read(name, records[name], quarantined.get(name, ()), now))


def _read(
    name: str, kept: Mapping[str, Any], quarantined: Sequence[Quarantined], now: float
) -> shape.DatasetStatusDoc:
    """Return what can be understood of a record; without a time or numbers, nothing is known."""
    verdict, at, counts = _verdict(kept.get("verdict")), _text(kept.get("at")), _counts(kept.get("counts"))
    until = _text(kept.get("believed_until"))
    if not at or not counts or (verdict.decays and is_past(until, now)):
        verdict = Verdict.UNKNOWN
    return {
        "name": name,
        "arn": _text(kept.get("arn")),
        "verdict": verdict,
        "at": at,
        "revision": _text(kept.get("revision")),
        "counts": counts,
        "held": [_held(each) for each in quarantined if each.applies_to(each.digest, now)],
        "errors": list(_errors(kept.get("errors"))),
        "conditions": [_believed(each, until, now) for each in _conditions(kept.get("conditions"))],
        "revisions": _revisions(kept.get("revisions")),
        "observation": _observation(kept.get("observation")),
        "observed_at": _text(kept.get("observed_at")),
        "scanned_at": _text(kept.get("scanned_at")),
        "complete": complete if isinstance(complete := kept.get("complete"), bool) else None,
        "believed_until": until,
        "next_visit_at": _text(kept.get("next_visit_at")),
        "history": list(_visits(kept.get("history"))),
    }


def _held(quarantined: Quarantined) -> shape.QuarantinedDoc:
    return {"source_ref": quarantined.source_ref, **quarantined_doc(quarantined)}


def is_past(until: str | None, now: float) -> bool:
    """Return whether a moment has passed; text that is no moment counts as passed."""
    if until is None:
        return False
    try:
        return now >= datetime.fromisoformat(until).timestamp()
    except (ValueError, OverflowError):
        return True


def _believed(condition: shape.ConditionDoc, until: str | None, now: float) -> shape.ConditionDoc:
    """Return a condition as it holds now: Unknown once the observation behind it is too old."""
    kind = next((kind for kind in Kind if kind == condition["type"]), None)
    if until is None or kind is None or not is_past(until, now):
        return condition
    if not decays(kind, Truth(condition["status"])):
        return condition
    return {
        "type": condition["type"],
        "status": "Unknown",
        "reason": Reason.TOO_OLD.value,
        "message": TOO_OLD,
        "lastTransitionTime": until,
    }


def _revisions(kept: object) -> shape.RevisionsDoc | None:
    if not isinstance(kept, dict):
        return None
    return {
        "attempted": _text(kept.get("attempted")),
        "applied": _text(kept.get("applied")),
        "verified": _text(kept.get("verified")),
    }


def _observation(kept: object) -> Literal["full", "fingerprint"] | None:
    match kept:
        case "full" | "fingerprint":
            return kept
        case _:
            return None


def _visits(kept: object) -> Iterator[shape.VisitDoc]:
    for visit in kept if isinstance(kept, list) else ():
        match visit:
            case {"at": str(at), "verdict": str(verdict), "updates": int(updates)}:
                yield {
                    "at": at,
                    "verdict": verdict,
                    "observation": _text(visit.get("observation")),
                    "revision": _text(visit.get("revision")),
                    "updates": updates,
                    "found": _number(visit.get("found")),
                    "set_back": _number(visit.get("set_back")),
                }


def _conditions(kept: object) -> Iterator[shape.ConditionDoc]:
    for condition in kept if isinstance(kept, list) else ():
        match condition:
            case {
                "type": str(kind),
                "status": "True" | "False" | "Unknown" as status,
                "reason": str(reason),
                "message": str(message),
                "lastTransitionTime": str(since),
            }:
                yield {
                    "type": kind,
                    "status": status,
                    "reason": reason,
                    "message": message,
                    "lastTransitionTime": since,
                }


def _verdict(kept: object) -> Verdict:
    return next((verdict for verdict in Verdict if verdict == kept), Verdict.UNKNOWN)


def _counts(kept: object) -> shape.LeftDoc | None:
    match kept:
        case {"quarantined": int(quarantined), "dropped": int(dropped), "rejected": int(rejected)}:
            return {
                "quarantined": quarantined,
                "dropped": dropped,
                "rejected": rejected,
                "withheld": _number(kept.get("withheld")) if isinstance(kept, dict) else 0,
            }
        case _:
            return None


def _errors(kept: object) -> Iterator[ErrorDoc]:
    for error in kept if isinstance(kept, list) else ():
        match error:
            case {"code": str(code), "message": str(message), "origin": str(origin)}:
                yield {"code": code, "message": message, "origin": origin}
            case {"code": str(code), "message": str(message)}:
                yield {"code": code, "message": message}


def _number(kept: object) -> int:
    return kept if isinstance(kept, int) else 0


def _text(kept: object) -> str | None:
    return kept if isinstance(kept, str) else None
