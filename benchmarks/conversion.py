"""
What `convert` and `export` cost: COCO beside `json.loads` of the same file, and the largest dataset that there is.

Its COCO file becomes a spec, which is exported to each format; the exported VOC files are converted again.
"""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from benchmarks.datasets import SPEC
from benchmarks.measure import Cost, Setting, python, reconciler

# 120,000 images and 600,000 boxes where datasets have 250,000 entries: some 110 MB.
_IMAGES_OF_ENTRIES = 0.48
_BOXES = 5
_BOXES_OF_LARGEST = 2.5
_CATEGORIES = 80
_LOADS = "import json, sys; json.load(open(sys.argv[1]))"


def coco(setting: Setting, count: int, boxes: float) -> Path:
    """Write a file of so many images as labelling tools export it: all fields of COCO, without masks."""
    path = setting.directory / f"coco-{count}.json"
    if path.exists():
        return path
    categories = [{"id": number + 1, "name": f"part-{number}"} for number in range(_CATEGORIES)]
    # Written one by one: the peak memory of a child begins at that of its parent.
    with path.open("w") as stream:
        stream.write('{"images": [')
        stream.writelines(_separated(_images(count)))
        stream.write('], "annotations": [')
        stream.writelines(_separated(_annotations(count, int(count * boxes))))
        stream.write(f'], "categories": {json.dumps(categories)}}}')
    return path


def _separated(records: Iterator[object]) -> Iterator[str]:
    for number, record in enumerate(records):
        yield f"{', ' if number else ''}{json.dumps(record)}"


def _images(count: int) -> Iterator[object]:
    for number in range(count):
        yield {
            "id": number,
            "license": 1,
            "file_name": f"train/{number:012}.jpg",
            "width": 640,
            "height": 480,
            "date_captured": f"2026-03-{1 + number % 28:02} 12:{number % 60:02}:00",
        }


def _annotations(images: int, count: int) -> Iterator[object]:
    draw = random.Random(1)
    for number in range(count):
        width, height = draw.randrange(20, 3000) / 10, draw.randrange(20, 2000) / 10
        yield {
            "id": number,
            "image_id": draw.randrange(images),
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


def coco_cpu(setting: Setting) -> list[float]:
    return [converted.cpu / loaded.cpu for converted, loaded in _costs(setting, setting.runs)]


def coco_memory(setting: Setting) -> list[float]:
    return [converted.peak_mb / loaded.peak_mb for converted, loaded in _costs(setting, 1)]


def _costs(setting: Setting, runs: int) -> list[tuple[Cost, Cost]]:
    path = coco(setting, int(setting.entries * _IMAGES_OF_ENTRIES), _BOXES)
    out = setting.directory / "coco.jsonl"
    words = ["convert", "coco", str(path), "-o", str(out), "--base", "s3://acme/", "--clip", "--force"]
    state = setting.directory / "state"
    return [(reconciler(*words, state=state), python(_LOADS, str(path))) for _ in range(runs)]


@cache
def converted(setting: Setting, form: str) -> Sequence[Cost]:
    """Convert the largest dataset from the format."""
    if form == "coco":
        path, base = coco(setting, setting.entries, _BOXES_OF_LARGEST), "s3://acme/"
    else:
        exported(setting, form)
        path, base = setting.directory / f"largest-{form}" / "train", "s3://acme/train/"
    out, state = setting.directory / f"largest-{form}.jsonl", setting.directory / "state"
    words = ["convert", form, str(path), "-o", str(out), "--base", base, "--clip", "--force"]
    words += ["--created-at", "2026-03-01T12:00:00"]
    return [reconciler(*words, state=state) for _ in range(setting.runs)]


@cache
def exported(setting: Setting, form: str) -> Sequence[Cost]:
    """Export the largest dataset in the format, from specs that were not read before."""
    specs, state, costs = setting.directory / "largest", setting.directory / "state", []
    if not specs.exists():
        converted(setting, "coco")
        specs.mkdir()
        (specs / "bench.yaml").write_text(SPEC)
        (setting.directory / "largest-coco.jsonl").rename(specs / "train.jsonl")
    out = setting.directory / f"largest-{form}"
    for _ in range(setting.runs):
        shutil.rmtree(out, ignore_errors=True)
        words = ["export", "--from-specs", str(specs), "--project", "bench", "--format", form, "-d", str(out)]
        costs.append(reconciler(*words, state=state))
    return costs
