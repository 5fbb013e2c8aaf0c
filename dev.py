#!/usr/bin/env python3
"""
Make the development environment, then do something in it.

    python3 dev.py demo             watch a dataset converge, drift and converge again
    python3 dev.py test [ARG ...]   run the tests; the arguments go to pytest
    python3 dev.py docs             build the documentation site into build/site
    python3 dev.py lint             ruff, mypy, and the floors that imports keep
    python3 dev.py mutate [ARG ...]  break the program at random, and see whether a test notices
    python3 dev.py bench [--quick]  measure every budget, against the figures last published
    python3 dev.py lock [ARG ...]   write the lock files again; the arguments go to uv (--upgrade)
    python3 dev.py run CMD [ARG ...]  run a command of the environment: run reconciler --help

Needs Python 3.11 and its standard library, nothing else; uv is used where it is found. The
environment, `.venv`, holds exactly what requirements.dev.lock.txt pins by hash, and is made
again only when that changes.
"""

import sys

# An old Python is to say this, not to trip over syntax: no `match` and no `:=` in this file.
if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit(f"dev.py: Python 3.11 or later is needed; this is {sys.version.split()[0]}")

import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import tempfile
import time
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Environment:
    """A virtual environment of one checkout: with a name, of that lock file alone, without the project."""

    root: Path
    name: str = ""

    @property
    def path(self) -> Path:
        return self.root / (f".venv-{self.name}" if self.name else ".venv")

    @property
    def python(self) -> Path:
        return self.path / "bin" / "python"

    @property
    def lock(self) -> Path:
        return self.root / f"requirements.{self.name or 'dev'}.lock.txt"

    @property
    def locked(self) -> Path:
        """What is locked while it is used or made: each environment locks a file or directory of its own."""
        return self.lock if self.name else self.root

    @property
    def stamp(self) -> Path:
        """The last file to be written: its absence means a half-made environment."""
        return self.path / "made-from"

    def recipe(self) -> str:
        """
        Return the digest of all that the environment is made from.

        Beside the pins that is what an editable install copies out of pyproject.toml (names,
        scripts), the Python, and the place, which is written into every script.
        """
        project = tomllib.loads((self.root / "pyproject.toml").read_text())["project"]
        facts = [list(sys.version_info[:2]), str(self.path), self.lock.read_text(), project]
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    def is_current(self) -> bool:
        try:
            return self.python.exists() and self.stamp.read_text() == self.recipe()
        except FileNotFoundError:
            return False

    def make(self) -> None:
        """Make it from nothing. Killed at any instant, it leaves no stamp, and is made again."""
        recipe = self.recipe()
        self.stamp.unlink(missing_ok=True)
        uv = _find_uv()
        if uv is None and importlib.util.find_spec("ensurepip") is None:
            sys.exit(
                "dev.py: this Python cannot make virtual environments; "
                "on Debian and Ubuntu: apt install python3-venv"
            )
        packages = self.lock.read_text().count("==")
        with_what = "pip; uv would be faster" if uv is None else "uv"
        _say(f"making {self.path.name} with {packages} packages of {self.lock.name}, by {with_what}")
        if self.path.exists():
            shutil.rmtree(self.path)
        begun, steps = time.monotonic(), self._steps(uv)
        for number, (what, step) in enumerate(steps.items(), start=1):
            _say(f"{number} of {len(steps)}: {what}")
            if code := _with_heartbeat(step, self.root, what):
                sys.exit(f"dev.py: {self.path.name} could not be made: {step[0]} exited {code}")
        _say(f"made {self.path.name} in {time.monotonic() - begun:.0f} s")
        unfinished = self.stamp.with_suffix(".new")
        unfinished.write_text(recipe)
        unfinished.replace(self.stamp)

    def _steps(self, uv: str | None) -> dict[str, list[str]]:
        """
        Return the commands that make it, and what each does.

        Only wheels, and no build isolation: building from source would fetch what no hash pins.
        Both tools are made to compile to bytecode, without which imports take three times as long.
        """
        python = str(self.python)
        if uv is None:
            make = [sys.executable, "-m", "venv", str(self.path)]
            install = [python, "-m", "pip", "install", "--disable-pip-version-check", "--compile"]
        else:
            make = [uv, "venv", "--python", sys.executable, str(self.path)]
            install = [uv, "pip", "install", "--python", python, "--compile-bytecode"]
        pinned = ["--require-hashes", "--only-binary", ":all:", "-r", str(self.lock)]
        steps = {"create the environment": make, "install the packages": [*install, *pinned]}
        if not self.name:
            steps["install the project"] = [*install, "--no-build-isolation", "--no-deps", "-e", "."]
            steps["compile the project"] = [python, "-m", "compileall", "-q", "reconciler"]
        return steps

    def variables(self) -> dict[str, str]:
        """Return the variables under which its commands run, as `activate` would set them."""
        search = f"{self.path / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        return {**os.environ, "VIRTUAL_ENV": str(self.path), "PATH": search}


def ready(environment: Environment) -> Environment:
    """
    Return *environment*, made again if it is not current.

    A command that uses it holds a shared lock, one that makes it an exclusive one, so that none is taken
    away under a running command. The descriptor goes to child processes and through exec on
    purpose: the lock lasts as long as the last of them.
    """
    descriptor = os.open(environment.locked, os.O_RDONLY)
    os.set_inheritable(descriptor, True)
    _lock(descriptor, fcntl.LOCK_SH, environment)
    while not environment.is_current():
        fcntl.flock(descriptor, fcntl.LOCK_UN)  # two that both kept theirs would wait for ever
        _lock(descriptor, fcntl.LOCK_EX, environment)
        if not environment.is_current():  # else another made it while this one waited
            environment.make()
        _lock(descriptor, fcntl.LOCK_SH, environment)
    return environment


def program(module: str) -> Callable[[list[str]], int]:
    """Return the command that runs a module of the checkout; the arguments go to it."""
    return lambda arguments: _become(ready(Environment(ROOT)), ["python", "-m", module, *arguments], ROOT)


def test(arguments: list[str]) -> int:
    # One worker more than there are cores: half of what tests wait for is a lock, a timer or another process.
    command = ["python", "-m", "pytest", "-n", str((os.cpu_count() or 1) + 1), *arguments]
    return _become(ready(Environment(ROOT)), command, ROOT)


def run(arguments: list[str]) -> int:
    if not arguments:
        return _usage("run needs a command")
    return _become(ready(Environment(ROOT)), arguments, Path.cwd())


def docs(arguments: list[str]) -> int:
    """Build the documentation site; a broken link fails it."""
    if arguments:
        return _usage("docs takes no arguments")
    environment = ready(Environment(ROOT, "docs"))
    variables = {**environment.variables(), "NO_MKDOCS_2_WARNING": "1"}
    done = _quietly(["mkdocs", "build", "--quiet", "--strict"], ROOT, variables)
    print(done.stdout or f"built {(ROOT / 'build/site/index.html').as_uri()}", flush=True)
    return done.returncode


def lock(arguments: list[str]) -> int:
    return subprocess.run([sys.executable, "ci/lock.py", *arguments], cwd=ROOT).returncode


def _find_uv() -> str | None:
    """Return uv's path if it is there and starts: version managers leave stubs that do not."""
    uv = shutil.which("uv")
    return uv if uv and _quietly([uv, "--version"], ROOT).returncode == 0 else None


def _quietly(
    command: Sequence[str], directory: Path, variables: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run to the end, keeping both outputs in one."""
    return subprocess.run(
        command,
        cwd=directory,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        close_fds=False,
    )


def _with_heartbeat(command: Sequence[str], directory: Path, what: str) -> int:
    """Run to the end, saying every 10 seconds that it still runs; show its output if it fails."""
    begun = time.monotonic()
    with (
        tempfile.TemporaryFile("w+") as output,
        subprocess.Popen(
            command,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            close_fds=False,
        ) as process,
    ):
        while process.poll() is None:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                _say(f"   {what}: {time.monotonic() - begun:.0f} s so far")
        if process.returncode:
            output.seek(0)
            sys.stderr.write(output.read())
    return process.returncode


def _become(environment: Environment, command: list[str], directory: Path) -> int:
    """Replace this process by *command*. Returns only if there is no such command."""
    variables = environment.variables()
    os.chdir(directory)
    try:
        os.execvpe(command[0], command, variables)  # noqa: S606 - no shell is the point
    except OSError as exc:
        _say(f"{command[0]}: {exc.strerror}")
        return 127


def _lock(descriptor: int, kind: int, environment: Environment) -> None:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        _say(f"waiting for another dev.py, which makes or uses {environment.path.name}")
        fcntl.flock(descriptor, kind)


def _say(text: str) -> None:
    print(f"dev.py: {text}", file=sys.stderr, flush=True)


def _usage(complaint: str) -> int:
    _say(f"{complaint}; see python3 dev.py --help")
    return 64


COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "demo": program("reconciler.demo"),
    "test": test,
    "docs": docs,
    "lint": program("ci.lint"),
    "lock": lock,
    "mutate": program("tests.mutation"),
    "bench": program("benchmarks"),
    "run": run,
}


def main(arguments: list[str]) -> int:
    if arguments[:1] in (["-h"], ["--help"], ["help"]):
        print(str(__doc__).strip())
        return 0
    if not arguments or arguments[0] not in COMMANDS:
        wrong = f"no command {arguments[0]!r}" if arguments else "a command is needed"
        return _usage(f"{wrong}: {', '.join(COMMANDS)}")
    try:
        return COMMANDS[arguments[0]](arguments[1:])
    except KeyboardInterrupt:
        return 130
    except OSError as exc:
        _say(str(exc))
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
