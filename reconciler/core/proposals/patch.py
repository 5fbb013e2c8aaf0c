"""Line edits, rendered as the edited text and as a unified diff that git can apply."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, NamedTuple

CONTEXT: Final = 3
_NO_END: Final = b"\\ No newline at end of file\n"
_ESCAPES: Final = {
    ord(char): "\\" + name for char, name in zip('\a\b\t\n\v\f\r"\\', 'abtnvfr"\\', strict=True)
}
_NEEDS_QUOTES: Final = re.compile(r'[\x00-\x1f"\\\x7f\ud800-\udfff]')


class LineEdit(NamedTuple):
    """
    The replacement of some lines of a file.

    Attributes:
        first: The first removed line, from 1; if none is removed, the line before which to insert.
        removed: Number of removed lines.
        added: The new lines, each with its newline; only the last line of a file may lack one.
    """

    first: int
    removed: int
    added: tuple[bytes, ...]


def edited(lines: Iterable[bytes], edits: Sequence[LineEdit]) -> Iterator[bytes]:
    """
    Yield the lines of the edited text.

    Args:
        lines: The old lines, each with its newline.
        edits: Ordered, not overlapping.
    """
    stream = iter(lines)
    number = 1
    for edit in edits:
        yield from islice(stream, edit.first - number)
        deque(islice(stream, edit.removed), maxlen=0)
        yield from edit.added
        number = edit.first + edit.removed
    yield from stream


def file_diff(path: str, lines: Iterable[bytes], edits: Sequence[LineEdit]) -> Iterator[bytes]:
    """Yield the diff of one file in pieces; nothing without edits. Keeps at most one hunk in memory."""
    if edits:
        yield from _header(path, f"a/{path}")
        yield from _hunks(lines, edits)


def new_file_diff(path: str, lines: Sequence[bytes]) -> Iterator[bytes]:
    """Yield the diff that creates a file."""
    yield from _header(path, None)
    yield b"@@ -0,0 +1%s @@\n" % (b"" if len(lines) == 1 else b",%d" % len(lines))
    yield from (_marked(b"+", line) for line in lines)


def _header(path: str, old: str | None) -> Iterator[bytes]:
    a, b = _quoted(f"a/{path}"), _quoted(f"b/{path}")
    yield f"diff --git {a} {b}\n".encode(errors="surrogateescape")
    if old is None:
        yield b"new file mode 100644\n--- /dev/null\n"
    else:
        yield f"--- {_ended(a)}\n".encode(errors="surrogateescape")
    yield f"+++ {_ended(b)}\n".encode(errors="surrogateescape")


def _hunks(lines: Iterable[bytes], edits: Sequence[LineEdit]) -> Iterator[bytes]:
    stream = iter(lines)
    number = 1  # number of the next line in the stream
    shift = 0
    waiting: deque[bytes] = deque(maxlen=CONTEXT)
    for group in _groups(edits):
        for line in islice(stream, group[0].first - number):
            waiting.append(line)
            number += 1
        body = [_marked(b" ", line) for line in waiting]
        start, old, new = number - len(waiting), len(waiting), len(waiting)
        for edit in group:
            between = list(islice(stream, edit.first - number))
            gone = list(islice(stream, edit.removed))
            body += [_marked(b" ", line) for line in between]
            body += [_marked(b"-", line) for line in gone]
            body += [_marked(b"+", line) for line in edit.added]
            number = edit.first + len(gone)
            old += len(between) + len(gone)
            new += len(between) + len(edit.added)
        after = list(islice(stream, CONTEXT))
        body += [_marked(b" ", line) for line in after]
        number += len(after)
        old, new = old + len(after), new + len(after)
        yield b"@@ -%s +%s @@\n" % (_range(start, old), _range(start + shift, new))
        yield from body
        shift += new - old
        waiting.clear()
        waiting.extend(after)


def _groups(edits: Sequence[LineEdit]) -> Iterator[list[LineEdit]]:
    """Group edits whose context would overlap or touch into one hunk."""
    group: list[LineEdit] = []
    for edit in edits:
        if group and edit.first - (group[-1].first + group[-1].removed) > 2 * CONTEXT:
            yield group
            group = []
        group.append(edit)
    if group:
        yield group


def _range(start: int, length: int) -> bytes:
    if length == 1:
        return b"%d" % start
    return b"%d,%d" % (start if length else start - 1, length)


def _marked(sign: bytes, line: bytes) -> bytes:
    return sign + line if line.endswith(b"\n") else sign + line + b"\n" + _NO_END


def _quoted(path: str) -> str:
    """Quote a path as git does: only if it holds a character that needs quoting."""
    if not _NEEDS_QUOTES.search(path):
        return path
    return f'"{"".join(map(_escaped, path.encode(errors="surrogateescape")))}"'


def _escaped(byte: int) -> str:
    if byte in _ESCAPES:
        return _ESCAPES[byte]
    return chr(byte) if 0x20 <= byte < 0x7F else f"\\{byte:03o}"


def _ended(path: str) -> str:
    """Append a tab to a path with spaces, so that no part of it is taken for a timestamp."""
    return f"{path}\t" if " " in path else path
