"""A plan as JSON, plan/v1."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Literal, NotRequired

from typing_extensions import TypedDict

from reconciler.core.moments import moment, moment_or_none
from reconciler.core.planning.calls import ObservationKind
from reconciler.core.planning.cause import Cause
from reconciler.core.planning.diff import Action
from reconciler.core.planning.plan import DatasetPlan, Plan, PlannedChange
from reconciler.core.planning.quarantine import QuarantineReason
from reconciler.core.planning.withholding import Withheld
from reconciler.core.spec.choices import ClosedBy, Mode
from reconciler.core.validation.problem import Severity
from reconciler.reports.documents import (
    CallsDoc,
    ErrorDoc,
    FieldDoc,
    Rows,
    calls_doc,
    doc_of,
    encode,
    error_doc,
    field_doc,
    listed_at,
    place_text,
)
from reconciler.reports.registry import RenderOptions


class HeldDoc(TypedDict):
    """Why a quarantined line is not sent, and when it is tried again."""

    kind: QuarantineReason
    reason: str
    until: str


class ImageProblemDoc(TypedDict):
    """What is wrong with the image of a change; an error withholds it where ``policy.images`` is ``require``."""

    severity: Severity
    code: str
    message: str


class ChangeDoc(TypedDict):
    """
    One entry that is not as desired.

    ``withheld`` names the policy that leaves it as it is, or says that it is ``not selected``, ``quarantined``
    says why its line is not sent, ``image_problems`` what is wrong with its image, if the policy has it
    checked, and ``blanked`` is true for an orphan that an apply blanks; each is absent where it does not apply.
    ``fields`` is empty for a change that is not selected.
    """

    action: Action
    source_ref: str
    cause: Cause
    origin: str | None
    fields: Sequence[FieldDoc]
    withheld: NotRequired[Withheld]
    quarantined: NotRequired[HeldDoc]
    image_problems: NotRequired[Sequence[ImageProblemDoc]]
    blanked: NotRequired[Literal[True]]


class CountsDoc(TypedDict):
    """
    ``desired`` is the sum of add, update, unchanged and ignored, whether an apply would send them or not.

    ``not_selected`` of add and update are left out by --source-ref, --class or --label; absent where none are.
    """

    desired: int
    observed: int
    add: int
    update: int
    orphan: int
    unchanged: int
    ignored: int
    not_selected: NotRequired[int]


class BatchDoc(TypedDict):
    """One update: how many entries, and the bytes of its payload."""

    entries: int
    bytes: int


class GuardDoc(TypedDict):
    """One reason not to apply."""

    code: str
    message: str


class CreationDoc(TypedDict):
    """What an apply creates first. ``project`` is null where it exists; ``account`` where it is not known."""

    account: str | None
    region: str | None
    project: str | None
    dataset: str


class ClosureDoc(TypedDict):
    """Which setting closes the dataset, so that changes are withheld, and until when; null: not soon."""

    by: ClosedBy
    reason: str | None
    until: str | None


class LabelTotalDoc(TypedDict):
    """The images of the dataset that carry one label, or the boxes with it, before and after an apply."""

    label: str
    before: int
    after: int


class DatasetPlanDoc(TypedDict):
    """
    The plan for one dataset. ``changes`` is sorted by source-ref.

    ``images_by_label`` has each label of which that number changes; absent where there is none, and where
    they were not counted: in an incomplete plan, and in one of more than 10,000 changes. ``boxes_by_label`` is
    the same of boxes, which are not counted in a dataset of more than 10,000 desired entries either.

    ``gap`` says how many entries AWS counts and how many were seen; absent where that is the same.

    ``listed_at`` is when the listing was made that an incremental observation relies on; else null.
    """

    name: str
    arn: str | None
    mode: Mode
    applyable: bool
    complete: bool
    gap: NotRequired[str]
    errors: Sequence[ErrorDoc]
    counts: CountsDoc
    changes: Sequence[ChangeDoc]
    batches: Sequence[BatchDoc]
    guards: Sequence[GuardDoc]
    observation: NotRequired[ObservationKind | None]
    listed_at: NotRequired[str | None]
    calls: NotRequired[CallsDoc]
    creation: NotRequired[CreationDoc]
    closed: NotRequired[ClosureDoc]
    images_by_label: NotRequired[Sequence[LabelTotalDoc]]
    boxes_by_label: NotRequired[Sequence[LabelTotalDoc]]


class SelectionDoc(TypedDict):
    """What --source-ref, --class and --label select; an empty list selects all. ``apply --plan`` obeys it."""

    source_refs: Sequence[str]
    classes: Sequence[str]
    labels: Sequence[str]


class PlanDoc(TypedDict):
    """
    What an apply would do. ``digest`` covers what would be sent and what was observed.

    ``selection`` is absent where all changes are selected.
    """

    format: Literal["plan/v1"]
    digest: str
    revision: str | None
    selection: NotRequired[SelectionDoc]
    datasets: Sequence[DatasetPlanDoc]
    errors: NotRequired[Sequence[ErrorDoc]]


DOCUMENT: Final = PlanDoc


def render(plan: Plan, options: RenderOptions) -> Iterator[bytes]:
    """Yield plan/v1."""
    document = _plan(plan)
    if options.failure:
        document["errors"] = [error_doc(options.failure)]
    return encode(document)


def _plan(plan: Plan) -> PlanDoc:
    head: PlanDoc = {"format": "plan/v1", "digest": plan.digest, "revision": plan.revision, "datasets": ()}
    if plan.selection:
        kinds, labels, refs = plan.selection.kinds, plan.selection.labels, plan.selection.source_refs
        head["selection"] = {"source_refs": [*refs], "classes": [*kinds], "labels": [*labels]}
    return {**head, "datasets": Rows(plan.datasets, _dataset)}


def _dataset(plan: DatasetPlan) -> DatasetPlanDoc:
    counts = plan.counts
    document: DatasetPlanDoc = {
        "name": plan.name,
        "arn": plan.arn,
        "mode": plan.mode,
        "applyable": plan.applyable,
        "complete": plan.complete and plan.gap is None,
        "errors": [error_doc(error) for error in plan.errors],
        "counts": {
            "desired": counts.desired,
            "observed": counts.observed,
            "add": counts.add,
            "update": counts.update,
            "orphan": counts.orphan,
            "unchanged": counts.unchanged,
            "ignored": counts.ignored,
        },
        "changes": Rows(plan.changes, _change),
        "batches": [{"entries": len(batch), "bytes": batch.size} for batch in plan.batches],
        "guards": [doc_of(GuardDoc, guard) for guard in plan.guards],
        "observation": plan.observed.kind if plan.observed else None,
        "listed_at": listed_at(plan.observed),
        "calls": calls_doc(plan.calls),
    }
    if plan.gap is not None:
        document["gap"] = plan.gap
    if plan.not_selected:
        document["counts"]["not_selected"] = plan.not_selected
    if plan.creation is not None:
        account, region, project, dataset = plan.creation
        document["creation"] = {"account": account, "region": region, "project": project, "dataset": dataset}
    if plan.labels.totals:
        document["images_by_label"] = [doc_of(LabelTotalDoc, total) for total in plan.labels.totals]
    if plan.labels.boxes:
        document["boxes_by_label"] = [doc_of(LabelTotalDoc, total) for total in plan.labels.boxes]
    if plan.closed is not None:
        by, reason, until = plan.closed
        document["closed"] = {"by": by, "reason": reason, "until": moment_or_none(until)}
    return document


def _change(item: PlannedChange) -> ChangeDoc:
    change: ChangeDoc = {
        "action": item.action,
        "source_ref": item.source_ref,
        "cause": item.cause,
        "origin": place_text(item.origin) if item.origin else None,
        "fields": list(map(field_doc, item.fields)),
    }
    if item.withheld is not None and item.withheld is not Withheld.ORPHANS:
        change["withheld"] = item.withheld
    if item.quarantined is not None:
        kind, reason, until = item.quarantined.kind, item.quarantined.reason, moment(item.quarantined.until)
        change["quarantined"] = {"kind": kind, "reason": reason, "until": until}
    if item.image_problems:
        change["image_problems"] = [doc_of(ImageProblemDoc, problem) for problem in item.image_problems]
    if item.action is Action.ORPHAN and item.sent is not None:
        change["blanked"] = True
    return change
