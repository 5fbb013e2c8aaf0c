"""Drift as tests need it: made from two sides of images, by the code that makes it in earnest."""

from __future__ import annotations

from typing import Any

from reconciler.core.drift.report import Coverage, DatasetDrift, Drift, DriftItem, LineTexts, classes
from reconciler.core.entries.entry import CLASSIFICATION, DETECTION, Fields, canonical
from reconciler.core.entries.equality import field_changes
from reconciler.core.entries.image_view import LabelTally, view_of
from reconciler.core.planning.calls import ObservationKind, Observed
from reconciler.core.planning.cause import Cause
from reconciler.core.planning.withholding import Withheld
from reconciler.core.spec.choices import Mode
from reconciler.core.validation.problem import Origin

BUCKET = "s3://acme-flowers/train/"
AT = 1_795_435_200.0  # 2026-11-23T12:00:00Z

Edges = tuple[str, float, float, float, float]


def entry(
    name: str, *labels: str, boxes: tuple[Edges, ...] = (), size: tuple[int, int] = (640, 480)
) -> Fields:
    """One image with these labels and boxes."""
    fields: Fields = {"source-ref": BUCKET + name}
    for number, label in enumerate(labels):
        fields[f"label{number}"] = 1
        fields[f"label{number}-metadata"] = {
            "class-name": label,
            "confidence": 1,
            "creation-date": "2026-03-01T12:00:00",
            "human-annotated": "yes",
            "type": CLASSIFICATION,
        }
    if boxes:
        names = sorted({box[0] for box in boxes})
        fields["boxes"] = {
            "image_size": [{"width": size[0], "height": size[1], "depth": 3}],
            "annotations": [
                {"class_id": names.index(label), "left": x, "top": y, "width": w, "height": h}
                for label, x, y, w, h in boxes
            ],
        }
        fields["boxes-metadata"] = {
            "class-map": {str(number): label for number, label in enumerate(names)},
            "creation-date": "2026-03-01T12:00:00",
            "human-annotated": "yes",
            "objects": [{"confidence": 1}] * len(boxes),
            "type": DETECTION,
        }
    return fields


def item(
    desired: Fields | None,
    observed: Fields | None,
    cause: Cause = Cause.DRIFT_MODIFIED,
    line: int = 1,
    codes: tuple[str, ...] = (),
    **more: Any,
) -> DriftItem:
    """One image that is not the same on both sides."""
    side = desired or observed
    assert side is not None
    seen = view_of(desired, observed)
    both = desired is not None and observed is not None
    return DriftItem(
        source_ref=side["source-ref"],
        classes=classes(seen, errored=bool(codes)),
        cause=cause if desired is not None else Cause.ORPHAN,
        origin=Origin("specs/train.jsonl", line) if desired is not None else None,
        fields=field_changes(observed, desired) if both else (),
        codes=codes,
        **{
            "withheld": Withheld.ORPHANS if desired is None else None,
            "view": seen,
            "lines": LineTexts(
                *(canonical(s).decode() if s is not None else None for s in (desired, observed))
            ),
        }
        | more,
    )


def dataset(*items: DriftItem, **more: Any) -> DatasetDrift:
    """A dataset with this drift, and ninety-seven images in which nothing moved."""
    tally = LabelTally()
    for one in items:
        if one.view is not None and not one.is_pending:
            tally.add(one.view)
    managed = sum(one.origin is not None for one in items)
    facts: dict[str, Any] = {
        "name": "flowers-train",
        "arn": "arn:aws:rekognition:us-east-1:111122223333:project/flowers/dataset/train/1690000000000",
        "mode": Mode.UPSERT,
        "path": Origin("specs/train.yaml", 1, 1),
        "observed_at": AT,
        "coverage": Coverage(97 + managed, 97 + len(items), 97, 97 + managed),
        "labels": tally.balances(),
    }
    facts |= more
    if (at := facts["observed_at"]) is not None:
        facts.setdefault("observed", Observed(ObservationKind.FULL, at, at))
    return DatasetDrift(items=tuple(sorted(items, key=lambda one: one.source_ref)), **facts)


def drift(*datasets: DatasetDrift, **more: Any) -> Drift:
    return Drift(datasets, **{"path": "specs", "revision": "4f1c2d3e5a6b7c8d9e0f"} | more)
