"""Streaming of JSON Lines with bounded memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import BinaryIO, Final

from reconciler.core.runtime.limits import MAX_LINE_CHARS

MAX_LINE_BYTES: Final = 4 * MAX_LINE_CHARS
"""Upper bound for a line of allowed length: UTF-8 takes at most four bytes a character."""

_ARRAY: Final = "the file is a JSON array"
_SPREAD: Final = "an object goes over several lines"
_OPEN: Final = ("{", "[", ",", ":")
_DECODER: Final = json.JSONDecoder()

_PIECE_BYTES: Final = 1 << 16

Line = tuple[bytes, int, int]
"""One line: its text, its byte offset, and its number from 1."""


def iter_lines(stream: BinaryIO, limit: int = MAX_LINE_BYTES) -> Iterator[Line]:
    r"""
    Yield every line of *stream*, blank ones included. Offsets and numbers count from its current position.

    The text lacks its ``\n`` and any ``\r`` before it. A line longer than *limit* bytes is cut to
    ``limit + 1``, by which callers recognize it. Memory stays near *limit*.
    """
    offset = 0
    for number, raw in enumerate(iter(partial(stream.readline, limit + 2), b""), 1):
        if len(raw) < limit + 2 or raw.endswith(b"\n"):
            yield raw.rstrip(b"\r\n"), offset, number
            offset += len(raw)
        else:
            yield raw[: limit + 1], offset, number
            offset += len(raw) + _skip(stream)


def other_form(head: bytes) -> str | None:
    """
    Describe the JSON layout of a file that should be JSON Lines; None if it appears to be.

    A single malformed line does not count as another layout: it is an error of its own.

    Args:
        head: The first few kilobytes.
    """
    text = head.decode(errors="replace").lstrip()
    first, _, rest = text.partition("\n")
    if _is_json(first):
        return _ARRAY if first.startswith("[") and not rest.strip() else None
    if text.startswith("["):
        return _ARRAY
    if not text.startswith("{") or _is_json(rest.lstrip().partition("\n")[0]):
        return None
    try:
        _, end = _DECODER.raw_decode(text)
    except (ValueError, RecursionError):  # it continues beyond the head, or is not JSON
        return _SPREAD if rest and first.rstrip().endswith(_OPEN) else None
    if end > len(first):
        return _SPREAD
    if first[end:].lstrip(", \t").startswith("{") and not rest.strip():
        return "several objects are on one line"
    return "commas separate the objects" if first[end:].strip() == "," else None


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _skip(stream: BinaryIO) -> int:
    """Skip to the end of the line and return the number of bytes skipped."""
    skipped = 0
    while piece := stream.readline(_PIECE_BYTES):
        skipped += len(piece)
        if piece.endswith(b"\n"):
            break
    return skipped
