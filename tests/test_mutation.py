"""A run of `dev.py mutate` that is ended leaves no process behind, whatever its tests have started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.waiting import until

ROOT = Path(__file__).parents[1]

# A test that neither ends nor lets its processes end by themselves.
LASTING = """\
import os, select, signal, subprocess, sys

def test_that_lasts():
    started = [
        subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"]),
        subprocess.Popen([{python!r}, "-m", "lasting"], env={{**os.environ, "PYTHONPATH": ""}}),
    ]
    while not os.path.exists("lasts"):
        select.select([], [], [], 0.01)
    with open("pids", "w") as file:
        print(os.getpid(), open("lasts").read(), *(process.pid for process in started), file=file)
    signal.pause()
"""

# What `mutation.tried` does, with one change and no tool.
RUN = """\
import multiprocessing, signal, sys
from pathlib import Path
from tests import forked, mutation

def ran(directory):
    return forked.pytest(["-q", "-p", "no:cacheprovider", "test_lasting.py"], directory, directory / "out", 600)

signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell's background jobs ignore
mutation.end_by_exception()
forks = multiprocessing.get_context("fork")
free = forks.SimpleQueue()
free.put(Path(sys.argv[1]))
with forks.Pool(1, mutation._Trial.begin, (free, {}, Path(sys.argv[1]))) as pool:
    pool.map(ran, [Path(sys.argv[1])])
"""


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_nothing_outlives_a_run_that_is_ended(number: signal.Signals, tmp_path: Path) -> None:
    from tests.preloaded import python

    (tmp_path / "lasting.py").write_text(
        "import os, signal\n"
        "open('lasts.new', 'w').write(str(os.getpid()))\nos.rename('lasts.new', 'lasts')\nsignal.pause()\n"
    )
    (tmp_path / "test_lasting.py").write_text(LASTING.format(python=python()))
    pids = tmp_path / "pids"
    command = [sys.executable, "-c", RUN, tmp_path]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as run:
        until(lambda: pids.exists() and pids.read_text().endswith("\n"))
        started = [int(pid) for pid in pids.read_text().split()]
        assert len(started) == 4
        assert all(map(is_alive, started))
        os.kill(run.pid, number)

    until(lambda: not any(map(is_alive, started)))
