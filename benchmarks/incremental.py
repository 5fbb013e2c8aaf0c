"""What an edit costs in a dataset that was listed before: calls of AWS, whatever else the machine does."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from benchmarks import datasets
from benchmarks.datasets import Fields, Shape, boxes, change
from benchmarks.measure import Setting, reconciler

EDITS = 1_000
FOLDER = 1_000  # images in a folder


def one_edit(setting: Setting) -> list[float]:
    return [_total(_made(setting)["one edit"])]


def pages_of_one_edit(setting: Setting) -> list[float]:
    return [_made(setting)["one edit"].get("ListDatasetEntries", 0)]


def a_folder(setting: Setting) -> list[float]:
    return [_total(_made(setting)["a folder"])]


def nothing(setting: Setting) -> list[float]:
    made = _made(setting)
    return [max(_total(made["plan"]), _total(made["drift"]))]


def _total(calls: Mapping[str, int]) -> int:
    return sum(calls.values())


def _in_folders(draw: random.Random, number: int) -> Fields:
    name = f"s3://acme-inspection/batch-{number // FOLDER:04}/IMG_{number:07}.jpg"
    return boxes(draw, number) | {"source-ref": name}


@lru_cache(maxsize=1)
def _made(setting: Setting) -> Mapping[str, Mapping[str, int]]:
    """Apply a dataset to the embedded emulator, then edit it; return the calls of each command."""
    home = setting.directory / "incremental"
    desired, _ = datasets.write(home, Shape("folders", _in_folders), setting.entries)
    spec = home / "specs" / "bench.yaml"
    spec.write_text(spec.read_text().replace("type: TRAIN}", "type: TRAIN, create: true, region: us-east-1}"))
    _calls(home, "apply")
    made = {"plan": _calls(home, "plan"), "drift": _calls(home, "drift")}
    half = setting.entries // 2
    for name, first, count in (("one edit", half, 1), ("a folder", half // FOLDER * FOLDER, EDITS)):
        _edit(desired, range(first, first + count))
        made[name] = _calls(home, "apply")
    return made


def _edit(path: Path, numbers: range) -> None:
    """Change these lines in the specs, as one commit does."""
    lines = path.read_bytes().splitlines(keepends=True)
    for number in numbers:
        fields = json.loads(lines[number])
        change(fields, number)
        lines[number] = json.dumps(fields).encode() + b"\n"
    path.write_bytes(b"".join(lines))


def _calls(home: Path, command: str) -> Mapping[str, int]:
    out = home / f"{command}.json"
    words = (
        command,
        "--local",
        str(home / "specs"),
        "-o",
        "json",
        *(["--yes"] if command == "apply" else []),
    )
    reconciler(*words, state=home / "state", out=out)
    document: dict[str, Any] = json.loads(out.read_bytes())
    made: dict[str, int] = document["datasets"][0]["calls"]["made"]
    return made
