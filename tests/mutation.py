"""
Break the program on purpose, a little and at random, and see whether a test notices: ``python3 dev.py mutate``.

Cosmic Ray lists every small change that it could make, and makes those that are drawn, each in a copy of
the checkout. The tests run once under coverage, which takes minutes and is kept in `.mutation`
until they or the program change. A change is then tried with the tests that mirror its module, and with
those that execute its line, the cheapest first; where none does (a constant, a default), with those that
execute anything of its module.

A change that none of these notices has survived: it changes nothing, or no test holds a promise. The former
are moved by hand from `survivors` to `without_effect`, each with a reason that a reader can check. The score
is a lower bound, for some tests are left out: the slow lanes, those that reach a line only in another process
or by what an earlier test cached, and those after the first TESTS_OF_A_CHANGE_SECONDS.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import multiprocessing
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import cache
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import pytest
import yaml

from tests import forked
from tests.covering import Covered, Map, digest_of, digest_of_tests, measured

ROOT = Path(__file__).parents[1]
SCORE = Path(__file__).with_suffix(".yaml")
TOOLS = ROOT / ".venv-mutation"

FAMILIES = ("core", "engine", "sources")

# Tests that run the program in their own process, where its lines are seen.
TESTS = tuple(
    f"tests/{name}" for name in ("core", "engine", "propose", "sources", "cli", "reports", "server", "state")
)

# Changes that mean nothing: `X | None` is an annotation; `is` and `==` are the same of small numbers and enums.
MEANINGLESS = re.compile(
    r"BinaryOperator_BitOr_|Operator_\w+_Is(Not)?$|Operator_Is_Eq$|Operator_IsNot_NotEq$|RemoveDecorator"
)

TESTS_OF_A_CHANGE_SECONDS = 60
"""The processor time of the tests that a change is tried with, as measured without it, in each of two runs."""


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
    """Return every change that could be made to one part of the package; those of an unchanged part are kept."""
    kept = directory / f"{family}-{digest_of(f'reconciler/{family}')}.json"
    if not kept.exists():
        config, session = directory / f"{family}.toml", directory / f"{family}.sqlite"
        session.unlink(missing_ok=True)
        config.write_text(
            f'[cosmic-ray]\nmodule-path = "reconciler/{family}"\ntimeout = 1.0\nexcluded-modules = []\n'
            'test-command = "false"\ndistributor.name = "local"\n'
        )
        _run([tool, "init", config, session], ROOT)
        of_lines = [
            json.loads(line)[0]["mutations"] for line in _run([tool, "dump", session], ROOT).splitlines()
        ]
        found = [
            (of["module_path"], *of["start_pos"], of["operator_name"], of["occurrence"])
            for mutations in of_lines
            for of in mutations
        ]
        kept.write_text(json.dumps(found))
    every = [Change(family, *change) for change in json.loads(kept.read_text())]
    return [
        change
        for change in every
        if not MEANINGLESS.search(change.operator) and not _decorates(change.module, change.line)
    ]


# Run by the Python of the tool, whose command takes a second for each change.
MAKE = """
import json, sys
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator
for module, operator, occurrence in json.load(sys.stdin):
    with open(module, encoding="utf-8") as file:
        print(json.dumps(mutate_code(file.read(), get_operator(operator)(), occurrence)), flush=True)
"""


def made(picked: list[Change], tool: Path) -> list[str]:
    """Return the module of each change as it reads with the change."""
    wanted = json.dumps([(change.module, change.operator, change.occurrence) for change in picked])
    return [
        json.loads(line) for line in _run([tool.with_name("python"), "-c", MAKE], ROOT, wanted).splitlines()
    ]


def _decorates(module: str, line: int) -> bool:
    """Return whether a line is a decorator: whether a dataclass is frozen is for the type checker to hold."""
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


def tests_of(change: Change, covering: Map) -> list[dict[str, Covered]]:
    """Return the tests to try a change with, in two runs: those that mirror its module, then all others."""
    lines = _statement_at(change.module, change.line)
    reached = {test: covered.lines.get(change.module, []) for test, covered in covering.items()}
    hitting = {test for test, found in reached.items() if found is None or not lines.isdisjoint(found)}
    touching = hitting or {test for test, found in reached.items() if found}
    mirrors = set(_mirrors_of(change))
    mirroring = {test for test in covering if test.partition("::")[0] in mirrors}

    def cheapest(tests: set[str]) -> dict[str, Covered]:
        chosen, seconds = {}, 0.0
        for test in sorted(tests, key=lambda test: (test not in hitting, covering[test].seconds)):
            seconds += covering[test].seconds
            if chosen and seconds > TESTS_OF_A_CHANGE_SECONDS:
                break
            chosen[test] = covering[test]
        return chosen

    return [chosen for chosen in (cheapest(mirroring), cheapest(touching - mirroring)) if chosen]


def _statement_at(module: str, line: int) -> set[int]:
    """Return the lines of the statement at a line; of a compound one, those of its head."""
    found = {line}
    for node in ast.walk(ast.parse("\n".join(_lines_of(module)))):
        if isinstance(node, ast.stmt) and node.end_lineno:
            body = getattr(node, "body", None)
            last = body[0].lineno - 1 if body else node.end_lineno
            if node.lineno <= line <= last:
                found = set(range(node.lineno, last + 1))  # inner statements come later
    return found


def noticing(change: Change, text: str, copy: Path, covering: Map) -> str | None:
    """Make the change in a copy of the checkout, and take it back; return the test that notices it, if any."""
    module = copy / change.module
    before = module.read_bytes()
    module.write_text(text, "utf-8")
    try:
        return next(filter(None, (failing(copy, tests) for tests in tests_of(change, covering))), None)
    finally:
        module.write_bytes(before)
        _forget_bytecode(module)


def _forget_bytecode(module: Path) -> None:
    """Remove the bytecode: Python knows it by second and size, which the change may share with the original."""
    for compiled in module.parent.glob(f"__pycache__/{module.stem}.*.pyc"):
        compiled.unlink()


def failing(copy: Path, tests: dict[str, Covered]) -> str | None:
    """Run tests until the first fails, and return its name; one that takes much longer than before fails."""
    limits = {test: 60 + 60 * covered.seconds for test, covered in tests.items()}
    chosen = copy.with_suffix(".json")
    chosen.write_text(json.dumps(limits))
    files = dict.fromkeys(test.partition("::")[0] for test in tests)
    words = ["-q", "-x", "-p", "no:cacheprovider", "--hypothesis-seed=0", f"--chosen={chosen}", *files]
    output = copy.with_suffix(".txt")
    code = forked.pytest(words, copy, output, seconds=10 * TESTS_OF_A_CHANGE_SECONDS)
    if code in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        return None
    text = output.read_text("utf-8", "replace")
    found = re.search(r"^(?:FAILED|ERROR) (\S+)", text, re.MULTILINE)
    return (found[1] if found else f"exit {code}") + (" (time limit)" if "Timeout (>" in text else "")


def _mirrors_of(change: Change) -> Iterator[str]:
    """Yield the tests that mirror a module or its package."""
    parts = Path(change.module).relative_to("reconciler").with_suffix("").parts
    for depth in range(len(parts), 1, -1):
        yield str(Path("tests", *parts[: depth - 1], f"test_{parts[depth - 1]}.py"))


def tried(picked: list[Change], tool: Path, copies: list[Path], covering: Map, noticed: Path) -> list[Change]:
    """
    Try every change, as many at a time as there are copies; return those that survived.

    What was noticed is kept in a directory, and is not tried again while program and test are the same.
    """
    noticed.mkdir(exist_ok=True)
    forks = multiprocessing.get_context("fork")
    free: SimpleQueue[Path] = forks.SimpleQueue()
    for copy in copies:
        free.put(copy)
    forked.preload()
    survivors, texts = [], made(picked, tool)
    with forks.Pool(len(copies), _Trial.begin, (free, covering, noticed)) as pool:
        for change, test in zip(picked, pool.imap(_Trial.of, zip(picked, texts, strict=True)), strict=True):
            print(f"noticed   {change}  by {test}" if test else f"SURVIVED  {change}", flush=True)
            if test is None:
                survivors.append(change)
    return survivors


class _Trial:
    """What a process of the pool has: a copy of its own, and what each test covers."""

    copy: ClassVar[Path]
    covering: ClassVar[Map]
    noticed: ClassVar[Path]

    @classmethod
    def begin(cls, free: SimpleQueue[Path], covering: Map, noticed: Path) -> None:
        signal.signal(
            signal.SIGINT, signal.SIG_IGN
        )  # of a terminal: the main process ends this one by SIGTERM
        cls.copy, cls.covering, cls.noticed = free.get(), covering, noticed

    @classmethod
    def of(cls, change: tuple[Change, str]) -> str | None:
        """Return the test that notices a change, and keep it with the digest of its file."""
        kept = (
            cls.noticed / hashlib.sha256((digest_of(".") + change[0].module + change[1]).encode()).hexdigest()
        )
        if kept.exists():
            test, digest = kept.read_text().splitlines()
            if digest == digest_of_tests(test):
                return test
        found = noticing(*change, cls.copy, cls.covering)
        if found and "::" in found and "(time limit)" not in found:
            kept.write_text(f"{found}\n{digest_of_tests(found)}\n")
        return found


def end_by_exception() -> None:
    """Let SIGTERM end this process as an exception does, so that it ends what it has started."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


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


def _run(command: list[Any], directory: Path, given: str | None = None) -> str:
    done = subprocess.run(list(map(str, command)), cwd=directory, input=given, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"mutate: {command[0]} exited {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def main() -> None:
    parser = argparse.ArgumentParser(prog="dev.py mutate", description=__doc__)
    parser.add_argument("--sample", type=int, default=200, help="changes in all (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the drawing (default: %(default)s)")
    parser.add_argument("--family", action="append", choices=FAMILIES, help="only this part; may be repeated")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, help="changes at a time (default: one a core)"
    )
    parser.add_argument("--write", action="store_true", help=f"write the score to {SCORE.relative_to(ROOT)}")
    arguments = parser.parse_args()
    families = arguments.family or FAMILIES
    end_by_exception()
    directory, tool, begun = ROOT / ".mutation", _tool(), time.monotonic()
    directory.mkdir(exist_ok=True)
    scores = yaml.safe_load(SCORE.read_text()) if SCORE.exists() else {}
    with tempfile.TemporaryDirectory(dir=directory) as place:
        copies = [_copied(Path(place, str(number))) for number in range(arguments.jobs)]
        covering = measured(TESTS, copies[0], directory / "covering", arguments.jobs)
        for family in families:
            picked = drawn(
                changes(family, tool, directory), arguments.sample // len(families), arguments.seed
            )
            survivors = tried(picked, tool, copies, covering, directory / "noticed")
            noticed = len(picked) - len(survivors)
            print(
                f"{family}: {noticed} of {len(picked)} noticed, {100 * noticed / len(picked):.0f} %",
                flush=True,
            )
            scores[family] = {
                "changes": len(picked),
                "noticed": noticed,
                "seed": arguments.seed,
                "commit": _run(
                    ["git", "log", "-1", "--format=%h", "--", f"reconciler/{family}"], ROOT
                ).strip(),
                "survivors": sorted(map(str, survivors)),
            }
            if arguments.write:
                SCORE.write_text(yaml.safe_dump(scores, sort_keys=False, width=110))
    print(f"in {(time.monotonic() - begun) / 60:.0f} minutes")


if __name__ == "__main__":
    main()
