"""apply/v1 as types; see `reports.shapes`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NotRequired

from typing_extensions import TypedDict

from reconciler.core.planning.cause import Cause
from reconciler.core.status.result import Verdict
from reconciler.reports.shapes import ErrorDoc


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
    """Added and updated: sent, and then seen in place; an orphan that was blanked is updated."""

    added: int
    updated: int
    withheld: int


class EntriesDoc(TypedDict):
    """
    Every desired entry, once: in_place, withheld, blocked by a guard, or quarantined or dropped.

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
    was not seen.
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


class ApplyDoc(TypedDict):
    """What came of an apply."""

    format: Literal["apply/v1"]
    datasets: Sequence[DatasetResultDoc]
    errors: NotRequired[Sequence[ErrorDoc]]
