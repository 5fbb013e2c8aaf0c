"""What changes between two revisions as JSON: diff/v1."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Literal, NotRequired

from typing_extensions import TypedDict

from reconciler.core.revision_diff import (
    DatasetDiff,
    DatasetState,
    ImageAction,
    ImageChange,
    RevisionDiff,
    Side,
)
from reconciler.core.spec.choices import DriftClass
from reconciler.reports.documents import (
    ErrorDoc,
    FieldDoc,
    ProblemDoc,
    Rows,
    doc_of,
    encode,
    error_doc,
    field_doc,
    place_text,
    problem_doc,
)
from reconciler.reports.registry import RenderOptions


class RevisionDoc(TypedDict):
    """One side: the revision as it was given, and its commit; both null for the working tree."""

    revision: str | None
    commit: str | None


class NumbersDoc(TypedDict):
    """Usable entries at both revisions; ``ignored`` differ only in what the later revision ignores."""

    before: int
    after: int
    added: int
    changed: int
    removed: int
    unchanged: int
    ignored: int


class LabelChangeDoc(TypedDict):
    """How often a label is added and removed, as that of an image or of a box, and how many boxes of it move."""

    label: str
    added: int
    removed: int
    moved: int


class ImageChangeDoc(TypedDict):
    """
    One image that is added, changed or removed.

    ``before`` and ``after`` are the places of its lines, null where it has none. ``classes`` and ``fields`` say
    what changes, and are empty for an image that is at one revision only.
    """

    action: ImageAction
    source_ref: str
    before: str | None
    after: str | None
    classes: Sequence[DriftClass]
    fields: Sequence[FieldDoc]


class DatasetDiffDoc(TypedDict):
    """
    What changes in one dataset. ``changes`` is sorted by source-ref.

    ``was`` is its earlier name, where only that changes; ``settings`` are the fields of its document that change,
    apart from the files of its entries. ``complete`` is false where something could not be read, which ``errors``
    names: lines with errors are not compared.
    """

    name: str
    state: DatasetState
    was: str | None
    origin: str | None
    complete: bool
    counts: NumbersDoc
    labels: Sequence[LabelChangeDoc]
    settings: Sequence[FieldDoc]
    changes: Sequence[ImageChangeDoc]
    errors: Sequence[ErrorDoc]


class DiffDoc(TypedDict):
    """
    What changes in the datasets between two git revisions.

    Places at a revision are ``REVISION:path:line``. ``problems`` are errors that belong to none of the datasets.
    """

    format: Literal["diff/v1"]
    before: RevisionDoc | None
    after: RevisionDoc | None
    datasets: Sequence[DatasetDiffDoc]
    problems: Sequence[ProblemDoc]
    errors: NotRequired[Sequence[ErrorDoc]]


DOCUMENT: Final = DiffDoc


def render(diff: RevisionDiff, _options: RenderOptions) -> Iterator[bytes]:
    """Yield diff/v1."""
    document: DiffDoc = {
        "format": "diff/v1",
        "before": _side(diff.before),
        "after": _side(diff.after),
        "datasets": Rows(diff.datasets, _dataset),
        "problems": list(map(problem_doc, diff.problems)),
    }
    return encode(document)


def _side(side: Side) -> RevisionDoc:
    return {"revision": side.name, "commit": side.commit}


def _dataset(diff: DatasetDiff) -> DatasetDiffDoc:
    return {
        "name": diff.name,
        "state": diff.state,
        "was": diff.was,
        "origin": place_text(diff.origin) if diff.origin else None,
        "complete": not diff.errors,
        "counts": doc_of(NumbersDoc, diff.numbers),
        "labels": [
            {"label": row.label, "added": row.gained, "removed": row.lost, "moved": row.moved}
            for row in diff.labels
        ],
        "settings": list(map(field_doc, diff.settings)),
        "changes": Rows(diff.changes, _change),
        "errors": [error_doc(error) for error in diff.errors],
    }


def _change(change: ImageChange) -> ImageChangeDoc:
    return doc_of(ImageChangeDoc, change, fields=list(map(field_doc, change.fields)))
