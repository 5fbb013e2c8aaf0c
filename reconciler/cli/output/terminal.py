"""Where output goes: data to stdout, all else to stderr, and colour only where somebody sees it."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, BinaryIO, TextIO

from reconciler.errors import OutputError
from reconciler.redact import redacted


class Stdout:
    """Whether data went to stdout since this was last set."""

    begun = False


def coloured(args: argparse.Namespace, stream: TextIO) -> bool:
    """Tell whether *stream* gets colours: a terminal, and nobody said no (https://no-color.org)."""
    if args.no_color or os.environ.get("NO_COLOR"):
        return False
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def width() -> int:
    """Return the columns of the terminal; 100 where there is none."""
    return shutil.get_terminal_size((100, 24)).columns


def out(text: str) -> None:
    """Write text to stdout, whatever its encoding can hold, and end it with one newline."""
    data = text.encode(sys.stdout.encoding or "utf-8", errors="backslashreplace")
    stream(lambda target: target.write(data if data.endswith(b"\n") else data + b"\n"))


def stream(write: Callable[[BinaryIO], object]) -> None:
    """
    Let a report write itself to stdout, piece by piece.

    Whoever read it may have gone, as `head` does when it has seen enough: what was found still decides how we end.

    Raises:
        OutputError: The disk behind it is full, or it is closed.
    """
    Stdout.begun = True
    try:
        sys.stdout.flush()
        write(sys.stdout.buffer)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        discard(sys.stdout)
    except OSError as exc:
        raise OutputError(f"stdout: {exc.strerror or exc}") from exc


def discard(target: TextIO) -> None:
    """Send what *target* still holds, and all that follows, nowhere: else Python trips over it when it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, target.fileno())
    os.close(nowhere)


class Aside:
    """stderr, without secrets, and whatever becomes of it: a line that nobody can take stops no work."""

    def __init__(self, target: TextIO) -> None:
        self._target = target

    def write(self, text: str) -> int:
        with suppress(OSError):
            self._target.write(redacted(text))
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._target.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target, name)
