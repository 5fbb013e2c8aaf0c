"""Read a plan that was saved as plan/v1: its identity, to apply it, or the whole of it, to show it again."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from typing import Any, Final, NamedTuple

from reconciler.core.entries.equality import FieldChange
from reconciler.core.entries.image_view import LabelSummary, LabelTotal
from reconciler.core.planning.calls import Batch
from reconciler.core.planning.diff import Action, Change
from reconciler.core.planning.guard import Guard
from reconciler.core.planning.plan import Creation, DatasetPlan, EntryCounts, Plan, PlanError, PlannedChange
from reconciler.core.planning.quarantine import Quarantined
from reconciler.core.planning.withholding import ALL_CHANGES, ChangeSelection
from reconciler.core.runtime.quotas import MAX_UPDATE_BYTES
from reconciler.core.spec.choices import Mode
from reconciler.core.validation.problem import Origin, Problem
from reconciler.errors import Exit, UsageError
from reconciler.reports.plan.json import BatchDoc, ChangeDoc, DatasetPlanDoc, HeldDoc, PlanDoc
from reconciler.reports.visible import value

_DIGEST: Final = re.compile(r"[0-9a-f]{32}")

# A saved plan names what is sent, not its bytes; any digest says that something is.
_SENT = b""


class PlanRef(NamedTuple):
    """The identity of a saved plan: apply plans again with the same selection, and compares."""

    digest: str
    datasets: tuple[str, ...]
    selection: ChangeSelection = ALL_CHANGES


def read_plan(data: bytes) -> PlanRef:
    """
    Identify a plan that `render` gave, also if its layout was changed since.

    Raises:
        UsageError: It is not a plan of this version, or not whole.
    """
    try:
        document = json.loads(data, object_hook=_without_change)
    except (ValueError, RecursionError) as exc:
        raise UsageError(f"not a plan: not whole JSON: {exc}") from exc
    match document:
        case {"format": "plan/v1", "digest": str(digest), "datasets": [*datasets]}:
            names = [dataset["name"] for dataset in datasets if _is_named(dataset)]
            selection = _selection(document.get("selection"))
            if _DIGEST.fullmatch(digest) and len(names) == len(datasets) and selection is not None:
                return PlanRef(digest, tuple(names), selection)
        case {"format": other} if other != "plan/v1":
            raise UsageError(f'not a plan: its format is {value(other, 40)}, and should be "plan/v1"')
        case dict() if "format" in document:
            pass
        case _:
            raise UsageError('not a plan: a plan is a JSON object with "format": "plan/v1"')
    lacks = "its digest, its selection, or the name of a dataset, is missing or changed"
    raise UsageError(f"not a whole plan: {lacks}; run plan again")


class SavedPlan(Plan, frozen=True):
    """A plan as it was saved, with the digest that it was saved under."""

    saved_digest: str = ""

    @property
    def digest(self) -> str:
        return self.saved_digest


def saved_plan(data: bytes) -> SavedPlan:
    """
    Return the plan of a file that ``plan --out`` wrote.

    Raises:
        UsageError: It is not a plan of this version, or not whole.
    """
    from pydantic import TypeAdapter, ValidationError  # takes 80 ms, which apply need not wait for

    saved = read_plan(data)
    try:
        document: PlanDoc = TypeAdapter(PlanDoc).validate_json(data)
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        place = "/".join(map(str, first["loc"]))
        raise UsageError(f"not a whole plan: {place}: {first['msg']}; run plan again") from exc
    datasets = tuple(map(_dataset, document["datasets"]))
    return SavedPlan(datasets, document["revision"], saved.selection, saved.digest)


def _dataset(doc: DatasetPlanDoc) -> DatasetPlan:
    changes = tuple(map(_change, doc["changes"]))
    errors = tuple(PlanError(e["code"], e["message"], _origin(e.get("origin"))) for e in doc["errors"])
    return DatasetPlan(
        name=doc["name"],
        arn=doc["arn"],
        mode=Mode(doc["mode"]),
        counts=EntryCounts(*(doc["counts"][name] for name in EntryCounts._fields)),  # type: ignore[literal-required]
        changes=changes,
        batches=_batches(changes, doc["batches"]),
        guards=tuple(Guard(guard["code"], guard["message"]) for guard in doc["guards"]),
        errors=errors,
        creation=Creation(**doc["creation"]) if "creation" in doc else None,
        complete=doc["complete"],
        gap=doc.get("gap"),
        labels=LabelSummary(
            totals=tuple(LabelTotal(**row) for row in doc.get("images_by_label", ())),
            boxes=tuple(LabelTotal(**row) for row in doc.get("boxes_by_label", ())),
        ),
        exit_code=Exit.INVALID if errors else Exit.DONE,  # which one of them is not saved
    )


def _change(doc: ChangeDoc) -> PlannedChange:
    held, action = doc.get("quarantined"), Action(doc["action"])
    is_sent = doc.get("blanked", False) if action is Action.ORPHAN else not held and "withheld" not in doc
    return PlannedChange(
        change=Change(action, doc["source_ref"], None, None),
        cause=doc["cause"],
        origin=_origin(doc["origin"]),
        sent=_SENT if is_sent else None,
        quarantined=_quarantined(doc["source_ref"], held) if held else None,
        withheld=doc.get("withheld"),
        image_problems=tuple(Problem(**problem) for problem in doc.get("image_problems", ())),
        fields=tuple(FieldChange(field["path"], field["before"], field["after"]) for field in doc["fields"]),
    )


def _quarantined(source_ref: str, held: HeldDoc) -> Quarantined:
    until = datetime.fromisoformat(held["until"]).timestamp()
    return Quarantined(source_ref, b"", held["kind"], held["reason"], 1, 0.0, until)


def _batches(changes: Sequence[PlannedChange], docs: Sequence[BatchDoc]) -> tuple[Batch[PlannedChange], ...]:
    """Deal the changes out to the updates; which one travels in which is not saved."""
    sent = iter([change for change in changes if change.sent is not None])
    found = ((tuple(islice(sent, doc["entries"])), doc["bytes"]) for doc in docs)
    return tuple(Batch(items, size, MAX_UPDATE_BYTES) for items, size in found if items)


def _origin(place: str | None) -> Origin | None:
    if place is None:
        return None
    file, _, line = place.rpartition(":")
    return Origin(file, int(line)) if line.isdecimal() else None


def _selection(saved: object) -> ChangeSelection | None:
    """Return the selection of a saved plan; None if it cannot be read."""
    match saved:
        case None:
            return ALL_CHANGES
        case {"source_refs": [*refs], "classes": [*kinds], "labels": [*labels], **rest} if not rest:
            parts = kinds, labels, refs
            if all(isinstance(text, str) for part in parts for text in part):
                return ChangeSelection(*map(tuple, parts))
    return None


def _without_change(found: dict[str, Any]) -> dict[str, Any] | None:
    """Drop each change as soon as it is read: 250,000 of them are some 500 MB, and are not needed."""
    return None if "source_ref" in found or "before" in found else found


def _is_named(dataset: object) -> bool:
    return isinstance(dataset, dict) and isinstance(dataset.get("name"), str)
