"""Lines in the shapes that consoles and labelling jobs write."""

from __future__ import annotations

import random
from typing import Any

from reconciler.core.spec.labelling import image_level

NAMES = ("comparator", "pot_resistor", "ir_phototransistor", "ir_led", "fuse", "relay")
PROVENANCE = {"human-annotated": "yes", "creation-date": "2021-06-22T10:11:18.006Z"}
COMPACT = (",", ":")
SPACED = (", ", ": ")


def box_line(number: int, boxes: int = 4) -> dict[str, Any]:
    """A line in the shape that the console writes: as many boxes, classes used on this image only."""
    draw = random.Random(number)
    classes = draw.sample(range(len(NAMES)), k=min(boxes, 2))
    annotations: list[dict[str, Any]] = [
        {
            "class_id": draw.choice(classes),
            "top": draw.randrange(1000),
            "left": draw.randrange(1800),
            "width": draw.randrange(10, 100),
            "height": draw.randrange(10, 60),
        }
        for _ in range(boxes)
    ]
    return {
        "source-ref": f"s3://acme-images/train/2026/site-{number % 40:02d}/IMG_{number:06d}.jpg",
        "bounding-box": {
            "image_size": [{"width": 1920, "height": 1080, "depth": 3}],
            "annotations": annotations,
        },
        "bounding-box-metadata": {
            "objects": [{"confidence": 1} for _ in annotations],
            "class-map": {str(item): NAMES[item] for item in classes},
            "type": "groundtruth/object-detection",
            **PROVENANCE,
            "job-name": "labeling-job/circuit-boards-2026",
        },
    }


def image_level_line(number: int, labels: int = 2) -> dict[str, Any]:
    names = random.Random(number).sample(NAMES, k=labels)
    source_ref = f"s3://acme-images/train/IMG_{number:06d}.jpg"
    return {"source-ref": source_ref} | image_level(names, PROVENANCE["creation-date"])
