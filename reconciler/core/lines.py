"""JSON Lines, one line at a time, whatever their length."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import BinaryIO, Final

from reconciler.core.limits import MAX_LINE_CHARS

MAX_LINE_BYTES: Final = 4 * MAX_LINE_CHARS
"""No line of allowed length is longer: UTF-8 takes at most four bytes a character."""

_PIECE_BYTES: Final = 1 << 16


def iter_lines(stream: BinaryIO, limit: int = MAX_LINE_BYTES) -> Iterator[tuple[int, bytes]]:
    r"""
    Yield every line of *stream*, from where it stands, as ``(offset, text)``.

    The offset counts bytes from there. The text lacks its ``\n`` and any ``\r`` before it; blank lines are
    yielded too, so that counting gives line numbers. Of a line longer than *limit* bytes only the
    first ``limit + 1`` are kept: its length is what gives it away. Memory stays near *limit*.
    """
    offset = 0
    for raw in iter(partial(stream.readline, limit + 2), b""):
        if len(raw) < limit + 2 or raw.endswith(b"\n"):
            yield offset, raw.rstrip(b"\r\n")
            offset += len(raw)
        else:
            yield offset, raw[: limit + 1]
            offset += len(raw) + _skip(stream)


def _skip(stream: BinaryIO) -> int:
    """Read on to the end of the line, and return how many bytes that was."""
    skipped = 0
    while piece := stream.readline(_PIECE_BYTES):
        skipped += len(piece)
        if piece.endswith(b"\n"):
            break
    return skipped
