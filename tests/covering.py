"""
Record which tests execute which lines, and run chosen tests in order: the pytest plugin of `tests.mutation`.

``--cover-to DIRECTORY`` writes a JSON file for each process of a run: seconds and executed lines of every test.
``--chosen FILE`` runs only the tests named in a JSON object, in its order; each value is a time limit in seconds.
`measured` runs tests with the former, and keeps what it found for as long as nothing has changed.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import pytest
from coverage import Coverage

from tests.forked import end_group

ROOT = Path(__file__).parents[1]
TOOLS = {"mutation", "covering", "forked"}
MEASURED = ("reconciler/core/*", "reconciler/engine/*", "reconciler/sources/*")


class Covered(NamedTuple):
    """The processor time of a test and its ended processes, and by module the lines that it executed, if known."""

    seconds: float
    lines: dict[str, list[int] | None]


Map: TypeAlias = dict[str, Covered]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--cover-to", type=Path, metavar="DIRECTORY")
    parser.addoption("--chosen", type=Path, metavar="FILE")


def pytest_configure(config: pytest.Config) -> None:
    distributes = config.getoption("numprocesses", None) and not hasattr(config, "workerinput")
    if (directory := config.getoption("--cover-to")) and not distributes:
        config.pluginmanager.register(Recorder(directory))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not (path := config.getoption("--chosen")):
        return
    limits: dict[str, float] = json.loads(path.read_text())
    order = {name: number for number, name in enumerate(limits)}
    items[:] = sorted((item for item in items if item.nodeid in limits), key=lambda item: order[item.nodeid])
    for item in items:
        item.add_marker(pytest.mark.timeout(limits[item.nodeid]), append=False)


class Recorder:
    """Traces the lines of each test; what runs in another process is not seen."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._seconds: dict[str, float] = {}
        self._coverage = Coverage(data_file=None, include=[str(ROOT / pattern) for pattern in MEASURED])
        self._coverage.set_option("run:disable_warnings", ["no-data-collected", "module-not-imported"])
        self._coverage.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        self._coverage.switch_context(item.nodeid)
        begun = sum(os.times()[:4])
        try:
            return (yield)
        finally:
            self._seconds[item.nodeid] = round(sum(os.times()[:4]) - begun, 3)
            self._coverage.switch_context("")

    def pytest_sessionfinish(self) -> None:
        self._coverage.stop()
        data = self._coverage.get_data()
        lines: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        for file in data.measured_files():
            module = str(Path(file).relative_to(ROOT))
            for line, tests in data.contexts_by_lineno(file).items():
                for test in filter(None, tests):
                    lines[test][module].append(line)
        found = {test: (seconds, lines[test]) for test, seconds in self._seconds.items()}
        (self._directory / f"{os.getpid()}.json").write_text(json.dumps(found))


def measured(tests: Iterable[str], copy: Path, kept: Path, jobs: int) -> Map:
    """
    Return what each test covers, and run those in a copy of the checkout whose file is new or has changed.

    What passed is kept where another test fails, which ends the process.

    The lines of a module that has changed since are all of them: which of them a test executes is unknown.
    """
    kept.mkdir(exist_ok=True)
    names = [name for name in _tracked(*tests) if Path(name).match("test_*.py")]
    files = {name: kept / f"{_digest(name)}.json" for name in names}
    if missing := [name for name, path in files.items() if not path.exists()]:
        print(f"measuring {len(missing)} files of tests", flush=True)
        found: dict[str, dict[str, Any]] = {name: {} for name in missing}
        with tempfile.TemporaryDirectory() as parts:
            failure = _run(missing, copy, Path(parts), jobs)
            for part in Path(parts).iterdir():
                for test, covered in json.loads(part.read_text()).items():
                    found[test.partition("::")[0]][test] = covered
        for name, of_file in found.items():
            if name in failure or "crashed while running" in failure:
                continue
            modules = {module for _, lines in of_file.values() for module in lines}
            digests = {module: _digest(module, copy) for module in sorted(modules)}
            files[name].write_text(json.dumps({"modules": digests, "tests": of_file}))
        if failure:
            sys.exit(f"mutate: tests fail although nothing was changed\n{failure}")
    return {test: covered for path in files.values() for test, covered in _known(path)}


def _known(path: Path) -> Iterator[tuple[str, Covered]]:
    known = json.loads(path.read_text())
    changed = {module for module, digest in known["modules"].items() if digest != _digest(module)}
    for test, (seconds, lines) in known["tests"].items():
        yield (
            test,
            Covered(seconds, {module: None if module in changed else lines[module] for module in lines}),
        )


def _run(tests: list[str], copy: Path, parts: Path, jobs: int) -> str:
    """Run tests; return the output if any fails, else nothing."""
    words = ["-q", "-n", str(jobs), "--timeout=900", "-p", "tests.covering", f"--cover-to={parts}", *tests]
    with subprocess.Popen(
        [sys.executable, "-m", "pytest", *words],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            output, _ = process.communicate()
        finally:
            end_group(process.pid)
    passed = process.returncode in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)  # all may be slow
    return "" if passed else output


def digest_of_tests(name: str) -> str:
    """Return the digest of a file of tests, or of a test's, and of all that it may depend on."""
    return hashlib.sha256((digest_of(".") + _digest(name.partition("::")[0])).encode()).hexdigest()


@cache
def _digest(name: str, root: Path = ROOT) -> str:
    path = root / name
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""


@cache
def digest_of(directory: str) -> str:
    """Return the digest of all in a directory that a test may depend on: no other tests, and no documents."""
    digest = hashlib.sha256()
    for name in _tracked(directory):
        path = Path(name)
        if not path.match("test_*.py") and path.suffix != ".md" and path.stem not in TOOLS:
            digest.update(name.encode() + b"\0" + (ROOT / name).read_bytes())
    return digest.hexdigest()


def _tracked(*paths: str) -> list[str]:
    words = ["git", "ls-files", *paths]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
