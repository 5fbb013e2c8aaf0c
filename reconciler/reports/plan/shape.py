"""plan/v1 as types; see `reports.shapes`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NotRequired

from typing_extensions import TypedDict

from reconciler.core.planning.cause import Cause
from reconciler.core.planning.diff import Action
from reconciler.core.planning.plan import Withheld
from reconciler.reports.shapes import ErrorDoc, FieldDoc


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
