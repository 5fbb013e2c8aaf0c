"""What panlabel writes in each format, of the same images and boxes, is read as these boxes."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.convert.inputs import BASE, Drawn, boxes, coco, convert, fields, png

# Name there -> name here, and the file or directory in what is written.
FORMATS = {
    "cvat": ("cvat", "annotations.xml"),
    "label-studio": ("labelstudio", "x.json"),
    "vott-json": ("vott", "vott-json-export"),
    "labelme": ("labelme", "annotations"),
    "supervisely": ("supervisely", "."),
    "create-ml": ("createml", "x.json"),
    "via": ("via", "x.json"),
    "via-csv": ("via", "x.csv"),
    "retinanet": ("csv", "x.csv"),
    "openimages": ("csv", "x.csv"),
    "automl-vision": ("csv", "x.csv"),
    "tfod": ("csv", "x.csv"),
    "vott-csv": ("csv", "x.csv"),
}
WITHOUT_EMPTY = {"openimages", "automl-vision", "tfod", "vott-csv"}
"""Tables without a row for an image in which nothing is."""


def drawn(seed: int) -> dict[str, list[Drawn]]:
    draw = random.Random(seed)
    found: dict[str, list[Drawn]] = {}
    for number in range(20):
        found[f"{number:02}.png"] = some = []
        for _ in range(number % 4):
            left, top = draw.randrange(600), draw.randrange(440)
            size = draw.randrange(2, 640 - left + 1), draw.randrange(2, 480 - top + 1)
            some.append(Drawn(draw.choice(("bee", "wild ant", "é")), left, top, *size))
    return found


@pytest.fixture
def panlabel() -> str:
    """Return the program, of the interpreter that ORACLES names, or of this one."""
    find = "import panlabel; print(panlabel.find_panlabel_bin())"
    python = os.environ.get("ORACLES") or sys.executable
    done = subprocess.run([python, "-c", find], capture_output=True, text=True)
    if done.returncode:
        pytest.skip("panlabel is not installed; ORACLES may name an interpreter that has it")
    return done.stdout.strip()


@pytest.mark.slow
@pytest.mark.parametrize("there", FORMATS)
def test_what_panlabel_writes_is_read(there: str, panlabel: str, tmp_path: Path) -> None:
    here, inner = FORMATS[there]
    expected = drawn(7)
    labels = sorted({box.label for some in expected.values() for box in some})
    images = [
        {"id": key, "file_name": name, "width": 640, "height": 480} for key, name in enumerate(expected, 1)
    ]
    notes = [
        {
            "image_id": key,
            "category_id": labels.index(box.label) + 1,
            "bbox": list(box[1:]),
            "area": 4,
            "iscrowd": 0,
        }
        for key, some in enumerate(expected.values(), 1)
        for box in some
    ]
    for key, note in enumerate(notes, 1):
        note["id"] = key
    source, out = coco(tmp_path / "in.json", images, notes, *labels), tmp_path / "out"
    words = ["convert", "--from", "coco", "--to", there, "-i", source, "--allow-lossy", "-o"]
    target = out / inner if inner.startswith("x.") else out
    out.mkdir()
    (tmp_path / "images").mkdir()
    for name in expected:
        (tmp_path / "images" / name).write_bytes(png(640, 480))

    subprocess.run([panlabel, *words, target], check=True, capture_output=True)
    done = convert(here, out / inner, images=tmp_path / "images", basename=True, extension=".png")

    assert [] == done.errors
    kept = {
        f"{BASE}{name}": sorted(some) for name, some in expected.items() if some or there not in WITHOUT_EMPTY
    }
    assert kept == {
        line["source-ref"]: sorted(boxes(line)) if "bounding-box" in line else [] for line in fields(done)
    }
