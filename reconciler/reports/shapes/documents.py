"""
The JSON documents, as types: what mypy holds the renderers to, and what the JSON Schemas are made from.

In every document, ``errors`` beside ``datasets`` is why the command failed as a whole; absent if it did not.
Documents are versioned by ``format``. Within one version keys may be added, never taken away or changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NotRequired

from typing_extensions import TypedDict  # the standard one tells pydantic enough from Python 3.12 on only

from reconciler.core.drift.report import DriftVerdict
from reconciler.core.planning.cause import Cause
from reconciler.core.planning.diff import Action
from reconciler.core.planning.plan import Withheld
from reconciler.core.spec.choices import DriftClass
from reconciler.core.status.result import Verdict
from reconciler.core.validation.problem import Severity


class ErrorDoc(TypedDict):
    """What could not be used or seen. ``origin`` is ``file:line``, where there is one."""

    code: str
    message: str
    origin: NotRequired[str]


class FieldDoc(TypedDict):
    """One field that differs, by JSON Pointer; null where there is nothing on that side."""

    path: str
    before: object
    after: object


class ChangeDoc(TypedDict):
    """One entry that is not as desired; ``withheld`` names the policy that leaves it as it is, if one does."""

    action: Action
    source_ref: str
    cause: Cause
    origin: str | None
    fields: Sequence[FieldDoc]
    withheld: NotRequired[Withheld]


class CountsDoc(TypedDict):
    """``desired`` is the sum of add, update, unchanged and ignored, whether an apply would send them or not."""

    desired: int
    observed: int
    add: int
    update: int
    orphan: int
    unchanged: int
    ignored: int


class BatchDoc(TypedDict):
    """One update: how many entries, and the bytes of its payload."""

    entries: int
    bytes: int


class GuardDoc(TypedDict):
    """One reason not to apply."""

    code: str
    message: str


class DatasetPlanDoc(TypedDict):
    """The plan for one dataset. ``changes`` is sorted by source-ref."""

    name: str
    arn: str | None
    applyable: bool
    complete: bool
    errors: Sequence[ErrorDoc]
    counts: CountsDoc
    changes: Sequence[ChangeDoc]
    batches: Sequence[BatchDoc]
    guards: Sequence[GuardDoc]


class PlanDoc(TypedDict):
    """What an apply would do. ``digest`` covers what would be sent and what was observed."""

    format: Literal["plan/v1"]
    digest: str
    revision: str | None
    datasets: Sequence[DatasetPlanDoc]
    errors: NotRequired[Sequence[ErrorDoc]]


class TroubleDoc(TypedDict):
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
    quarantined: Sequence[TroubleDoc]
    dropped: Sequence[TroubleDoc]
    rejected: Sequence[TroubleDoc]
    withheld: Sequence[WithheldDoc]
    errors: Sequence[ErrorDoc]


class ApplyDoc(TypedDict):
    """What came of an apply."""

    format: Literal["apply/v1"]
    datasets: Sequence[DatasetResultDoc]
    errors: NotRequired[Sequence[ErrorDoc]]


class ProblemDoc(TypedDict):
    """
    One thing that is wrong, or suspicious.

    ``code`` is AWS's own where AWS has one, else RKD and four digits.
    """

    severity: Severity
    code: str
    message: str
    file: str | None
    line: int | None
    column: int | None
    source_ref: str | None


class ValidateDoc(TypedDict):
    """
    What is wrong with a spec tree; ``datasets`` and ``entries`` say how much was looked at.

    ``skipped`` counts YAML files and documents that belong to other programs.
    """

    format: Literal["validate/v1"]
    datasets: int
    entries: int
    skipped: int
    problems: Sequence[ProblemDoc]


# In this form because "class" is a word of Python's.
DriftItemDoc = TypedDict(
    "DriftItemDoc",
    {
        "source_ref": str,
        "class": DriftClass,
        "cause": Cause,
        "origin": str | None,
        "fields": Sequence[FieldDoc],
        "codes": NotRequired[Sequence[str]],
        "acknowledged": NotRequired[str | None],
        "since": NotRequired[str | None],
        "times": NotRequired[int],
    },
)


class CoverageDoc(TypedDict):
    """How much of either side the other one covers, in entries."""

    desired: int
    observed: int
    in_place: int
    managed: int


class LabelBalanceDoc(TypedDict):
    """What one label gained and lost outside git; ``mean_iou`` is that of its moved boxes."""

    label: str
    gained: int
    lost: int
    moved: int
    mean_iou: float | None


class DatasetDriftDoc(TypedDict):
    """
    What moved outside git, in one dataset.

    ``counts`` is by class; an image of two classes is two items. ``observed_at`` is null where nothing was
    observed. ``complete`` is false where not every line of the specs could be used, or where AWS counts other
    entries than could be seen. ``leaked`` names images that AWS holds in the training and in the test dataset.
    """

    name: str
    arn: str | None
    verdict: DriftVerdict
    observed_at: str | None
    complete: NotRequired[bool]
    observation: Literal["full", "fingerprint"] | None
    counts: Mapping[str, int]
    items: Sequence[DriftItemDoc]
    coverage: NotRequired[CoverageDoc]
    labels: NotRequired[Sequence[LabelBalanceDoc]]
    leaked: NotRequired[Sequence[str]]
    errors: NotRequired[Sequence[ErrorDoc]]


class DriftDoc(TypedDict):
    """What moved outside git."""

    format: Literal["drift/v1"]
    datasets: Sequence[DatasetDriftDoc]
    errors: NotRequired[Sequence[ErrorDoc]]
