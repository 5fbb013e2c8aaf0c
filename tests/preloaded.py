"""
A Python that has imported the project already, for tests that start many commands.

`python()` returns a program to start in place of `sys.executable`: `-m MODULE ARGUMENT...` is forked from an
interpreter that is shared by a worker of the tests. The command still is a process of its own, with the directory,
environment, arguments and streams that it was given, and its exit code is the program's. It shares with the others
only what was imported before, and the seed of their hashes. Tests about these, or about signals, start
`sys.executable`; so does the program itself for all that cannot be handed over.
"""

from __future__ import annotations

import atexit
import functools
import gc
import importlib
import io
import marshal
import os
import pkgutil
import random
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import reconciler
from tests.lasting import LASTING

ROOT = Path(__file__).resolve().parents[1]

# What commands import when they need it.
LATE = (
    "botocore.endpoint", "botocore.regions", "botocore.retries.standard", "botocore.signers", "deepdiff", "jinja2",
    "rich.console", "rich.progress", "uvicorn.protocols.http.h11_impl",
)  # fmt: skip

# Other variables that a Python reads as it starts are for a Python that starts, as another encoding is.
HANDED_OVER = {"PYTHONPATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"}

FRONT = """\
#!{python} -IS
import _socket, marshal, os, signal, sys

def start_python():
    os.execv({python!r}, [{python!r}, *sys.argv[1:]])

words = sys.argv[1:]
if words[:1] == ["-P"]:
    del words[0]
if words[:1] != ["-m"] or None in (sys.stdin, sys.stdout, sys.stderr):
    start_python()
if {{name for name in os.environ if name.startswith("PYTHON")}} - {handed_over}:
    start_python()
if {{*os.environ.get("PYTHONPATH", "").split(os.pathsep)}} - {{"", {root!r}}}:
    start_python()
if [(stream.encoding, stream.errors) for stream in (sys.stdin, sys.stdout, sys.stderr)] != {encodings}:
    start_python()
umask = os.umask(0)
os.umask(umask)
request = marshal.dumps((words[1:], os.getcwd(), dict(os.environ), umask))
link = _socket.socket(_socket.AF_UNIX)
link.connect({address!r})
streams = b"".join(number.to_bytes(4, sys.byteorder) for number in (0, 1, 2))
link.sendmsg([len(request).to_bytes(8, "big")], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, streams)])
link.sendall(request)
child = int.from_bytes(link.recv(8), "big")
for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(each, lambda number, _: os.kill(child, number))
status = int.from_bytes(link.recv(8), "big")
if os.WIFSIGNALED(status):
    if os.WTERMSIG(status) != signal.SIGKILL:
        signal.signal(os.WTERMSIG(status), signal.SIG_DFL)
    os.kill(os.getpid(), os.WTERMSIG(status))
os._exit(os.WEXITSTATUS(status))
"""


class Preloaded:
    """The interpreter that everything is forked from, and the program that asks it to."""

    def __init__(self) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="preloaded-")
        self.program = Path(self._directory.name, "python")
        address = str(self.program.with_name("socket"))
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, address, self.program],
            cwd=ROOT,
            env={name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self._process.stdout
        front = FRONT.format(
            python=sys.executable,
            address=address,
            root=str(ROOT),
            handed_over=HANDED_OVER,
            encodings=self._process.stdout.readline().strip(),
        )
        self.program.write_text(front)
        self.program.chmod(0o755)

    def close(self) -> None:
        """End it, once all commands have ended."""
        self._process.communicate()
        self._directory.cleanup()


@functools.cache
def python() -> str:
    """Return the path of a program that runs `-m MODULE` as Python would, for a fraction of the cost."""
    if sys.platform != "linux":  # elsewhere, what the system's libraries did may not be forked
        return sys.executable
    return str(LASTING.enter_context(closing(Preloaded())).program)


def serve(address: str) -> tuple[list[str], str, dict[str, str], int, list[int]]:
    """Fork for each request until stdin ends; return the request in the child, which is to fulfil it."""
    asking: dict[int, socket.socket] = {}
    woken, wake = socket.socketpair()
    wake.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake.fileno())
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen(64)
    encodings = [(stream.encoding, stream.errors) for stream in (sys.stdin, sys.stdout, sys.stderr)]
    print(encodings, flush=True)  # and thereby that it is ready
    sources = [listener, woken, sys.stdin]
    while sys.stdin in sources or asking:
        ready, _, _ = select.select([*sources, *asking.values()], [], [])
        for child in [child for child, link in asking.items() if link in ready]:
            asking.pop(child).close()
            os.kill(child, signal.SIGKILL)  # as the program that asked for it was
        if sys.stdin in ready:
            sources.remove(sys.stdin)
        if woken in ready:
            woken.recv(4096)
            _report(asking)
        if listener in ready:
            link, _ = listener.accept()
            size, streams, _, _ = socket.recv_fds(link, 8, 3)
            request = link.recv(int.from_bytes(size, "big"), socket.MSG_WAITALL)
            if not (child := os.fork()):
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                return (*marshal.loads(request), streams)  # noqa: S302 - of the program above
            for stream in streams:
                os.close(stream)
            link.sendall(child.to_bytes(8, "big"))
            asking[child] = link
    os._exit(0)


def _report(asking: dict[int, socket.socket]) -> None:
    """Tell each command's program how it ended."""
    with suppress(ChildProcessError):
        while True:
            child, status = os.waitpid(-1, os.WNOHANG)
            if child == 0:
                return
            with suppress(KeyError, BrokenPipeError), asking.pop(child) as link:
                link.sendall(status.to_bytes(8, "big"))


def become(directory: str, environment: dict[str, str], umask: int, streams: list[int]) -> None:
    """Take over what the program was started with."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.closerange(3, 1024)
    os.umask(umask)
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    random.seed()
    sys.dont_write_bytecode = bool(environment.get("PYTHONDONTWRITEBYTECODE"))
    sys.path[0] = directory
    unbuffered = bool(environment.get("PYTHONUNBUFFERED"))
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        stream = _stream(number, getattr(sys, name), unbuffered)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def _stream(number: int, like: Any, unbuffered: bool) -> Any:
    """Open a standard stream as Python does as it starts."""
    raw = io.FileIO(number, "w" if number else "r", closefd=False)
    if not number:
        return io.TextIOWrapper(io.BufferedReader(raw), like.encoding, like.errors)
    binary = raw if unbuffered else io.BufferedWriter(raw)
    at_once = number == 2 or raw.isatty()
    return io.TextIOWrapper(binary, like.encoding, like.errors, None, at_once, unbuffered)


def preload() -> None:
    """Import the project, and what it imports later, but for extras that are not installed."""
    names = [module.name for module in pkgutil.walk_packages(reconciler.__path__, "reconciler.")]
    for name in [*names, *LATE]:
        if not name.endswith("__main__"):
            with suppress(ImportError):
                importlib.import_module(name)
    gc.collect()
    gc.freeze()  # or the first collection of each child would copy it all


def leave(code: object) -> None:
    """End the process without taking the interpreter apart, where nobody could tell: it is half the cost."""
    if isinstance(code, int) and threading.active_count() == 1:
        atexit._run_exitfuncs()
        with suppress(OSError):  # which Python is to report
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code & 0xFF)


if __name__ == "__main__":
    _, socket_address, sys.executable = sys.argv
    preload()
    sys.argv, *given = serve(socket_address)
    become(*given)
    try:
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    except SystemExit as exc:
        leave(exc.code)
        raise
