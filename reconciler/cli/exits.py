"""The exit codes, the same for every command, and how an error becomes one."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from enum import IntEnum
from types import FrameType
from typing import Final, TextIO, cast

from reconciler.errors import ReconcilerError
from reconciler.redact import know_those_of


class Exit(IntEnum):
    """What the process says when it ends."""

    DONE = 0
    UNEXPECTED = 1
    PENDING = 2
    UNKNOWN = 3
    DRIFT = 4
    INVALID = 5
    BLOCKED = 6
    PARTIAL = 7
    DENIED = 8
    USAGE = 64
    INTERRUPTED = 130
    TERMINATED = 143


MEANINGS: Final[Mapping[Exit, str]] = {
    Exit.DONE: "done, nothing left",
    Exit.UNEXPECTED: "unexpected failure",
    Exit.PENDING: "pending change",
    Exit.UNKNOWN: "verdict unknown: not all could be seen, or the specs could not be read",
    Exit.DRIFT: "drift: AWS moved, outside git",
    Exit.INVALID: "invalid specs",
    Exit.BLOCKED: "blocked by a guard, or the plan is outdated",
    Exit.PARTIAL: "applied in part",
    Exit.DENIED: "credentials or permissions",
    Exit.USAGE: "bad command line",
    Exit.INTERRUPTED: "interrupted",
    Exit.TERMINATED: "asked to stop",
}

# What any command may end with.
ALWAYS: Final = (Exit.UNEXPECTED, Exit.USAGE, Exit.INTERRUPTED, Exit.TERMINATED)

# What a command that observes AWS may end with, at the least.
OBSERVED: Final = (Exit.DONE, Exit.UNKNOWN, Exit.INVALID, Exit.DENIED)


def explained(codes: Iterable[Exit]) -> str:
    """Return a line for each of these codes, for a help text."""
    return "".join(f"  {code:<5d}{MEANINGS[code]}\n" for code in sorted(codes))


class Terminated(BaseException):
    """SIGTERM arrived."""

    arrived = False
    """Also where the exception was lost: Python drops what is raised within a destructor or an import lock."""


def guarded(command: Callable[[], int]) -> int:
    """Run one command, and turn whatever ends it into an exit code and at most one line on stderr."""
    Terminated.arrived = False
    know_those_of(os.environ)
    if not sys.stderr:  # closed by whoever started us
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115, PTH123  it stays open to the end
    with _aside():
        if not sys.stdout:
            say("stdout is closed: what is found could not be said")
            return Exit.UNEXPECTED
        signal.signal(signal.SIGTERM, _raise_terminated)
        return _ended(command)


@contextmanager
def _aside() -> Iterator[None]:
    """Let nothing that is written to stderr stop the work, or change how it ends."""
    from reconciler.cli.output.terminal import Aside, discard  # loads what `--version` has no use for

    stderr = sys.stderr
    sys.stderr = cast("TextIO", Aside(stderr))
    try:
        yield
    finally:
        sys.stderr = stderr
        try:
            stderr.flush()
        except OSError:
            discard(stderr)


def _ended(command: Callable[[], int]) -> int:
    from reconciler.cli.output.terminal import discard, stream

    try:
        try:
            return command()
        finally:
            stream(lambda _: None)  # what cannot be written is to be known here, not while Python shuts down
    except ReconcilerError as exc:
        say(str(exc))
        return exc.exit_code
    except KeyboardInterrupt:
        say("interrupted; nothing is sent any more")
        return Exit.INTERRUPTED
    except Terminated:
        say("asked to stop; nothing is sent any more")
        return Exit.TERMINATED
    except BrokenPipeError:
        # Whoever started the emulator does not wait for its address. Reports end in `stream`, which knows better.
        discard(sys.stdout)
        return Exit.DONE
    except (OSError, MemoryError) as exc:
        say(f"the machine could not do it: {str(exc) or type(exc).__name__}")
        return Exit.UNKNOWN
    except Exception as exc:  # noqa: BLE001  the last place where an unforeseen error can be given a name
        say(f"unexpected failure: {type(exc).__name__}: {exc} (please report it; see --log-level debug)")
        if "debug" in sys.argv:
            traceback.print_exc()
        return Exit.UNEXPECTED


def _raise_terminated(_signal: int, _frame: FrameType | None) -> None:
    Terminated.arrived = True
    raise Terminated


def say(text: str) -> None:
    """Say something beside the data, in the name of the program."""
    sys.stderr.write(f"reconciler: {text}\n")
