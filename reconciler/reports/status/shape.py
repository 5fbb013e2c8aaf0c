"""status/v1 as types; see `reports.shapes`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NotRequired

from typing_extensions import TypedDict

from reconciler.core.planning.quarantine import QuarantineReason
from reconciler.core.status.result import Verdict
from reconciler.reports.shapes import ErrorDoc


class ConditionDoc(TypedDict):
    """One condition, in the shape that Kubernetes uses."""

    type: str
    status: Literal["True", "False", "Unknown"]
    reason: str
    message: str
    lastTransitionTime: str


class LeftDoc(TypedDict):
    """Entries that are not in place, by what became of them."""

    quarantined: int
    dropped: int
    rejected: int
    withheld: int


class QuarantinedDoc(TypedDict):
    """An entry that is not sent for now: why, how often that has happened, until when."""

    source_ref: str
    kind: QuarantineReason
    reason: str
    rounds: int
    since: str
    until: str


class RevisionsDoc(TypedDict):
    """The commit that was last tried, brought about, and seen in place."""

    attempted: str | None
    applied: str | None
    verified: str | None


class VisitDoc(TypedDict):
    """One of the last visits of the controller; of what was found drifted, how many it set back."""

    at: str
    verdict: str
    observation: str | None
    revision: str | None
    updates: int
    found: int
    set_back: int


class DatasetStatusDoc(TypedDict):
    """
    The last known state of one dataset; null where nothing is known.

    ``at`` is when it was known (ISO 8601, UTC), ``revision`` the commit of the specs that were applied then,
    ``complete`` whether as many entries could be seen as AWS counts.
    The controller alone says more: how and when it last looked, when it last listed everything and until when
    that counts (after ``believed_until`` the verdict is unknown), and when it looks again.
    """

    name: str
    arn: str | None
    verdict: Verdict
    at: str | None
    revision: str | None
    counts: LeftDoc | None
    held: Sequence[QuarantinedDoc]
    errors: Sequence[ErrorDoc]
    conditions: Sequence[ConditionDoc]
    revisions: RevisionsDoc | None
    observation: Literal["full", "fingerprint"] | None
    observed_at: str | None
    scanned_at: str | None
    complete: NotRequired[bool | None]
    believed_until: str | None
    next_visit_at: str | None
    history: Sequence[VisitDoc]


class StatusDoc(TypedDict):
    """The last known state of every dataset."""

    format: Literal["status/v1"]
    datasets: Sequence[DatasetStatusDoc]
    errors: NotRequired[Sequence[ErrorDoc]]
