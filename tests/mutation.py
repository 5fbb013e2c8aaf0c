"""
Break the program on purpose, a little and at random, and see whether a test notices: ``python3 dev.py mutate``.

Cosmic Ray lists every small change that it could make, and makes those that are drawn, each in a copy of the
checkout. A change that no test of its part notices has survived: it changes nothing, or a promise is not held.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from queue import SimpleQueue
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).parents[1]
SCORE = Path(__file__).with_suffix(".yaml")
TOOLS = ROOT / ".venv-mutation"

# Which tests belong to which part of the package, beside those that mirror a module.
TESTS = {
    "core": ("tests/core", "tests/propose"),
    "engine": ("tests/engine", "tests/propose"),
    "sources": ("tests/sources", "tests/blackbox/test_sources.py"),
}

# Changes that mean nothing: `X | None` is an annotation; `is` and `==` are the same of small numbers and enums.
MEANINGLESS = re.compile(
    r"BinaryOperator_BitOr_|Operator_\w+_Is(Not)?$|Operator_Is_Eq$|Operator_IsNot_NotEq$|RemoveDecorator"
)

MOST_SECONDS = 1_800
"""After this a change counts as noticed: not even pytest's own time limit ends the tests."""


class Change(NamedTuple):
    """One small change that could be made."""

    family: str
    module: str
    line: int
    column: int
    operator: str
    occurrence: int

    def __str__(self) -> str:
        return f"{self.module}:{self.line} {self.operator.removeprefix('core/')}"


def changes(family: str, tool: Path, directory: Path) -> list[Change]:
    """Return every change that could be made to one part of the package."""
    config, session = directory / f"{family}.toml", directory / f"{family}.sqlite"
    config.write_text(
        f'[cosmic-ray]\nmodule-path = "reconciler/{family}"\ntimeout = 1.0\nexcluded-modules = []\n'
        'test-command = "false"\ndistributor.name = "local"\n'
    )
    _run([tool, "init", config, session], ROOT)
    return [
        Change(family, of["module_path"], *of["start_pos"], of["operator_name"], of["occurrence"])
        for line in _run([tool, "dump", session], ROOT).splitlines()
        for of in json.loads(line)[0]["mutations"]
        if not MEANINGLESS.search(of["operator_name"])
        and not _decorates(of["module_path"], of["start_pos"][0])
    ]


def _decorates(module: str, line: int) -> bool:
    """Tell whether a line is a decorator: whether a dataclass is frozen is for the type checker to hold."""
    return _lines_of(module)[line - 1].lstrip().startswith("@")


@cache
def _lines_of(module: str) -> list[str]:
    return (ROOT / module).read_text().splitlines()


def drawn(found: list[Change], count: int, seed: int) -> list[Change]:
    """Draw places, each with one of its changes: a comparison has many, and is no more important for that."""
    places: dict[tuple[str, int, int], list[Change]] = {}
    for change in sorted(found):
        places.setdefault(change[1:4], []).append(change)
    dice = random.Random(seed)
    picked = dice.sample(sorted(places), min(count, len(places)))
    return [dice.choice(places[place]) for place in picked]


def is_noticed(change: Change, tool: Path, copy: Path) -> bool:
    """Make the change in a copy of the checkout, run the tests that belong to it, and take it back."""
    module = copy / change.module
    before = module.read_bytes()
    _run([tool, "apply", change.module, change.operator, str(change.occurrence)], copy)
    mirrors = list(_mirrors_of(change))
    try:
        # Most changes are noticed here, in a second: to collect all tests of a part takes ten.
        return bool(mirrors and fails(copy, *mirrors)) or fails(copy, *TESTS[change.family])
    finally:
        module.write_bytes(before)


def fails(copy: Path, *tests: str, seconds: int = 120) -> bool:
    """Run tests until the first fails; those that take too long, as on a busy machine, are given much longer."""
    words = ["-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", f"--timeout={seconds}", *tests]
    variables = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            [sys.executable, *words], cwd=copy, env=variables, capture_output=True, timeout=MOST_SECONDS
        )
    except subprocess.TimeoutExpired:
        return True
    if done.returncode and b"Timeout (>" in done.stdout and seconds == 120:
        return fails(copy, *tests, seconds=900)
    return done.returncode != 0


def _mirrors_of(change: Change) -> Iterator[str]:
    """Give the tests that mirror a module or its package."""
    parts = Path(change.module).relative_to("reconciler").with_suffix("").parts
    for depth in range(len(parts), 1, -1):
        mirror = Path("tests", *parts[: depth - 1], f"test_{parts[depth - 1]}.py")
        if (ROOT / mirror).exists():
            yield str(mirror)


def tried(picked: list[Change], tool: Path, directory: Path, jobs: int) -> list[Change]:
    """Try every change, *jobs* of them at a time; return those that survived."""
    copies: SimpleQueue[Path] = SimpleQueue()
    for number in range(jobs):
        copies.put(copy := _copied(directory / picked[0].family / str(number)))
    if fails(copy, *TESTS[picked[0].family]):
        sys.exit(f"mutate: the tests of {picked[0].family} fail although nothing was changed")

    def attempt(change: Change) -> Change | None:
        copy = copies.get()
        try:
            noticed = is_noticed(change, tool, copy)
        finally:
            copies.put(copy)
        print(f"{'noticed ' if noticed else 'SURVIVED'}  {change}", flush=True)
        return None if noticed else change

    with ThreadPoolExecutor(jobs) as pool:
        return [change for change in pool.map(attempt, picked) if change is not None]


def _copied(copy: Path) -> Path:
    names = _run(["git", "ls-files", "-z"], ROOT).split("\0")
    for name in filter(None, names):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, copy / name, follow_symlinks=False)
    return copy


def _tool() -> Path:
    """Return the tool, in an environment of its own: it needs nothing of ours."""
    tool = TOOLS / "bin" / "cosmic-ray"
    if not tool.exists():
        _run([sys.executable, "-m", "venv", "--clear", TOOLS], ROOT)
        pinned = ["--require-hashes", "-r", "requirements.mutation.lock.txt"]  # not all of it is in wheels
        _run([TOOLS / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", *pinned], ROOT)
    return tool


def _run(command: list[Any], directory: Path) -> str:
    done = subprocess.run(list(map(str, command)), cwd=directory, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"mutate: {command[0]} exited {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def main() -> None:
    parser = argparse.ArgumentParser(prog="dev.py mutate", description=__doc__)
    parser.add_argument("--sample", type=int, default=200, help="changes in all (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the drawing (default: %(default)s)")
    parser.add_argument("--family", action="append", choices=TESTS, help="only this part; may be repeated")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, help="changes at a time (default: one a core)"
    )
    parser.add_argument("--write", action="store_true", help=f"write the score to {SCORE.relative_to(ROOT)}")
    arguments = parser.parse_args()
    families = arguments.family or list(TESTS)
    directory, tool, begun = ROOT / ".mutation", _tool(), time.monotonic()
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    scores = yaml.safe_load(SCORE.read_text()) if SCORE.exists() else {}
    for family in families:
        picked = drawn(changes(family, tool, directory), arguments.sample // len(families), arguments.seed)
        survivors = tried(picked, tool, directory, arguments.jobs)
        noticed = len(picked) - len(survivors)
        print(
            f"{family}: {noticed} of {len(picked)} noticed, {100 * noticed / len(picked):.0f} %", flush=True
        )
        scores[family] = {
            "changes": len(picked),
            "noticed": noticed,
            "seed": arguments.seed,
            "commit": _run(["git", "rev-parse", "--short", "HEAD"], ROOT).strip(),
            "survivors": sorted(map(str, survivors)),
        }
    print(f"in {(time.monotonic() - begun) / 60:.0f} minutes")
    shutil.rmtree(directory)
    if arguments.write:
        SCORE.write_text(yaml.safe_dump(scores, sort_keys=False, width=110))


if __name__ == "__main__":
    main()
