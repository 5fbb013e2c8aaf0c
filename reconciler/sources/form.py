"""Judge by its first and last bytes whether a file is JSON Lines at all."""

from __future__ import annotations

import os
from typing import BinaryIO, Final, NamedTuple

import orjson

from reconciler.core.entries.lines import MAX_LINE_BYTES, other_form, other_format
from reconciler.core.validation import spec_codes as codes
from reconciler.sources.text import suspicion

HEAD_BYTES: Final = 8_192
_CHUNK_BYTES: Final = 1 << 20


class Unusable(NamedTuple):
    """Why none of the lines of a file can be used."""

    code: codes.Code
    message: str
    line: int = 1


def unusable(stream: BinaryIO, name: str) -> Unusable | None:
    """Return what is wrong with the first or the last bytes of a file, or None."""
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    head = stream.read(HEAD_BYTES)
    if found := suspicion(head):
        code, reason = found
        return Unusable(code, f"the file {reason}")
    if (form := other_form(head)) is not None:
        way = f"`reconciler convert groundtruth {name} -o OUT` writes such lines"
        return Unusable(codes.NOT_LINES, f"{form}, and one object a line is needed: {way}")
    if (format_ := other_format(head)) is not None:
        form, way = format_
        needed = "and JSON Lines are needed, one object a line"
        return Unusable(codes.NOT_LINES, f"it looks like {form}, {needed}: {way.format(name=name)}")
    if (size > HEAD_BYTES or head.strip()) and _is_cut(stream, size):
        message = "the file ends in the middle of a line: it looks half-written"
        return Unusable(codes.CUT, message, _last_line(stream))
    return None


def _is_cut(stream: BinaryIO, size: int) -> bool:
    """Return whether the last line has no line end and is not complete JSON."""
    length = min(size, MAX_LINE_BYTES + 2)
    stream.seek(-length, os.SEEK_END)
    tail = stream.read(length)
    if tail.endswith(b"\n"):
        return False
    try:
        orjson.loads(tail.rpartition(b"\n")[2])
    except orjson.JSONDecodeError:
        return True
    return False


def _last_line(stream: BinaryIO) -> int:
    """Return the number of the last line. Reads the whole file, in pieces."""
    stream.seek(0)
    newlines = 0
    while piece := stream.read(_CHUNK_BYTES):
        newlines += piece.count(b"\n")
    return newlines + 1
