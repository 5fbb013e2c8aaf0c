"""
Run pytest in a fork of a process that has imported all libraries: half of what a short run takes are imports.

`preload` imports the project and forgets its modules again, but not the libraries; a fork imports what it tests.
"""

from __future__ import annotations

import gc
import importlib
import os
import pkgutil
import signal
import sys
from contextlib import suppress
from pathlib import Path

from tests.waiting import until

# What tests import, beside what the project does.
OF_TESTS = ("hypothesis.stateful", "hypothesis.internal.conjecture.engine", "hypothesis.strategies")


def preload() -> None:
    import reconciler

    names = [module.name for module in pkgutil.walk_packages(reconciler.__path__, "reconciler.")]
    for name in (*(name for name in names if not name.endswith("__main__")), *OF_TESTS):
        with suppress(ImportError):  # of an extra that is not installed
            importlib.import_module(name)
    for name in list(sys.modules):
        if name.partition(".")[0] == "reconciler":
            del sys.modules[name]
    gc.collect()
    gc.freeze()


def pytest(words: list[str], directory: Path, output: Path, seconds: float) -> int:
    """Run pytest in a checkout; return its exit code, negative if it had to be killed at the end of its time."""
    if not (child := os.fork()):
        _become(words, directory, output)
    ended = (0, 0)

    def has_ended() -> bool:
        nonlocal ended
        ended = os.waitpid(child, os.WNOHANG)
        return ended != (0, 0)

    try:
        with suppress(AssertionError):
            until(has_ended, seconds)
    finally:  # also where this process is ended
        if ended == (0, 0):
            os.kill(child, signal.SIGKILL)  # it may not lead its group yet
        end_group(child)  # and with it what a test left behind
    _, status = ended if ended != (0, 0) else os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def end_group(leader: int) -> None:
    """Kill what is left of the processes of a group."""
    with suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def _become(words: list[str], directory: Path, output: Path) -> None:
    code = 1
    try:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, 1)
        os.dup2(file, 2)
        os.chdir(directory)
        os.environ["PYTHONPATH"] = str(directory)
        sys.path[0] = str(directory)
        sys.argv = ["pytest", *words]
        for name in list(sys.modules):
            if name.partition(".")[0] == "tests":
                del sys.modules[name]
        import pytest

        ignored = "ignore::pytest.PytestAssertRewriteWarning"  # of plugins that were imported before
        code = pytest.main(["-p", "tests.covering", "-W", ignored, *words])
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)
