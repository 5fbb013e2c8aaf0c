"""Where output goes: data to stdout, all else to stderr, and colour only where somebody sees it."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Callable
from typing import BinaryIO, TextIO

from reconciler.errors import OutputError


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

    Raises:
        OutputError: The disk behind it is full, or it is closed.
        BrokenPipeError: Whoever read it has gone.
    """
    try:
        sys.stdout.flush()
        write(sys.stdout.buffer)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as exc:
        raise OutputError(f"stdout: {exc.strerror or exc}") from exc
