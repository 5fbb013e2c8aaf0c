"""
Datasets to measure with: a spec tree, and beside it the listing that AWS would give of it.

The lines are independent of each other, as those of a labelling team are: 0 to 8 boxes an image, one image in
nine without any, its own class map on each line, dates and sizes that differ, and one line in a hundred that was
changed outside git. A shape is one way in which real files differ from that.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from reconciler.core.spec.labelling import image_level

Fields = dict[str, Any]

SPEC: Final = """\
apiVersion: reconciler/v1
kind: Dataset
metadata: {name: bench}
spec:
  target: {project: bench, type: TRAIN}
  entries: [{file: "*.jsonl"}]
  policy: {mode: upsert}
  limits: {maxChanges: 1000000, maxChangeRatio: 1.0}
"""
LABELS: Final = tuple(
    f"{kind}_{part}"
    for kind in ("crack", "dent", "scratch", "stain", "burr", "gap", "bubble", "rust")
    for part in ("top", "left", "right", "rim", "base")
)
SIZES: Final = ((640, 480), (1280, 720), (1920, 1080), (3000, 2000), (4032, 3024))
MAX_BOXES: Final = 8
WITHOUT_LABEL: Final = 9
CHANGED: Final = 100

_FOLDERS: Final = 40
_ATTRIBUTES: Final = 200


def source_ref(number: int) -> str:
    return f"s3://acme-inspection/line-{number % _FOLDERS:02}/shift-{number // 500:04}/IMG_{number:07}.jpg"


def boxes(draw: random.Random, number: int, attribute: str = "bounding-box") -> Fields:
    """Return an entry with 0 to 8 boxes; 700 bytes at the average."""
    width, height = draw.choice(SIZES)
    count = 0 if number % WITHOUT_LABEL == 0 else draw.randint(1, MAX_BOXES)
    classes = sorted(draw.sample(range(len(LABELS)), k=min(max(count, 1), draw.randint(1, 4))))
    annotations = [
        {
            "class_id": draw.choice(classes),
            "top": draw.randrange(height - 130),
            "left": draw.randrange(width - 130),
            "width": draw.randrange(8, 130),
            "height": draw.randrange(8, 130),
        }
        for _ in range(count)
    ]
    return {
        "source-ref": source_ref(number),
        attribute: {
            "image_size": [{"width": width, "height": height, "depth": 3}],
            "annotations": annotations,
        },
        f"{attribute}-metadata": {
            "objects": [{"confidence": 1} for _ in annotations],
            "class-map": {str(number): LABELS[number] for number in classes},
            "type": "groundtruth/object-detection",
            "human-annotated": "yes",
            "creation-date": _moment(draw),
            "job-name": f"labeling-job/inspection-{draw.randrange(20)}",
        },
    }


def mixed_names(draw: random.Random, number: int) -> Fields:
    """Name the attribute after its labelling job, as jobs do by default."""
    return boxes(draw, number, f"inspection-{draw.randrange(_ATTRIBUTES):03}")


def image_labels(draw: random.Random, number: int) -> Fields:
    """Return an entry with one to three labels of the image, or none."""
    count = 0 if number % WITHOUT_LABEL == 0 else draw.randint(1, 3)
    return {"source-ref": source_ref(number)} | image_level(draw.sample(LABELS, k=count), _moment(draw))


def unlabelled(_draw: random.Random, number: int) -> Fields:
    return {"source-ref": source_ref(number)}


def with_warnings(draw: random.Random, number: int) -> Fields:
    """Let one entry in ten earn a warning, each of five kinds as often."""
    fields = boxes(draw, number)
    if number % 10:
        return fields
    match number // 10 % 5:
        case 0:
            fields["source-ref"] = fields["source-ref"].replace(".jpg", ".tif")
        case 1:
            fields["reviewed"] = True
        case 2:
            fields["bounding-box-metadata"]["creation-date"] = "01.03.2026"
        case 3:
            for box in fields["bounding-box"]["annotations"]:
                box["left"] = box["left"] + 0.0
        case _:
            fields["bounding-box"]["image_size"][0]["depth"] = 3.0
    return fields


def _moment(draw: random.Random) -> str:
    day, second = divmod(draw.randrange(300 * 86_400), 86_400)
    minutes, seconds = divmod(second, 60)
    return (
        f"2026-{1 + day // 28 % 12:02}-{1 + day % 28:02}T{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"
        f".{draw.randrange(1000):03}Z"
    )


def _compact(fields: Fields) -> bytes:
    return orjson.dumps(fields)


def _spaced(fields: Fields) -> bytes:
    return json.dumps(fields).encode()


def _sorted(fields: Fields) -> bytes:
    return orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)


@dataclass(frozen=True, slots=True)
class Shape:
    """
    One kind of dataset.

    Attributes:
        make: Returns the entry of a number.
        desired: Writes it into the specs.
        observed: Writes it into the listing.
    """

    name: str
    make: Callable[[random.Random, int], Fields]
    desired: Callable[[Fields], bytes] = _compact
    observed: Callable[[Fields], bytes] = _compact


SHAPES: Final = {
    shape.name: shape
    for shape in (
        Shape("boxes", boxes),
        Shape("image-level", image_labels),
        Shape("unlabelled", unlabelled),
        Shape("spaces in the specs", boxes, desired=_spaced),
        Shape("spaces in both", boxes, desired=_spaced, observed=_spaced),
        Shape("keys reordered", boxes, observed=_sorted),
        Shape("10 % warnings", with_warnings),
        Shape("mixed attribute names", mixed_names),
    )
}


def entries(shape: Shape, count: int, seed: int = 1) -> Iterator[Fields]:
    draw = random.Random(seed)
    for number in range(count):
        yield shape.make(draw, number)


def change(fields: Fields, number: int) -> None:
    """Change an entry as a person in the console would: move a box, rename a job, or drop the labels."""
    for key, value in fields.items():
        if isinstance(value, dict) and value.get("annotations") and number % 2:
            value["annotations"][0]["left"] += 1
            return
        if key.endswith("-metadata"):
            value["job-name"] = "labeling-job/changed"
    if len(fields) == 1:
        fields |= image_level([LABELS[number % len(LABELS)]], "2026-03-01T12:00:00")


def write(directory: Path, shape: Shape, count: int) -> tuple[Path, Path]:
    """Write the spec tree and the listing; return the files with the lines of each."""
    specs = directory / "specs"
    specs.mkdir(parents=True)
    (specs / "bench.yaml").write_text(SPEC)
    desired, listed = specs / "train.jsonl", directory / "listed.jsonl"
    with desired.open("wb") as ours, listed.open("wb") as theirs:
        for number, fields in enumerate(entries(shape, count)):
            ours.write(shape.desired(fields) + b"\n")
            if number % CHANGED == 0:
                change(fields, number // CHANGED)
            fields["cl-metadata"] = {"is_labeled": len(fields) > 1}
            theirs.write(shape.observed(fields) + b"\n")
    return desired, listed
