"""
Reports for programs: the documents of `shapes.documents`, the same bytes for the same input.

A document is a view: its long lists are made element by element while they are written, and written one
element a line, so that a plan of 250,000 changes costs no memory and two plans can be compared line by line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NamedTuple, TypeVar, overload

import orjson

from reconciler.core.entries.explain import FieldChange
from reconciler.core.planning.diff import Action
from reconciler.core.planning.plan import DatasetPlan, Plan, PlanError, PlannedChange
from reconciler.core.planning.quarantine import Hold
from reconciler.core.status.result import DatasetResult, Trouble, WithheldEntry
from reconciler.core.validation.problem import Origin, Problem
from reconciler.errors import UsageError
from reconciler.reports.visible import moment, value

if TYPE_CHECKING:
    from reconciler.reports.shapes import documents, explain

S = TypeVar("S")
T = TypeVar("T", covariant=True)

_DIGEST: Final = re.compile(r"[0-9a-f]{32}")


class PlanRef(NamedTuple):
    """What identifies a plan that was kept: apply makes it anew, and compares."""

    digest: str
    datasets: tuple[str, ...]


class Rows(Sequence[T]):
    """A list whose elements are made when they are looked at."""

    def __init__(self, items: Sequence[S], make: Callable[[S], T]) -> None:
        self._items: Sequence[Any] = items
        self._make: Callable[[Any], T] = make

    def __len__(self) -> int:
        return len(self._items)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> Rows[T]: ...
    def __getitem__(self, index: int | slice) -> T | Rows[T]:
        if isinstance(index, slice):
            return Rows(self._items[index], self._make)
        return self._make(self._items[index])


def write(document: Mapping[str, object], stream: BinaryIO) -> None:
    """Write one document and a line end. What `Rows` hold is never in memory together."""
    stream.writelines(_pieces(document))
    stream.write(b"\n")


def write_plan(plan: Plan, stream: BinaryIO, failure: PlanError | None = None) -> None:
    """Write a plan as plan/v1; *failure* is of the command as a whole."""
    document = _plan(plan)
    if failure:
        document["errors"] = [error_doc(failure)]
    write(document, stream)


def write_apply(results: Sequence[DatasetResult], stream: BinaryIO, failure: PlanError | None = None) -> None:
    """Write what came of an apply as apply/v1; *failure* is of the command as a whole."""
    document: documents.ApplyDoc = {"format": "apply/v1", "datasets": Rows(results, _result)}
    if failure:
        document["errors"] = [error_doc(failure)]
    write(document, stream)


def read_plan(data: bytes) -> PlanRef:
    """
    Identify a plan that `write_plan` wrote, whatever has been done to its layout since.

    Raises:
        UsageError: It is no plan, no plan of this version, or not whole.
    """
    try:
        document = json.loads(data, object_hook=_without_change)
    except (ValueError, RecursionError) as exc:
        raise UsageError(f"not a plan: not whole JSON: {exc}") from exc
    match document:
        case {"format": "plan/v1", "digest": str(digest), "datasets": [*datasets]}:
            names = [dataset["name"] for dataset in datasets if _is_named(dataset)]
            if _DIGEST.fullmatch(digest) and len(names) == len(datasets):
                return PlanRef(digest, tuple(names))
        case {"format": other} if other != "plan/v1":
            raise UsageError(f'not a plan: its format is {value(other, 40)}, and should be "plan/v1"')
        case dict() if "format" in document:
            pass
        case _:
            raise UsageError('not a plan: a plan is a JSON object with "format": "plan/v1"')
    raise UsageError("not a whole plan: its digest, or the name of a dataset, is missing; make it anew")


def error_doc(error: PlanError) -> documents.ErrorDoc:
    """Return an error; without a place, it says nothing about one."""
    if error.origin is None:
        return {"code": error.code, "message": error.message}
    return {"code": error.code, "message": error.message, "origin": place_text(error.origin)}


def problem_doc(problem: Problem) -> documents.ProblemDoc:
    file, line, column = problem.origin or (None, None, None)
    return {
        "severity": problem.severity,
        "code": problem.code,
        "message": problem.message,
        "file": file,
        "line": line,
        "column": column,
        "source_ref": problem.source_ref,
    }


def _plan(plan: Plan) -> documents.PlanDoc:
    return {
        "format": "plan/v1",
        "digest": plan.digest,
        "revision": plan.revision,
        "datasets": Rows(plan.datasets, _dataset),
    }


def _dataset(plan: DatasetPlan) -> documents.DatasetPlanDoc:
    counts = plan.counts
    return {
        "name": plan.name,
        "arn": plan.arn,
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
        "guards": [{"code": guard.code, "message": guard.message} for guard in plan.guards],
    }


def _change(item: PlannedChange) -> documents.ChangeDoc:
    change: documents.ChangeDoc = {
        "action": item.action,
        "source_ref": item.source_ref,
        "cause": item.cause,
        "origin": place_text(item.origin) if item.origin else None,
        "fields": list(map(field_doc, item.fields)),
    }
    if item.withheld is not None and item.action is not Action.ORPHAN:
        change["withheld"] = item.withheld
    return change


def field_doc(field: FieldChange) -> documents.FieldDoc:
    return {"path": field.path, "before": field.before, "after": field.after}


def _result(result: DatasetResult) -> documents.DatasetResultDoc:
    return {
        "name": result.name,
        "arn": result.arn,
        "verdict": result.verdict,
        "counts": {
            "added": result.added,
            "updated": result.updated,
            "withheld": result.number_withheld,
        },
        "entries": _entries(result),
        "updates": result.updates,
        "verified": result.verified,
        "complete": result.complete,
        "quarantined": Rows(result.quarantined, _trouble),
        "dropped": Rows(result.dropped, _trouble),
        "rejected": Rows(result.rejected, _trouble),
        "withheld": Rows(result.withheld, _withheld),
        "errors": [error_doc(error) for error in result.errors],
    }


def _entries(result: DatasetResult) -> documents.EntriesDoc | None:
    if (seen := result.counts) is None:
        return None
    return {"desired": seen.desired, "in_place": seen.unchanged + seen.ignored, "blocked": result.blocked}


def _withheld(entry: WithheldEntry) -> documents.WithheldDoc:
    return {
        "source_ref": entry.source_ref,
        "origin": place_text(entry.origin) if entry.origin else None,
        "cause": entry.cause,
        "reason": entry.reason,
    }


def _trouble(trouble: Trouble) -> documents.TroubleDoc:
    return {
        "source_ref": trouble.source_ref,
        "origin": place_text(trouble.origin) if trouble.origin else None,
        "reason": trouble.reason,
        "codes": list(trouble.codes),
    }


def hold_doc(hold: Hold) -> explain.HeldDoc:
    return {
        "kind": hold.kind,
        "reason": hold.reason,
        "rounds": hold.rounds,
        "since": moment(hold.since),
        "until": moment(hold.until),
    }


def place_text(origin: Origin) -> str:
    """Return a place as documents name it, to the line."""
    return f"{origin.file}:{origin.line}"


def _pieces(content: object) -> Iterator[bytes]:
    """Give a value's text in pieces, each small."""
    if isinstance(content, Rows):
        yield b"["
        for number, element in enumerate(content):
            yield b",\n" if number else b"\n"
            yield from _pieces(element)
        yield b"\n]" if content else b"]"
    elif isinstance(content, dict) and any(isinstance(inner, Rows) for inner in content.values()):
        yield b"{"
        for number, (key, inner) in enumerate(content.items()):
            yield (b"," if number else b"") + _encoded(key) + b":"
            yield from _pieces(inner)
        yield b"}"
    else:
        yield _encoded(content)


def _encoded(content: object) -> bytes:
    try:
        return orjson.dumps(content)
    except TypeError:
        return orjson.dumps(_encodable(content))


def _encodable(content: object) -> object:
    """Escape what UTF-8 cannot hold: a file name that is no text has surrogates in it (PEP 383)."""
    match content:
        case str():
            return content.encode(errors="backslashreplace").decode()
        case dict():
            return {key: _encodable(inner) for key, inner in content.items()}
        case list():
            return [_encodable(inner) for inner in content]
        case _:
            return content


def _without_change(found: dict[str, Any]) -> dict[str, Any] | None:
    """Let each change go as soon as it is read: 250,000 of them are some 500 MB, and say nothing here."""
    return None if "source_ref" in found or "before" in found else found


def _is_named(dataset: object) -> bool:
    return isinstance(dataset, dict) and isinstance(dataset.get("name"), str)
