"""Drift as JSON: drift/v1."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal, NotRequired

from typing_extensions import TypedDict

from reconciler.core.drift.foreign_calls import ForeignCallDocument
from reconciler.core.drift.report import DatasetDrift, Drift, DriftItem, DriftVerdict
from reconciler.core.entries.image_view import LabelBalance
from reconciler.core.moments import moment_or_none
from reconciler.core.planning.calls import ObservationKind
from reconciler.core.planning.cause import Cause
from reconciler.core.spec.choices import DriftClass
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
    What changed outside git, in one dataset.

    ``counts`` is by class; an image of two classes is two items. ``observed_at`` is null where nothing was
    observed. ``complete`` is false where not every line of the specs could be used, or where AWS counts other
    entries than could be seen, as ``gap`` then says. ``leaked`` names images that AWS holds in the training and in
    the test dataset.
    ``foreign_calls`` are calls that may have caused the drift, the newest first; absent where none is known.
    """

    name: str
    arn: str | None
    verdict: DriftVerdict
    observed_at: str | None
    complete: NotRequired[bool]
    gap: NotRequired[str]
    observation: ObservationKind | None
    listed_at: NotRequired[str | None]
    calls: NotRequired[CallsDoc]
    counts: Mapping[str, int]
    items: Sequence[DriftItemDoc]
    coverage: NotRequired[CoverageDoc]
    labels: NotRequired[Sequence[LabelBalanceDoc]]
    leaked: NotRequired[Sequence[str]]
    foreign_calls: NotRequired[Sequence[ForeignCallDocument]]
    errors: NotRequired[Sequence[ErrorDoc]]


class DriftDoc(TypedDict):
    """What changed outside git."""

    format: Literal["drift/v1"]
    datasets: Sequence[DatasetDriftDoc]
    errors: NotRequired[Sequence[ErrorDoc]]


DOCUMENT: Final = DriftDoc


def render(drift: Drift, _options: RenderOptions) -> Iterator[bytes]:
    """Yield drift/v1. An image of two classes is two items, so that a selection by class misses none."""
    document: DriftDoc = {"format": "drift/v1", "datasets": Rows(drift.datasets, _dataset)}
    return encode(document)


def _dataset(drift: DatasetDrift) -> DatasetDriftDoc:
    rows = [(item, kind) for item in drift.items for kind in item.classes]
    document: DatasetDriftDoc = {
        "name": drift.name,
        "arn": drift.arn,
        "verdict": drift.verdict,
        "observed_at": moment_or_none(drift.observed_at),
        "complete": drift.complete and drift.gap is None,
        "observation": drift.observed.kind if drift.observed else None,
        "listed_at": listed_at(drift.observed),
        "calls": calls_doc(drift.calls),
        "counts": {kind.value: number for kind, number in drift.counts.items()},
        "items": Rows(rows, _item),
        "coverage": doc_of(CoverageDoc, drift.coverage),
        "labels": list(map(_balance, drift.labels)),
        "leaked": list(drift.leaked),
        "errors": [error_doc(error) for error in drift.errors],
    }
    if drift.gap is not None:
        document["gap"] = drift.gap
    if drift.foreign_calls:  # absent without a queue of events
        document["foreign_calls"] = [call.document() for call in drift.foreign_calls]
    return document


def _balance(row: LabelBalance) -> LabelBalanceDoc:
    return doc_of(LabelBalanceDoc, row, mean_iou=None if row.mean_iou is None else round(row.mean_iou, 6))


def _item(row: tuple[DriftItem, DriftClass]) -> DriftItemDoc:
    item, kind = row
    return {
        "source_ref": item.source_ref,
        "class": kind,
        "cause": item.cause,
        "origin": place_text(item.origin) if item.origin else None,
        "fields": list(map(field_doc, item.fields)),
        "codes": list(item.codes),
        "acknowledged": item.acknowledged,
        "since": moment_or_none(item.since),
        "times": item.times,
    }
