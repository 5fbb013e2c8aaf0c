"""What `convert coco` costs beside `json.loads` of the same file."""

from __future__ import annotations

import json
import random
from pathlib import Path

from benchmarks.measure import Cost, Setting, python, reconciler

# 120,000 images and 600,000 boxes where datasets have 250,000 entries: some 110 MB.
_IMAGES_OF_ENTRIES = 0.48
_BOXES = 5
_CATEGORIES = 80
_LOADS = "import json, sys; json.load(open(sys.argv[1]))"


def coco(setting: Setting) -> Path:
    """Write a file as labelling tools export it: all fields of COCO, without masks."""
    path = setting.directory / "coco.json"
    if path.exists():
        return path
    draw = random.Random(1)
    images = [
        {
            "id": number,
            "license": 1,
            "file_name": f"train/{number:012}.jpg",
            "width": 640,
            "height": 480,
            "date_captured": f"2026-03-{1 + number % 28:02} 12:{number % 60:02}:00",
        }
        for number in range(int(setting.entries * _IMAGES_OF_ENTRIES))
    ]
    annotations = []
    for number in range(len(images) * _BOXES):
        width, height = draw.randrange(20, 3000) / 10, draw.randrange(20, 2000) / 10
        annotations.append(
            {
                "id": number,
                "image_id": draw.randrange(len(images)),
                "category_id": draw.randrange(_CATEGORIES) + 1,
                "bbox": [
                    round(draw.random() * (640 - width), 2),
                    round(draw.random() * (480 - height), 2),
                    width,
                    height,
                ],
                "area": round(width * height, 2),
                "iscrowd": 0,
            }
        )
    categories = [{"id": number + 1, "name": f"part-{number}"} for number in range(_CATEGORIES)]
    with path.open("w") as stream:
        json.dump({"images": images, "annotations": annotations, "categories": categories}, stream)
    return path


def coco_cpu(setting: Setting) -> list[float]:
    return [converted.cpu / loaded.cpu for converted, loaded in _costs(setting, setting.runs)]


def coco_memory(setting: Setting) -> list[float]:
    return [converted.peak_mb / loaded.peak_mb for converted, loaded in _costs(setting, 1)]


def _costs(setting: Setting, runs: int) -> list[tuple[Cost, Cost]]:
    path, out = coco(setting), setting.directory / "coco.jsonl"
    words = ["convert", "coco", str(path), "-o", str(out), "--base", "s3://acme/", "--clip", "--force"]
    state = setting.directory / "state"
    return [(reconciler(*words, state=state), python(_LOADS, str(path))) for _ in range(runs)]
