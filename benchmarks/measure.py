"""
Measure processes: CPU seconds and peak memory of a command, and what `orjson.loads` needs for the same lines.

Everything is CPU time of user and system, not time on the wall, and what is compared is measured in turns in one
run: a machine that others use as well changes its speed within seconds. The least of some repetitions says most.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

_LOADS = """
import sys, time, orjson
total = 0.0
for path in sys.argv[1:]:
    with open(path, "rb") as stream:
        lines = stream.read().splitlines()
    start = time.process_time()
    for line in lines:
        orjson.loads(line)
    total += time.process_time() - start
print(total)
"""


@dataclass(frozen=True, slots=True)
class Setting:
    """
    How large and how often.

    Attributes:
        directory: Where data may be written; the same data is used by all budgets.
        entries: Of each dataset.
        runs: Repetitions.
    """

    directory: Path
    entries: int
    runs: int


class Cost(NamedTuple):
    """
    What one process cost.

    Attributes:
        cpu: Seconds of user and system.
        wall: Seconds from its start to its end.
        peak_mb: Most memory that it ever had.
    """

    cpu: float
    wall: float
    peak_mb: float


def run(
    command: Sequence[str],
    out: Path | None = None,
    codes: Sequence[int] = (0,),
    cache: Path | None = None,
    variables: Mapping[str, str] = {},
) -> Cost:
    """
    Run a command to its end.

    Args:
        out: Where its standard output goes.
        codes: The exit codes that are expected.
        cache: Where it remembers what it found in spec files; without one it remembers nothing.
        variables: Of its environment, beside those of this process.
    """
    # Below a file no directory can be made: nothing is remembered there. An installed program is compiled.
    cache = Path(os.devnull, "none") if cache is None else cache
    environment = os.environ | {"XDG_CACHE_HOME": str(cache), **variables}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    began = time.perf_counter()
    with Path(os.devnull if out is None else out).open("wb") as stdout:
        process = subprocess.Popen(command, env=environment, stdout=stdout, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in codes:
        raise SystemExit(f"{' '.join(command)} exited with {process.returncode}")
    wall = time.perf_counter() - began
    return Cost(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024)


def reconciler(
    *words: str,
    state: Path,
    out: Path | None = None,
    codes: Sequence[int] = (0,),
    cache: Path | None = None,
    variables: Mapping[str, str] = {},
) -> Cost:
    """Run a command of the program, its state in a directory of its own; the others as for `run`."""
    command = [sys.executable, "-m", "reconciler", "--state-dir", str(state), *words]
    return run(command, out, codes, cache, variables)


def start(*words: str) -> float:
    """Return the CPU seconds of a command that ends at once, such as ``--version``."""
    return run([sys.executable, "-m", "reconciler", *words]).cpu


def python(program: str, *words: str) -> Cost:
    """Run a program text in a process of its own."""
    return run([sys.executable, "-c", program, *words])


def loads(*paths: Path) -> float:
    """
    Return the CPU seconds of `orjson.loads` over all lines of some files, which are in memory already.

    In a process of its own: on Linux a child's peak memory starts at that of its parent.
    """
    done = subprocess.run(
        [sys.executable, "-c", _LOADS, *map(str, paths)], stdout=subprocess.PIPE, check=True
    )
    return float(done.stdout)


def cpu_of(action: Callable[[], object]) -> float:
    """Return the CPU seconds of an action in this process."""
    start = time.process_time()
    action()
    return time.process_time() - start
