"""The exit codes of every command, and how errors map to them."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Final, TextIO, cast

from reconciler.errors import Exit, ReconcilerError, named
from reconciler.redact import know_those_of

MEANINGS: Final[Mapping[Exit, str]] = {
    Exit.DONE: "done, nothing left",
    Exit.UNEXPECTED: "unexpected failure",
    Exit.PENDING: "changes pending",
    Exit.UNKNOWN: "unknown: AWS could not be observed completely, the specs could not be read, or a disk is full",
    Exit.DRIFT: "drift: AWS changed outside git",
    Exit.INVALID: "invalid specs",
    Exit.BLOCKED: "blocked by a safety limit, or the plan is outdated",
    Exit.PARTIAL: "partly applied",
    Exit.DENIED: "credentials or permissions",
    Exit.USAGE: "bad command line",
    Exit.INTERRUPTED: "interrupted",
    Exit.TERMINATED: "terminated",
}

# Exit codes of every command.
ALWAYS: Final = (Exit.UNEXPECTED, Exit.USAGE, Exit.INTERRUPTED, Exit.TERMINATED)

# Exit codes of every command that observes AWS.
OBSERVED: Final = (Exit.DONE, Exit.UNKNOWN, Exit.INVALID, Exit.DENIED)


def explained(codes: Iterable[Exit]) -> str:
    """Return one line of help for each code, in order."""
    return "".join(f"  {code:<5d}{MEANINGS[code]}\n" for code in sorted(codes))


class Terminated(BaseException):
    """SIGTERM arrived."""

    arrived = False
    """True even if the exception was lost: Python drops one raised in a destructor or an import lock."""


def guarded(command: Callable[[], int]) -> int:
    """Run one command; turn every exception into an exit code and at most one line on stderr."""
    Terminated.arrived = False
    know_those_of(os.environ)
    if not sys.stderr:  # closed by the parent process
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115, PTH123  stays open until exit
    with _aside():
        if not sys.stdout:
            say("stdout is closed: the result cannot be printed")
            return Exit.UNEXPECTED
        signal.signal(signal.SIGTERM, _raise_terminated)
        return _exit_code_of(command)


@contextmanager
def _aside() -> Iterator[None]:
    """Ignore errors of writing to stderr within this block."""
    from reconciler.cli.output.terminal import Aside, discard  # not needed for `--version`

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


def _exit_code_of(command: Callable[[], int]) -> int:
    from reconciler.cli.output.terminal import discard, stream

    try:
        try:
            return command()
        finally:
            stream(lambda _: None)  # fail here, not while Python shuts down
    except ReconcilerError as exc:
        say(str(exc))
        return exc.exit_code
    except KeyboardInterrupt:
        say("interrupted; nothing more is done")
        return Exit.INTERRUPTED
    except Terminated:
        say("terminated; nothing more is done")
        return Exit.TERMINATED
    except BrokenPipeError:
        # No reader is left for the address of the emulator. A broken pipe of a report is handled in `stream`.
        discard(sys.stdout)
        return Exit.DONE
    except (OSError, MemoryError) as exc:
        known = named(exc)
        say(str(known))
        return known.exit_code
    except Exception as exc:  # noqa: BLE001  the last place to report an unforeseen error
        say(f"{named(exc)} (please report it; see --log-level debug)")
        if "debug" in sys.argv:
            import traceback  # not needed otherwise

            traceback.print_exc()
        return Exit.UNEXPECTED


def _raise_terminated(_signal: int, _frame: FrameType | None) -> None:
    Terminated.arrived = True
    raise Terminated


def say(text: str) -> None:
    """Write a line to stderr, prefixed with the name of the program."""
    sys.stderr.write(f"reconciler: {text}\n")
