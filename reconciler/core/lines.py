"""JSON Lines, one line at a time, whatever their length."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import BinaryIO, Final

from reconciler.core.limits import MAX_LINE_CHARS

MAX_LINE_BYTES: Final = 4 * MAX_LINE_CHARS
"""No line of allowed length is longer: UTF-8 takes at most four bytes a character."""

_PIECE_BYTES: Final = 1 << 16

Line = tuple[bytes, int, int]
"""One line: its text, the bytes before it, and its number from 1."""


def iter_lines(stream: BinaryIO, limit: int = MAX_LINE_BYTES) -> Iterator[Line]:
    r"""
    Yield every line of *stream*, blank ones too. Its offset and number count from where the stream stands.

    The text lacks its ``\n`` and any ``\r`` before it. Of a line longer than *limit* bytes only the
    first ``limit + 1`` are kept: its length is what gives it away. Memory stays near *limit*.
    """
    offset = 0
    for number, raw in enumerate(iter(partial(stream.readline, limit + 2), b""), 1):
        if len(raw) < limit + 2 or raw.endswith(b"\n"):
            yield raw.rstrip(b"\r\n"), offset, number
            offset += len(raw)
        else:
            yield raw[: limit + 1], offset, number
            offset += len(raw) + _skip(stream)


def _skip(stream: BinaryIO) -> int:
    """Read on to the end of the line, and return how many bytes that was."""
    skipped = 0
    while piece := stream.readline(_PIECE_BYTES):
        skipped += len(piece)
        if piece.endswith(b"\n"):
            break
    return skipped
