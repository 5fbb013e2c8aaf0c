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

# On Linux the peak memory of a process begins with that of the one which started it: this one is small.
_RUN = """
import os, sys, time
out, *command = sys.argv[1:]
streams = [(os.POSIX_SPAWN_OPEN, 1, out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)]
streams += [(os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)]
began = time.perf_counter()
process = os.posix_spawnp(command[0], command, os.environ, file_actions=streams)
_, status, usage = os.wait4(process, 0)
wall = time.perf_counter() - began
print(os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss)
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
    words = [sys.executable, "-S", "-c", _RUN, str(os.devnull if out is None else out), *command]
    done = subprocess.run(words, env=environment, stdout=subprocess.PIPE, check=True)
    code, cpu, wall, peak_kb = map(float, done.stdout.split())
    if code not in codes:
        raise SystemExit(f"{' '.join(command)} exited with {code:.0f}")
    return Cost(cpu, wall, peak_kb / 1024)


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


def peak_of_tree(command: Sequence[str]) -> float:
    """
    Return the most memory in MB that a command and the processes below it had together.

    What they share counts once. Looked at every 20 ms; Linux only.
    """
    environment = os.environ | {"XDG_CACHE_HOME": str(Path(os.devnull, "none"))}
    peak_kb = 0
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        while process.poll() is None:
            peak_kb = max(peak_kb, _memory_kb(process.pid))
            time.sleep(0.02)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} exited with {process.returncode}")
    return peak_kb / 1024


def _memory_kb(pid: int) -> int:
    """Return the memory of a process and those below it; 0 of one that has ended."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        below = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    shared = next((line.split()[1] for line in rollup.splitlines() if line.startswith("Pss:")), "0")
    return int(shared) + sum(_memory_kb(int(child)) for child in below)


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
