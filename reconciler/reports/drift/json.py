"""Drift as JSON: drift/v1."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from reconciler.core.drift.report import DatasetDrift, Drift, DriftItem
from reconciler.core.spec.choices import DriftClass
from reconciler.reports.encoding import Rows, encode, error_doc, field_doc, place_text
from reconciler.reports.visible import moment

if TYPE_CHECKING:
    from reconciler.reports.drift import shape
    from reconciler.reports.registry import Options


def render(drift: Drift, _options: Options) -> Iterator[bytes]:
    """Give drift/v1. An image of two classes is two items, so that a selection by class misses none."""
    document: shape.DriftDoc = {"format": "drift/v1", "datasets": Rows(drift.datasets, _dataset)}
    return encode(document)


def _dataset(drift: DatasetDrift) -> shape.DatasetDriftDoc:
    rows = [(item, kind) for item in drift.items for kind in item.classes]
    seen = drift.coverage
    return {
        "name": drift.name,
        "arn": drift.arn,
        "verdict": drift.verdict,
        "observed_at": moment(drift.observed_at) if drift.observed_at is not None else None,
        "complete": drift.complete and drift.gap is None,
        "observation": "full" if drift.observed_at is not None else None,
        "counts": {kind.value: number for kind, number in drift.counts.items()},
        "items": Rows(rows, _item),
        "coverage": {
            "desired": seen.desired,
            "observed": seen.observed,
            "in_place": seen.in_place,
            "managed": seen.managed,
        },
        "labels": [
            {
                "label": row.label,
                "gained": row.gained,
                "lost": row.lost,
                "moved": row.moved,
                "mean_iou": None if row.mean_iou is None else round(row.mean_iou, 6),
            }
            for row in drift.labels
        ],
        "leaked": list(drift.leaked),
        "errors": [error_doc(error) for error in drift.errors],
    }


def _item(row: tuple[DriftItem, DriftClass]) -> shape.DriftItemDoc:
    item, kind = row
    return {
        "source_ref": item.source_ref,
        "class": kind,
        "cause": item.cause,
        "origin": place_text(item.origin) if item.origin else None,
        "fields": list(map(field_doc, item.fields)),
        "codes": list(item.codes),
        "acknowledged": item.acknowledged,
        "since": moment(item.since) if item.since is not None else None,
        "times": item.times,
    }
