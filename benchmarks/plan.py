"""
The budget of a cold plan: CPU against `orjson.loads` over the same lines, and peak memory.

    python -m benchmarks.plan [--entries 250000] [--changed 100] [--reordered] [--image-level] [--alike]
        [--spaces specs|both]

Writes a spec and a listing of so many entries to a temporary directory, has `reconciler plan --observed`
compare them in a process of its own, and prints both sides of the budget: at most 3 times the CPU that
`orjson.loads` needs for all lines of both files, and at most 250 MB. On a machine that others use, too, a single
run says little; the last line adds them up.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import orjson

from reconciler.core.spec import labelling

SPEC = """\
apiVersion: reconciler/v1
kind: Dataset
metadata: {name: bench}
spec:
  target: {project: bench, type: TRAIN}
  entries: [{file: train.jsonl}]
  policy: {mode: upsert}
  limits: {maxChanges: 1000000, maxChangeRatio: 1.0}
"""
LABELS = ("crack", "dent", "scratch")


def boxed(number: int, variant: int) -> dict[str, object]:
    """Return a bounding-box entry of some 700 bytes; up to 200,000 variants are all different."""
    left, top = variant % 500, variant // 500 % 400
    boxes = [
        {"class_id": box % 3, "top": top + box, "left": left, "width": 100, "height": 50 + box}
        for box in range(4)
    ]
    return {
        "source-ref": f"s3://acme-inspection/line-{number % 7}/IMG_{number:07}.jpg",
        "bounding-box": {"image_size": [{"width": 640, "height": 480, "depth": 3}], "annotations": boxes},
        "bounding-box-metadata": {
            "objects": [{"confidence": 1}] * len(boxes),
            "class-map": {str(index): label for index, label in enumerate(LABELS)},
            "type": "groundtruth/object-detection",
            "human-annotated": "yes",
            "creation-date": "2026-03-01T12:00:00.000Z",
            "job-name": "labeling-job/inspection",
        },
    }


def image_level(number: int, variant: int) -> dict[str, object]:
    """Return an image-level entry of two labels, in the shape of AWS's flowers sample, of some 600 bytes."""
    fields: dict[str, object] = {
        "source-ref": f"s3://acme-flowers/assets/flowers_1/species-{number % 40:02}/IMG_{number:07}.jpg"
    }
    labels = f"species_{number % 40}", "with_leaves" if number % 3 else "without_leaves"
    created_at = f"2021-07-11T03:{variant % 60:02}:{variant % 59:02}.{variant % 1000:03}Z"
    return fields | labelling.image_level(labels, created_at)


def generate(
    directory: Path,
    entries: int,
    changed: int,
    *,
    reordered: bool,
    alike: bool,
    spaces: str,
    make: Callable[[int, int], dict[str, object]],
) -> None:
    """Write the spec tree and, beside it, the listing that AWS would give."""
    specs = directory / "specs"
    specs.mkdir()
    (specs / "bench.yaml").write_text(SPEC)
    every = max(1, entries // changed) if changed else 0
    option = orjson.OPT_SORT_KEYS if reordered else 0
    with (specs / "train.jsonl").open("wb") as desired, (directory / "listed.jsonl").open("wb") as listed:
        for number in range(entries):
            fields = make(number, number % 40 if alike else number)
            desired.write((json.dumps(fields).encode() if spaces else orjson.dumps(fields)) + b"\n")
            if every and number % every == 0:
                name = next(name for name in fields if name.endswith("-metadata"))
                fields[name]["job-name"] = "labeling-job/changed"  # type: ignore[index]
            fields["cl-metadata"] = {"is_labeled": True}
            listed.write(
                (json.dumps(fields).encode() if spaces == "both" else orjson.dumps(fields, option=option))
                + b"\n"
            )


def floor(*paths: Path) -> float:
    """Return the CPU seconds of `orjson.loads` over all lines, one file at a time in memory."""
    total = 0.0
    for path in paths:
        lines = path.read_bytes().splitlines()
        start = time.process_time()
        for line in lines:
            orjson.loads(line)
        total += time.process_time() - start
    return total


def floor_alone(*paths: Path) -> float:
    """Measure it in a process of its own: on Linux a child's peak memory starts at that of its parent."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(floor, *paths).result()


def measure(directory: Path) -> tuple[float, float, dict[str, int]]:
    """Run the plan; return its CPU seconds, its peak memory in MB, and its counts."""
    command = [sys.executable, "-m", "reconciler", "--state-dir", str(directory / "state"), "plan"]
    command += [str(directory / "specs"), "--observed", str(directory / "listed.jsonl"), "-o", "json"]
    with (directory / "plan.json").open("wb") as out:
        process = subprocess.Popen(command, stdout=out)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"the plan failed with exit code {process.returncode}")
    counts = json.loads((directory / "plan.json").read_bytes())["datasets"][0]["counts"]
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--entries", type=int, default=250_000)
    parser.add_argument("--changed", type=int, default=100)
    parser.add_argument("--reordered", action="store_true", help="the service sorts the keys of every line")
    parser.add_argument(
        "--image-level", action="store_true", help="two labels an image instead of four boxes"
    )
    parser.add_argument("--alike", action="store_true", help="but for the image, few lines differ")
    parser.add_argument(
        "--spaces", choices=("specs", "both"), default="", help="where lines have spaces, as of json.dumps"
    )
    parser.add_argument("--runs", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        make = image_level if args.image_level else boxed
        generate(
            directory,
            args.entries,
            args.changed,
            reordered=args.reordered,
            alike=args.alike,
            spaces=args.spaces,
            make=make,
        )
        files = (directory / "specs" / "train.jsonl", directory / "listed.jsonl")
        total = floors = 0.0
        for _ in range(args.runs):
            # Once before and once after: the speed of a machine that others use drifts within seconds.
            before = floor_alone(*files)
            cpu, memory, counts = measure(directory)
            base = (before + floor_alone(*files)) / 2
            total, floors = total + cpu, floors + base
            print(
                f"{args.entries} x 2 entries: plan {cpu:.2f} s CPU, orjson.loads {base:.2f} s, "
                f"ratio {cpu / base:.2f}; peak {memory:.0f} MB; {counts}"
            )
        print(f"{args.runs} runs: ratio {total / floors:.2f}")


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    main()
