"""JSON Lines, one line at a time, whatever their length."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import BinaryIO, Final

from reconciler.core.runtime.limits import MAX_LINE_CHARS

MAX_LINE_BYTES: Final = 4 * MAX_LINE_CHARS
"""No line of allowed length is longer: UTF-8 takes at most four bytes a character."""

_ARRAY: Final = "the file is a JSON array"
_SPREAD: Final = "an object goes over several lines"
_OPEN: Final = ("{", "[", ",", ":")
_DECODER: Final = json.JSONDecoder()

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


def other_form(head: bytes) -> str | None:
    """
    Say in which other form of JSON a file is that should be JSON Lines; None if one object is on each line.

    One line that is no object makes no other form: it is an error by itself, and the others are good.

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
    except (ValueError, RecursionError):  # it goes on beyond the head, or is no JSON
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
    """Read on to the end of the line, and return how many bytes that was."""
    skipped = 0
    while piece := stream.readline(_PIECE_BYTES):
        skipped += len(piece)
        if piece.endswith(b"\n"):
            break
    return skipped
