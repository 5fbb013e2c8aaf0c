"""drift/v1 as types; see `reports.shapes`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NotRequired

from typing_extensions import TypedDict

from reconciler.core.drift.report import DriftVerdict
from reconciler.core.planning.cause import Cause
from reconciler.core.spec.choices import DriftClass
from reconciler.reports.shapes import ErrorDoc, FieldDoc

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
