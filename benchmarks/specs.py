"""What plan, validate, explain and the drift report cost; AWS is not asked."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import datasets
from benchmarks.datasets import SHAPES, Shape
from benchmarks.measure import Cost, Setting, cpu_of, loads, reconciler
from reconciler.core.drift.report import Drift
from reconciler.core.planning.diff import Action
from reconciler.engine.dataset.desired import Desired
from reconciler.engine.dataset.listing import FileListing
from reconciler.engine.dataset.observe_and_plan import Planned, explained, plan_against_listing
from reconciler.engine.usecases.drift import drift_of
from reconciler.engine.usecases.spec_tree import read
from reconciler.reports.registry import RenderOptions, render
from reconciler.reports.screen import PLAIN
from reconciler.sources.directory import open_path
from reconciler.sources.load import load

DRIFTED = 5_000


def data(setting: Setting, shape: Shape, entries: int | None = None) -> tuple[Path, Path]:
    """Return the spec tree of a shape and its listing, written once for all budgets."""
    count = entries or setting.entries
    home = setting.directory / f"{shape.name}-{count}"
    if not home.exists():
        datasets.write(home, shape, count)
    return home / "specs", home / "listed.jsonl"


def cold_plan(setting: Setting, shape: Shape) -> list[float]:
    specs, listed = data(setting, shape)
    found = []
    for _ in range(setting.runs):
        before = loads(specs / "train.jsonl", listed)
        cost = plan(setting, specs, listed)
        found.append(cost.cpu / min(before, loads(specs / "train.jsonl", listed)))
    return found


def memory(setting: Setting) -> list[float]:
    return [plan(setting, *data(setting, SHAPES["boxes"])).peak_mb]


def plan(setting: Setting, specs: Path, listed: Path) -> Cost:
    """Plan against a listing in a file, and check that every changed entry is in the plan."""
    out = setting.directory / "plan.json"
    state = setting.directory / "state"
    cost = reconciler("plan", str(specs), "--observed", str(listed), "-o", "json", state=state, out=out)
    counts = json.loads(out.read_bytes())["datasets"][0]["counts"]
    if counts["update"] != -(-counts["desired"] // datasets.CHANGED):
        raise SystemExit(f"the plan is wrong: {counts}")
    return cost


@contextmanager
def planned(specs: Path, listed: Path) -> Iterator[tuple[Desired, Planned]]:
    """Plan in this process."""
    opened = open_path(specs)
    (desired,) = read(load(opened.tree, opened.only)).datasets
    listing = FileListing(listed)
    yield desired, plan_against_listing(desired, listing)
    listing.close()
    desired.close()


def explain(setting: Setting) -> list[float]:
    with planned(*data(setting, SHAPES["boxes"])) as (desired, seen):
        updates = sum(change.action is Action.UPDATE for change in seen.plan.changes)
        explained(seen.plan, seen.composer, desired)  # the first loads DeepDiff
        costs = [cpu_of(lambda: explained(seen.plan, seen.composer, desired)) for _ in range(setting.runs)]
    return [1e6 * cost / updates for cost in costs]


def validate_again(setting: Setting) -> list[float]:
    """Validate, change 1 % of the lines, and measure the second run."""
    specs, _ = data(setting, SHAPES["boxes"])
    copy = setting.directory / "again"
    found = []
    for seed in range(setting.runs):
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(specs, copy)
        state = setting.directory / f"again-{seed}-state"
        reconciler("validate", str(copy), state=state, cache=state)
        _edit(copy / "train.jsonl", seed)
        before = loads(copy / "train.jsonl")
        cost = reconciler("validate", str(copy), state=state, cache=state)
        found.append(cost.cpu / min(before, loads(copy / "train.jsonl")))
    return found


def _edit(path: Path, seed: int) -> None:
    draw = random.Random(seed)
    lines = path.read_bytes().splitlines(keepends=True)
    for number in draw.sample(range(len(lines)), k=max(1, len(lines) // datasets.CHANGED)):
        lines[number] = lines[number].replace(b"inspection-", b"inspection-again-")
    path.write_bytes(b"".join(lines))


def validate_wrong(setting: Setting) -> list[float]:
    """Let one line in 25 be wrong, each of four kinds as often."""
    specs, _ = data(setting, SHAPES["boxes"])
    wrong = setting.directory / "wrong"
    shutil.copytree(specs, wrong, dirs_exist_ok=True)
    lines = (specs / "train.jsonl").read_bytes().splitlines(keepends=True)
    for number in range(0, len(lines), 25):
        old, new = _FAULTS[number // 25 % len(_FAULTS)]
        lines[number] = lines[number].replace(old, new)
    (wrong / "train.jsonl").write_bytes(b"".join(lines))
    state = setting.directory / "state"
    found = []
    for _ in range(setting.runs):
        clean = reconciler("validate", str(specs), "-o", "json", state=state)
        broken = reconciler("validate", str(wrong), "-o", "json", state=state, codes=(5,))
        found.append(broken.cpu / clean.cpu)
    return found


_FAULTS = (
    (b'"type":"groundtruth/object-detection"', b'"type":"groundtruth/polygons"'),
    (b'"human-annotated":"yes"', b'"human-annotated":"maybe"'),
    (b'"depth":3', b'"depth":"3"'),
    (b"s3://", b"https://"),
)


def drift_cpu(setting: Setting) -> list[float]:
    return [cost for cost, _ in _drift_pages(setting)]


def drift_page(setting: Setting) -> list[float]:
    return [len(drift_html(setting)) / 1e6]


def drift_html(setting: Setting) -> bytes:
    """Return the page of 5,000 drifted entries."""
    return next(page for _, page in _drift_pages(setting))


def _drift_pages(setting: Setting) -> Iterator[tuple[float, bytes]]:
    """Yield the CPU seconds, and the page of 5,000 drifted entries."""
    specs, listed = data(setting, SHAPES["boxes"], DRIFTED)
    drifted = listed.with_name("drifted.jsonl")
    with drifted.open("wb") as stream:
        for number, line in enumerate(listed.read_bytes().splitlines()):
            fields = json.loads(line)
            datasets.change(fields, number)
            stream.write(json.dumps(fields, separators=(",", ":")).encode() + b"\n")
    for _ in range(setting.runs):
        pages: list[bytes] = []

        def report(pages: list[bytes] = pages) -> None:
            with planned(specs, drifted) as (desired, seen):
                drift = Drift((drift_of(desired, seen),))
                pages.append(b"".join(render("drift", "html", drift, RenderOptions(PLAIN))))

        cost = cpu_of(report)
        yield cost, pages[0]
