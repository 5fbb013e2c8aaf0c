"""Files with entries: JSON Lines as they are, never read whole, and the shorthand, compiled."""

from __future__ import annotations

import io
import os
from array import array
from dataclasses import dataclass
from hashlib import blake2b
from typing import BinaryIO, Final, NamedTuple

import orjson

from reconciler.core.entries.lines import MAX_LINE_BYTES, other_form, other_format
from reconciler.core.spec.documents import Entries
from reconciler.core.spec.labelling import compile_lines
from reconciler.core.validation import spec_codes as codes
from reconciler.core.validation.problem import Origin, Problem, Severity
from reconciler.errors import SourceError
from reconciler.ports import EntryFile, Tree
from reconciler.sources.documents import Parsed, ParsedFile, sound_part
from reconciler.sources.text import suspicion

_HEAD_BYTES: Final = 8_192
_CHUNK_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class JsonLines:
    """
    A JSON Lines file of a tree.

    Attributes:
        size: In bytes, when it was loaded.
    """

    tree: Tree
    path: str
    name: str
    size: int

    def open(self) -> BinaryIO:
        try:
            stream = self.tree.open(self.path)
        except OSError as exc:
            raise SourceError(f"{self.name}: {exc.strerror or exc}") from exc
        if stream.seek(0, os.SEEK_END) != self.size:
            stream.close()
            raise SourceError(f"{self.name}: the file changed while it was in use")
        stream.seek(0)
        return stream

    def line_number(self, line: int) -> int:
        return line

    def identity(self) -> str | None:
        return self.tree.identity(self.path)


@dataclass(frozen=True, slots=True)
class CompiledLines:
    """
    The lines compiled from the shorthand.

    Attributes:
        path: The shorthand file, in its tree.
        numbers: For each compiled line, the line of its image in the file.
    """

    path: str
    name: str
    content: bytes
    numbers: array[int]

    def open(self) -> BinaryIO:
        return io.BytesIO(self.content)

    def line_number(self, line: int) -> int:
        return self.numbers[line - 1]

    def identity(self) -> str | None:
        return blake2b(self.content + self.numbers.tobytes(), digest_size=20).hexdigest()


class Checked(NamedTuple):
    """
    The result of checking a file before any of its lines is validated.

    Attributes:
        file: None if it cannot be used. With problems it may contain only the usable part.
        empty: Whether it has no entries, which a dataset may allow.
    """

    file: EntryFile | None
    empty: bool = False
    problems: tuple[Problem, ...] = ()


def check_lines(tree: Tree, path: str) -> Checked:
    """
    Check the first and the last bytes of a JSON Lines file.

    Raises:
        OSError: It cannot be read.
    """
    name = tree.display(path)
    with tree.open(path) as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(0)
        head = stream.read(_HEAD_BYTES)
        if found := suspicion(head):
            code, reason = found
            return _refused(code, f"the file {reason}", Origin(name, 1))
        if (form := other_form(head)) is not None:
            way = f"`reconciler convert groundtruth {name} -o OUT` writes such lines"
            message = f"{form}, and one object a line is needed: {way}"
            return _refused(codes.NOT_LINES, message, Origin(name, 1))
        if (format_ := other_format(head)) is not None:
            form, way = format_
            message = (
                f"it looks like {form}, and JSON Lines are needed, one object a line: {way.format(name=name)}"
            )
            return _refused(codes.NOT_LINES, message, Origin(name, 1))
        file = JsonLines(tree, path, name, size)
        if size <= _HEAD_BYTES and not head.strip():
            return Checked(file, empty=True)
        if _is_cut(stream, size):
            message = "the file ends in the middle of a line: it looks half-written"
            return _refused(codes.CUT, message, Origin(name, _last_line(stream)))
    return Checked(file)


def check_shorthand(parsed: ParsedFile, name: str) -> Checked:
    """Compile every Entries document of a YAML file, in order."""
    problems = list(parsed.problems)
    documents = [document for document in parsed.documents if document.kind != "Dataset"]
    if not documents and not problems:
        message = "the file is named under entries, but holds no document of kind Entries"
        return _refused(codes.NOT_ENTRIES, message, Origin(name, 1))
    content = bytearray()
    numbers = array("I")
    for document in documents:
        problems += document.problems
        if isinstance(document.model, Entries):
            problems += _compile(document, document.model, frozenset(), content, numbers)
        elif sound := sound_part(document):
            problems += _compile(document, *sound, content, numbers)
    if problems and not numbers:
        return Checked(None, problems=tuple(problems))
    file = CompiledLines(parsed.path, name, bytes(content), numbers)
    return Checked(file, empty=not numbers, problems=tuple(problems))


def _compile(
    document: Parsed, entries: Entries, bad: frozenset[int], content: bytearray, numbers: array[int]
) -> list[Problem]:
    """Append the lines of a document, except those of its *bad* images; return the problems of the others."""
    compiled = compile_lines(entries)
    for line in compiled.lines:
        if line.item not in bad:
            content += line.raw + b"\n"
            numbers.append(document.document.locate(("images", line.item)).line)
    return [document.problem(model_error) for model_error in compiled.model_errors]


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


def _refused(code: codes.Code, message: str, origin: Origin) -> Checked:
    return Checked(None, problems=(Problem(Severity.ERROR, code.code, message, origin),))
