"""
The last known state of each dataset as JSON: status/v1.

What was stored may be of another version: what cannot be read is unknown, and unknown is never shown as green.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple, NotRequired, cast

from typing_extensions import TypedDict

from reconciler.core.drift.foreign_calls import ForeignCallDocument
from reconciler.core.planning.quarantine import Quarantined
from reconciler.core.status.conditions import ConditionDocument, ConditionType, Reason, Truth
from reconciler.core.status.result import Verdict
from reconciler.core.status.summary import TOO_OLD, decays
from reconciler.reports.documents import (
    CallsDoc,
    ErrorDoc,
    EventsDoc,
    QuarantinedDoc,
    Rows,
    encode,
    quarantined_doc,
)
from reconciler.reports.registry import RenderOptions


class LeftDoc(TypedDict):
    """Entries that are not in place, by reason. Not selected: the last apply was limited to other entries."""

    quarantined: int
    dropped: int
    rejected: int
    withheld: int
    not_selected: NotRequired[int]


class RevisionsDoc(TypedDict):
    """The commit that was last tried, brought about, and seen in place."""

    attempted: str | None
    applied: str | None
    verified: str | None


class VisitDoc(TypedDict):
    """One of the last cycles; of the entries found drifted, how many it set back."""

    at: str
    verdict: str
    observation: str | None
    revision: str | None
    updates: int
    found: int
    set_back: int


class SuspensionDoc(TypedDict):
    """A suspension that a person has requested; without ``until``, only ``resume`` ends it."""

    reason: str
    since: str
    until: str | None


class DatasetStatusDoc(TypedDict):
    """
    The last known state of one dataset; null where nothing is known.

    ``at`` is when it was known (ISO 8601, UTC), ``revision`` the commit of the specs that were applied then,
    ``complete`` whether as many entries could be seen as AWS counts.
    The controller adds how and when it last observed the dataset, when it last listed everything and until when
    that counts (after ``believed_until`` the verdict is unknown), when the next cycle is due, which suspension
    holds, and which calls of other principals it knows of.
    """

    name: str
    arn: str | None
    verdict: Verdict
    at: str | None
    revision: str | None
    counts: LeftDoc | None
    held: Sequence[QuarantinedDoc]
    errors: Sequence[ErrorDoc]
    conditions: Sequence[ConditionDocument]
    revisions: RevisionsDoc | None
    observation: Literal["full", "incremental", "fingerprint"] | None
    observed_at: str | None
    scanned_at: str | None
    complete: NotRequired[bool | None]
    believed_until: str | None
    calls: NotRequired[CallsDoc]
    next_visit_at: str | None
    suspension: NotRequired[SuspensionDoc | None]
    foreign_calls: NotRequired[Sequence[ForeignCallDocument]]
    history: Sequence[VisitDoc]


class StatusDoc(TypedDict):
    """
    The last known state of every dataset.

    The controller adds ``schedules``, those that it cannot keep, and with ``--events`` the state of the queue.
    """

    format: Literal["status/v1"]
    datasets: Sequence[DatasetStatusDoc]
    schedules: NotRequired[Sequence[str]]
    events: NotRequired[EventsDoc]
    errors: NotRequired[Sequence[ErrorDoc]]


DOCUMENT: Final = StatusDoc


Records = Mapping[str, Mapping[str, object]]
"""By dataset, what `record` gave; empty where nothing was ever kept."""
QuarantinedDataset = Mapping[str, Sequence[Quarantined]]
"""By dataset, what went wrong with which line; not all of them are withheld, nor forever."""


class KnownStatuses(NamedTuple):
    """
    What is remembered of every dataset.

    Attributes:
        now: Seconds since the epoch: an observation that is too old by then counts as unknown.
    """

    records: Records
    quarantined: QuarantinedDataset
    now: float


def render(known: KnownStatuses, _options: RenderOptions) -> Iterator[bytes]:
    """Yield status/v1, ordered by name."""
    document: StatusDoc = {"format": "status/v1", "datasets": datasets_doc(*known)}
    return encode(document)


def datasets_doc(records: Records, quarantined: QuarantinedDataset, now: float) -> Sequence[DatasetStatusDoc]:
    return Rows(sorted(records), lambda name: _read(name, records[name], quarantined.get(name, ()), now))


def _read(
    name: str, kept: Mapping[str, Any], quarantined: Sequence[Quarantined], now: float
) -> DatasetStatusDoc:
    """Return the status in a record; unknown if the record has no readable time or numbers."""
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
        "held": [quarantined_doc(each) for each in quarantined if each.applies_to(each.digest, now)],
        "errors": list(_errors(kept.get("errors"))),
        "conditions": [_believed(each, until, now) for each in conditions_of(kept.get("conditions"))],
        "revisions": _revisions(kept.get("revisions")),
        "observation": _observation(kept.get("observation")),
        "observed_at": _text(kept.get("observed_at")),
        "scanned_at": _text(kept.get("scanned_at")),
        "complete": complete if isinstance(complete := kept.get("complete"), bool) else None,
        "believed_until": until,
        "next_visit_at": _text(kept.get("next_visit_at")),
        "suspension": _suspension(kept.get("suspension"), now),
        "history": list(_visits(kept.get("history"))),
    }


def is_past(until: str | None, now: float) -> bool:
    """Return whether a moment has passed; text that is not a moment counts as passed."""
    if until is None:
        return False
    try:
        return now >= datetime.fromisoformat(until).timestamp()
    except (ValueError, OverflowError):
        return True


def _believed(condition: ConditionDocument, until: str | None, now: float) -> ConditionDocument:
    """Return a condition as it holds now: Unknown once the observation behind it is too old."""
    kind = next((kind for kind in ConditionType if kind == condition["type"]), None)
    if until is None or kind is None or not is_past(until, now):
        return condition
    if not decays(kind, Truth(condition["status"])):
        return condition
    reason = Reason.TOO_OLD.value
    return {
        **condition,
        "status": "Unknown",
        "reason": reason,
        "message": TOO_OLD,
        "lastTransitionTime": until,
    }


def _revisions(kept: object) -> RevisionsDoc | None:
    if not isinstance(kept, dict):
        return None
    return cast("RevisionsDoc", {name: _text(kept.get(name)) for name in RevisionsDoc.__annotations__})


def _suspension(kept: object, now: float) -> SuspensionDoc | None:
    """Return a suspension that is not over."""
    match kept:
        case {"reason": str(reason), "since": str(since), "until": str() | None as until}:
            return None if is_past(until, now) else {"reason": reason, "since": since, "until": until}
    return None


def _observation(kept: object) -> Literal["full", "incremental", "fingerprint"] | None:
    match kept:
        case "full" | "incremental" | "fingerprint":
            return kept
    return None


def _visits(kept: object) -> Iterator[VisitDoc]:
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


def conditions_of(kept: object) -> Iterator[ConditionDocument]:
    for condition in kept if isinstance(kept, list) else ():
        match condition:
            case {
                "type": str(),
                "status": "True" | "False" | "Unknown",
                "reason": str(),
                "message": str(),
                "lastTransitionTime": str(),
            }:
                names = ConditionDocument.__annotations__
                yield cast("ConditionDocument", {name: condition[name] for name in names})


def _verdict(kept: object) -> Verdict:
    return next((verdict for verdict in Verdict if verdict == kept), Verdict.UNKNOWN)


def _counts(kept: object) -> LeftDoc | None:
    match kept:
        case {"quarantined": int(quarantined), "dropped": int(dropped), "rejected": int(rejected), **more}:
            counts: LeftDoc = {
                "quarantined": quarantined,
                "dropped": dropped,
                "rejected": rejected,
                "withheld": _number(more.get("withheld")),
            }
            if number := _number(more.get("not_selected")):
                counts["not_selected"] = number
            return counts
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
