"""The results of an apply as JSON: apply/v1."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final, Literal, NotRequired

from typing_extensions import TypedDict

from reconciler.core.planning.calls import ObservationKind
from reconciler.core.planning.cause import Cause
from reconciler.core.status.result import DatasetResult, Verdict
from reconciler.reports.documents import (
    CallsDoc,
    ErrorDoc,
    Rows,
    calls_doc,
    doc_of,
    encode,
    error_doc,
    listed_at,
)
from reconciler.reports.registry import RenderOptions


class EntryProblemDoc(TypedDict):
    """One entry that is not in place, and why."""

    source_ref: str
    origin: str | None
    reason: str
    codes: Sequence[str]


class WithheldDoc(TypedDict):
    """One desired entry that the policy leaves as AWS has it, and why."""

    source_ref: str
    origin: str | None
    cause: Cause
    reason: str


class AppliedDoc(TypedDict):
    """
    Added and updated: sent, and then seen in place; an orphan that was blanked is updated.

    Not selected: desired, and left as it is because --source-ref, --class or --label leaves it out; absent where
    nothing is.
    """

    added: int
    updated: int
    withheld: int
    not_selected: NotRequired[int]


class EntriesDoc(TypedDict):
    """
    Every desired entry, once: in_place, withheld, not_selected, blocked by a guard, or quarantined or dropped.

    The lists of the last two also name orphans, which have no origin.
    """

    desired: int
    in_place: int
    blocked: int


class DatasetResultDoc(TypedDict):
    """
    What an apply did to one dataset, and what is left.

    Quarantined: an update failed because of it. Dropped: accepted, and then absent. Rejected: stored, with
    an error list of AWS. Withheld: left as it is by the policy; at most 1,000 are named, the count is whole.
    ``complete`` is false where AWS counts other entries than could be seen; ``entries`` is null where the end
    was not seen. ``observation`` is how the dataset was observed before the first update, and ``listed_at`` when
    the listing was made that an incremental one relies on.
    """

    name: str
    arn: str | None
    verdict: Verdict
    counts: AppliedDoc
    entries: EntriesDoc | None
    updates: int
    verified: bool
    complete: NotRequired[bool]
    quarantined: Sequence[EntryProblemDoc]
    dropped: Sequence[EntryProblemDoc]
    rejected: Sequence[EntryProblemDoc]
    withheld: Sequence[WithheldDoc]
    errors: Sequence[ErrorDoc]
    observation: NotRequired[ObservationKind | None]
    listed_at: NotRequired[str | None]
    calls: NotRequired[CallsDoc]


class ApplyDoc(TypedDict):
    """What came of an apply."""

    format: Literal["apply/v1"]
    datasets: Sequence[DatasetResultDoc]
    errors: NotRequired[Sequence[ErrorDoc]]


DOCUMENT: Final = ApplyDoc


def render(results: Sequence[DatasetResult], options: RenderOptions) -> Iterator[bytes]:
    """Yield apply/v1."""
    document: ApplyDoc = {"format": "apply/v1", "datasets": Rows(results, _result)}
    if options.failure:
        document["errors"] = [error_doc(options.failure)]
    return encode(document)


def _result(result: DatasetResult) -> DatasetResultDoc:
    problem = partial(doc_of, EntryProblemDoc)
    return {
        "name": result.name,
        "arn": result.arn,
        "verdict": result.verdict,
        "counts": _counts(result),
        "entries": _entries(result),
        "updates": result.updates,
        "verified": result.verified,
        "complete": result.complete,
        "quarantined": Rows(result.quarantined, problem),
        "dropped": Rows(result.dropped, problem),
        "rejected": Rows(result.rejected, problem),
        "withheld": Rows(result.withheld, partial(doc_of, WithheldDoc)),
        "errors": [error_doc(error) for error in result.errors],
        "observation": result.observed.kind if result.observed else None,
        "listed_at": listed_at(result.observed),
        "calls": calls_doc(result.calls),
    }


def _counts(result: DatasetResult) -> AppliedDoc:
    counts: AppliedDoc = {
        "added": result.added,
        "updated": result.updated,
        "withheld": result.number_withheld,
    }
    if result.number_not_selected:
        counts["not_selected"] = result.number_not_selected
    return counts


def _entries(result: DatasetResult) -> EntriesDoc | None:
    if (seen := result.counts) is None:
        return None
    return {"desired": seen.desired, "in_place": seen.unchanged + seen.ignored, "blocked": result.blocked}
