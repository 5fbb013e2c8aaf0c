"""Judge the bytes of files that people write: plain UTF-8 text, and whole JSON Lines."""

from __future__ import annotations

import os
import re
from typing import BinaryIO, Final

import orjson

from reconciler.core.entries.lines import MAX_LINE_BYTES, other_form, other_format
from reconciler.core.validation import codes
from reconciler.core.validation.problem import Origin, Problem, Severity
from reconciler.sources.yaml.parse import Mark
from reconciler.sources.yaml.strict import Fault

HEAD_BYTES: Final = 8_192
_CHUNK_BYTES: Final = 1 << 20

# What YAML does not allow in a stream (YAML 1.2, c-printable).
_NOT_PRINTABLE: Final = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Line breaks to YAML 1.1, which folds them to a space or ends a comment with them, and characters to YAML 1.2.
_LINE_BREAK: Final = re.compile("[\x85\u2028\u2029]")
BOM: Final = b"\xef\xbb\xbf"
UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
GZIP: Final = b"\x1f\x8b"
# The second is its former name.
_GIT_LFS: Final = b"version https://git-lfs.github.com/spec/", b"version https://hawser.github.com/spec/"
_GIT_CRYPT: Final = b"\x00GITCRYPT\x00"
STAND_INS: Final = (*_GIT_LFS, _GIT_CRYPT)
"""How files begin that git checked out in place of the file itself."""


def suspicion(head: bytes) -> tuple[str, str] | None:
    """Return why the first bytes of a file are not plain UTF-8 text, or None."""
    if head.startswith(BOM):
        return codes.BYTE_ORDER_MARK, "starts with a byte order mark; save it as UTF-8 without BOM"
    if head.startswith(UTF_16):
        return codes.NOT_TEXT, "is UTF-16; save it as UTF-8"
    if head.startswith(GZIP):
        return codes.NOT_TEXT, "is compressed (gzip); unpack it"
    if head.startswith(_GIT_LFS):
        return codes.NOT_TEXT, "is a pointer of Git LFS, not the file itself; fetch it: git lfs pull"
    if head.startswith(_GIT_CRYPT):
        return codes.NOT_TEXT, "is encrypted by git-crypt; unlock the repository, or keep it out of the tree"
    if b"\0" in head:
        return codes.NOT_TEXT, "is binary: it holds NUL bytes"
    return None


def decode(data: bytes) -> str | Fault:
    """Return the text of a whole file, or the fault in its bytes."""
    if found := suspicion(data):
        code, reason = found
        return Fault(Mark(1, 1), code, f"the file {reason}")
    try:
        text = data.decode()
    except UnicodeDecodeError as exc:
        message = f"byte 0x{data[exc.start]:02x} is not UTF-8"
        return Fault(_place(data[: exc.start].decode()), codes.NOT_TEXT, message)
    if control := _NOT_PRINTABLE.search(text):
        message = f"the control character U+{ord(control[0]):04X} is not allowed"
        return Fault(_place(text[: control.start()]), codes.NOT_TEXT, message)
    if line_break := _LINE_BREAK.search(text):
        number = f"{ord(line_break[0]):04X}"
        message = (
            f"the character U+{number} is a line break to some YAML parsers and text to others; "
            f"if it is meant, write \\u{number} in double quotes"
        )
        return Fault(_place(text[: line_break.start()]), codes.AMBIGUOUS, message)
    return text


def _place(before: str) -> Mark:
    return Mark(before.count("\n") + 1, len(before) - before.rfind("\n"))


def check_form(stream: BinaryIO, name: str) -> Problem | None:
    """Return why none of the lines of a file can be used, by its first or its last bytes; None if they can."""
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    head = stream.read(HEAD_BYTES)
    if found := suspicion(head):
        code, reason = found
        return _error(code, f"the file {reason}", name)
    if (form := other_form(head)) is not None:
        way = f"`reconciler convert groundtruth {name} -o OUT` writes such lines"
        return _error(codes.NOT_LINES, f"{form}, and one object a line is needed: {way}", name)
    if (format_ := other_format(head)) is not None:
        form, way = format_
        needed = "and JSON Lines are needed, one object a line"
        return _error(codes.NOT_LINES, f"it looks like {form}, {needed}: {way.format(name=name)}", name)
    if (size > HEAD_BYTES or head.strip()) and _is_cut(stream, size):
        message = "the file ends in the middle of a line: it looks half-written"
        return _error(codes.CUT, message, name, _last_line(stream))
    return None


def _error(code: str, message: str, name: str, line: int = 1) -> Problem:
    return Problem(Severity.ERROR, code, message, Origin(name, line))


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
