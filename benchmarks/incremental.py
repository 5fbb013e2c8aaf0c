"""
What an edit costs in a dataset that was listed before: calls of AWS, and seconds until a controller has proved it.

AWS is the emulator, in the same process as the command or the controller.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from benchmarks import datasets
from benchmarks.datasets import Fields, Shape, boxes, change
from benchmarks.measure import Setting, loads, reconciler

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


def nothing_cpu(setting: Setting) -> list[float]:
    """Return the CPU of `plan` and of `drift`, whichever is more, beyond that for a dataset with one entry."""
    _made(setting)
    whole, one = setting.directory / "incremental", setting.directory / "incremental-one"
    if not one.exists():
        _written(one, 1)
    for home in (one, whole):
        _run(home, "apply", cache=home / "cache")
    found = []
    for _ in range(setting.runs):
        most = max(
            _run(whole, command, cache=whole / "cache") - _run(one, command, cache=one / "cache")
            for command in ("plan", "drift")
        )
        found.append(most / loads(whole / "specs" / "train.jsonl"))
    return found


def seconds_to_proof(setting: Setting) -> list[float]:
    """
    Edit one line below a controller that runs, and return the seconds until it has proved that the edit arrived.

    The time of the update itself is that of AWS, and left out.
    """
    _made(setting)
    home = setting.directory / "incremental"
    path, found = home / "specs" / "train.jsonl", []
    with _controller(home) as log:
        _event(log, "cycle.finished")
        for number in range(setting.runs):
            edited = home / "edited"
            edited.write_bytes(path.read_bytes())
            _edit(edited, range(number, number + 1))
            began = time.time()
            edited.replace(path)
            begun, ended = _event(log, "update.submitted"), _event(log, "update.finished")
            proved = _event(log, "verify.finished")
            found.append(proved - began - (ended - begun))
            _event(log, "cycle.finished")
    return found


@contextmanager
def _controller(home: Path) -> Iterator[Iterator[Mapping[str, Any]]]:
    """Run the controller, and give the events of its log as they come."""
    words = ("--state-dir", str(home / "state"), "--log-format", "json", "run", "--local")
    command = [sys.executable, "-m", "reconciler", *words, "--listen", "127.0.0.1:0", str(home / "specs")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        if process.stderr is None:
            raise SystemExit("the controller has no log")
        try:
            yield map(json.loads, process.stderr)
        finally:
            process.terminate()
            process.wait()


def _event(log: Iterator[Mapping[str, Any]], name: str) -> float:
    """Return the time of the next event of a name."""
    for event in log:
        if event["event"] == name:
            return datetime.fromisoformat(event["timestamp"]).timestamp()
    raise SystemExit(f"the controller ended before {name}")


def _total(calls: Mapping[str, int]) -> int:
    return sum(calls.values())


def _in_folders(draw: random.Random, number: int) -> Fields:
    name = f"s3://acme-inspection/batch-{number // FOLDER:04}/IMG_{number:07}.jpg"
    return boxes(draw, number) | {"source-ref": name}


@lru_cache(maxsize=1)
def _made(setting: Setting) -> Mapping[str, Mapping[str, int]]:
    """Apply a dataset to the embedded emulator, then edit it; return the calls of each command."""
    home = setting.directory / "incremental"
    desired = _written(home, setting.entries)
    _calls(home, "apply")
    made = {"plan": _calls(home, "plan"), "drift": _calls(home, "drift")}
    half = setting.entries // 2
    for name, first, count in (("one edit", half, 1), ("a folder", half // FOLDER * FOLDER, EDITS)):
        _edit(desired, range(first, first + count))
        made[name] = _calls(home, "apply")
    return made


def _written(home: Path, entries: int) -> Path:
    """Write a spec tree whose dataset may be created, and return the file with its lines."""
    desired, _ = datasets.write(home, Shape("folders", _in_folders), entries)
    spec = home / "specs" / "bench.yaml"
    spec.write_text(spec.read_text().replace("type: TRAIN}", "type: TRAIN, create: true, region: us-east-1}"))
    return desired


def _edit(path: Path, numbers: range) -> None:
    """Change these lines in the specs, as one commit does."""
    lines = path.read_bytes().splitlines(keepends=True)
    for number in numbers:
        fields = json.loads(lines[number])
        change(fields, number)
        lines[number] = json.dumps(fields).encode() + b"\n"
    path.write_bytes(b"".join(lines))


def _calls(home: Path, command: str) -> Mapping[str, int]:
    _run(home, command)
    document: dict[str, Any] = json.loads((home / f"{command}.json").read_bytes())
    made: dict[str, int] = document["datasets"][0]["calls"]["made"]
    return made


def _run(home: Path, command: str, cache: Path | None = None) -> float:
    """Run a command, keep its document, and return its CPU seconds."""
    words = (
        command,
        "--local",
        str(home / "specs"),
        "-o",
        "json",
        *(["--yes"] if command == "apply" else []),
    )
    return reconciler(*words, state=home / "state", out=home / f"{command}.json", cache=cache).cpu
