"""
What validation costs, as a multiple of what `orjson.loads` needs for the same lines in the same run.

Clean lines of four boxes cost 2.3 times the floor, shorter ones more (CPython 3.11).
Run: python -m benchmarks.rules [LINES]
"""

from __future__ import annotations

import gc
import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import orjson

from reconciler.core.spec.labelling import image_level
from reconciler.core.validation import DatasetFacts, check_line

NAMES = ("comparator", "pot_resistor", "ir_phototransistor", "ir_led", "fuse", "relay")
PROVENANCE = {"human-annotated": "yes", "creation-date": "2021-06-22T10:11:18.006Z"}
COMPACT = (",", ":")
SPACED = (", ", ": ")


def box_line(number: int, boxes: int = 4, scale: float = 1) -> dict[str, Any]:
    """A line in the shape that the console writes: as many boxes, classes used on this image only."""
    draw = random.Random(number)
    classes = draw.sample(range(len(NAMES)), k=min(boxes, 2))
    annotations: list[dict[str, Any]] = [
        {
            "class_id": draw.choice(classes),
            "top": draw.randrange(1000) * scale,
            "left": draw.randrange(1800) * scale,
            "width": draw.randrange(10, 100) * scale,
            "height": draw.randrange(10, 60) * scale,
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


def lines(count: int, make: Callable[[int], dict[str, Any]], separators: tuple[str, str]) -> list[bytes]:
    return [json.dumps(make(i), separators=separators).encode() for i in range(count)]


def cases(count: int) -> Iterator[tuple[str, list[bytes]]]:
    yield "4 boxes, compact", lines(count, box_line, COMPACT)
    yield "4 boxes, spaced", lines(count, box_line, SPACED)
    yield "12 boxes, compact", lines(count // 2, lambda i: box_line(i, 12), COMPACT)
    yield "2 image-level labels", lines(count, image_level_line, COMPACT)
    yield "1 image-level label", lines(count, lambda i: image_level_line(i, 1), COMPACT)
    yield "no label", [orjson.dumps({"source-ref": f"s3://acme/{i}.jpg"}) for i in range(count)]
    yield "floats (slow rules)", lines(count // 20, lambda i: box_line(i, scale=0.99), COMPACT)


def cpu_seconds(action: Callable[[], None], repeats: int = 5) -> float:
    """Time *action* by the process's own CPU clock: the best of some runs."""
    best = float("inf")
    for _ in range(repeats):
        gc.collect()
        start = time.process_time()
        action()
        best = min(best, time.process_time() - start)
    return best


def each(action: Callable[[bytes], object], raws: list[bytes]) -> Callable[[], None]:
    def run() -> None:
        for raw in raws:
            action(raw)

    return run


def collect(raws: list[bytes]) -> Callable[[], None]:
    def run() -> None:
        add = DatasetFacts().add
        for raw in raws:
            add(check_line(raw))

    return run


def main(count: int) -> None:
    print(f"{'lines':22}{'bytes':>7}{'orjson':>9}{'check_line':>12}{'ratio':>7}{'with facts':>12}")
    for name, raws in cases(count):
        floor = cpu_seconds(each(orjson.loads, raws))
        checked = cpu_seconds(each(check_line, raws))
        summed = cpu_seconds(collect(raws))
        micro = 1e6 / len(raws)
        print(
            f"{name:22}{sum(map(len, raws)) / len(raws):7.0f}{floor * micro:6.2f} µs"
            f"{checked * micro:9.2f} µs{checked / floor:7.2f}{summed / floor:12.2f}"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50_000)
