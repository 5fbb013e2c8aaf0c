"""
Several datasets at once: two of the size that AWS allows at most, so 500,000 entries on each side, and four files.

`plan --observed` takes one dataset. `python -m benchmarks.several SPECS LISTED…` reads a whole tree as the command
does and plans for each of its datasets, in order of their names, against a listing in a file.
"""

from __future__ import annotations

import gc
import os
import shutil
import sys
from contextlib import closing
from pathlib import Path

from benchmarks import datasets
from benchmarks.measure import Cost, Setting, peak_of_tree, reconciler, run
from benchmarks.specs import data
from reconciler.core.planning.diff import Action
from reconciler.engine.dataset.listing import FileListing
from reconciler.engine.dataset.observe_and_plan import plan_against_listing
from reconciler.engine.usecases.spec_tree import read
from reconciler.sources.directory import open_path
from reconciler.sources.load import load

GROWTH = 20
SHORT_RUNS = 5
FILES = 4


def growth(setting: Setting) -> list[float]:
    """Compare two whole datasets with one of the twentieth part of both: 500,000 entries with 25,000."""
    large = 2 * setting.entries
    small = large // GROWTH
    none, few, many = _trees(setting, 1, 1), _trees(setting, small, 1), _trees(setting, setting.entries, 2)
    found = []
    for _ in range(setting.runs):
        with _OneCore():  # two that work at once may be threads of one, and each count the time of the other
            start, one = (min(_plan(*side).cpu for _ in range(SHORT_RUNS)) for side in (none, few))
            other = _plan(*many).cpu
        found.append((other - start) / (one - start) * small / large)
    return found


def memory(setting: Setting) -> list[float]:
    specs, listed = _trees(setting, setting.entries, 2)
    return [peak_of_tree(_command(specs, listed))]


def two_cores(setting: Setting) -> list[float]:
    """Compare the time to validate four files on all cores with that on one."""
    specs, found = _four_files(setting), []
    for _ in range(setting.runs):
        both = reconciler("validate", str(specs), state=setting.directory / "state")
        with _OneCore():
            one = reconciler("validate", str(specs), state=setting.directory / "state")
        found.append(both.wall / one.wall)
    return found


def memory_of_two_cores(setting: Setting) -> list[float]:
    """Compare the most memory of all processes together."""
    command = [sys.executable, "-m", "reconciler", "validate", str(_four_files(setting))]
    both = peak_of_tree(command)
    with _OneCore():
        return [both / peak_of_tree(command)]


class _OneCore:
    """Lets this process, and those that it begins, use one core only."""

    def __enter__(self) -> None:
        self._cores = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {min(self._cores)})

    def __exit__(self, *_: object) -> None:
        os.sched_setaffinity(0, self._cores)


def _four_files(setting: Setting) -> Path:
    """Split the lines into four files, each of a dataset of its own."""
    specs, _ = data(setting, datasets.SHAPES["boxes"])
    split = setting.directory / "split"
    if not split.exists():
        lines = (specs / "train.jsonl").read_bytes().splitlines(keepends=True)
        size = -(-len(lines) // FILES)
        for number in range(FILES):
            home = _home(split, number)
            (home / "train.jsonl").write_bytes(b"".join(lines[number * size : (number + 1) * size]))
    return split


def _trees(setting: Setting, entries: int, count: int) -> tuple[Path, list[Path]]:
    """Return a tree of as many datasets of the same entries, and the listing of each."""
    specs, listed = data(setting, datasets.SHAPES["boxes"], entries)
    tree = setting.directory / f"several-{count}-{entries}"
    if not tree.exists():
        for number in range(count):
            shutil.copyfile(specs / "train.jsonl", _home(tree, number) / "train.jsonl")
    return tree, [listed] * count


def _home(tree: Path, number: int) -> Path:
    """Make the directory of one dataset, with its document."""
    home = tree / f"part-{number}"
    home.mkdir(parents=True)
    spec = datasets.SPEC.replace("name: bench", f"name: bench-{number}")
    (home / "bench.yaml").write_text(spec.replace("project: bench", f"project: bench-{number}"))
    return home


def _plan(specs: Path, listed: list[Path]) -> Cost:
    return run(_command(specs, listed))


def _command(specs: Path, listed: list[Path]) -> list[str]:
    return [sys.executable, "-m", "benchmarks.several", str(specs), *map(str, listed)]


def main(specs: str, *listed: str) -> None:
    gc.set_threshold(200_000)  # as the program does
    opened = open_path(Path(specs))
    with closing(read(load(opened.tree, opened.only))) as found:
        plans = []
        for desired, path in zip(found.datasets, listed, strict=True):
            with closing(FileListing(Path(path))) as listing:
                plans.append(plan_against_listing(desired, listing))
            updates = sum(change.action is Action.UPDATE for change in plans[-1].plan.changes)
            if updates != -(-desired.entries // datasets.CHANGED):
                raise SystemExit(f"the plan is wrong: {updates} updates")


if __name__ == "__main__":
    main(*sys.argv[1:])
