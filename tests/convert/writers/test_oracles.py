"""The libraries that formats are made for read what is exported, and see the same boxes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from reconciler.convert.record import LabelledBox
from reconciler.core.spec.labelling import image_level, located
from tests.builders import CREATED, line
from tests.convert import exports

LIBRARIES = {"coco": "pycocotools", "hf": "datasets", "croissant": "mlcroissant"}
LATER = "2026-03-02T08:00:00.120500"

BEE, QUEEN = LabelledBox("bee", 1, 2, 30, 40), LabelledBox("q “é” 😀", 5, 6, 70, 80)
DRAWN: dict[str, dict[str, Any]] = {
    "train": {"0": None, "1": [], "a": [BEE, QUEEN], "c": None},
    "test": {"d": [LabelledBox("wasp", 0, 0, 640, 480)], "c": None},
}


def lines(split: str) -> list[bytes]:
    """Return a line with boxes, one without objects, one with labels, and an unlabelled one."""
    labelled = {"c": image_level(["bee"], LATER)}
    return [
        line(name, **labelled.get(name, {}) if boxes is None else located(boxes, (640, 480), CREATED))
        for name, boxes in DRAWN[split].items()
    ]


@pytest.fixture
def python() -> str:
    """Return an interpreter that has the libraries: the one that ORACLES names, or this one."""
    return os.environ.get("ORACLES") or sys.executable


@pytest.mark.slow
@pytest.mark.parametrize("name", LIBRARIES)
def test_the_library_of_a_format_reads_it(name: str, python: str, tmp_path: Path) -> None:
    """Every image with its boxes, of both splits; what was not annotated stays apart from what is empty."""
    if subprocess.run([python, "-c", f"import {LIBRARIES[name]}"], capture_output=True).returncode:
        pytest.skip(f"{LIBRARIES[name]} is not installed; ORACLES may name an interpreter that has it")
    given = {split: lines(split) for split in DRAWN}
    exports.export(name, tmp_path, **given)
    exports.put_images(tmp_path, [raw for some in given.values() for raw in some])

    done = subprocess.run(
        [python, str(Path(__file__).with_name("oracles.py")), name, str(tmp_path)],
        capture_output=True,
        text=True,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HOME": str(tmp_path / "home")},
    )

    assert 0 == done.returncode, done.stderr[-2_000:]
    assert expected(name) == json.loads(done.stdout.splitlines()[-1])


def expected(name: str) -> dict[str, Any]:
    """Return split -> image -> boxes; COCO has no images but those annotated, by their names."""
    found = {
        split: {
            f"s3://b/{image}.jpg": None if boxes is None else [list(box) for box in boxes]
            for image, boxes in images.items()
        }
        for split, images in DRAWN.items()
    }
    if name != "coco":
        return found
    return {
        split: {ref.removeprefix("s3://b/"): boxes for ref, boxes in images.items() if boxes is not None}
        for split, images in found.items()
    }
