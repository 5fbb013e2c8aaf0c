"""Files with entries: JSON Lines as they are, never read whole, and the shorthand, compiled."""

from __future__ import annotations

import io
import os
from array import array
from dataclasses import dataclass
from hashlib import blake2b
from typing import BinaryIO, ClassVar, Final, NamedTuple

import orjson

from reconciler.core.entries.lines import MAX_LINE_BYTES, other_form, other_format
from reconciler.core.spec.choices import PinnedObject
from reconciler.core.spec.documents import Dataset, Entries, Target
from reconciler.core.spec.labelling import compile_lines
from reconciler.core.spec.messages import ModelError
from reconciler.core.validation import spec_codes as codes
from reconciler.core.validation.problem import Origin, Problem, Severity
from reconciler.errors import ManifestUnusable, SourceError
from reconciler.ports import EntryFile, Manifests, Tree
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
    pinned: ClassVar[None] = None

    @property
    def origin(self) -> Origin:
        return Origin(self.name, 1)

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
    pinned: ClassVar[None] = None

    @property
    def origin(self) -> Origin:
        return Origin(self.name, 1)

    def open(self) -> BinaryIO:
        return io.BytesIO(self.content)

    def line_number(self, line: int) -> int:
        return self.numbers[line - 1]

    def identity(self) -> str | None:
        return blake2b(self.content + self.numbers.tobytes(), digest_size=20).hexdigest()


@dataclass(frozen=True, slots=True)
class PinnedLines:
    """
    JSON Lines in S3, pinned by their digest.

    Attributes:
        origin: The place in the spec that names the object.
    """

    object: PinnedObject
    target: Target
    origin: Origin
    manifests: Manifests

    @property
    def name(self) -> str:
        return self.object.address

    @property
    def pinned(self) -> str:
        return self.object.sha256

    def open(self) -> BinaryIO:
        stream = self.manifests.open(self.object, self.target)
        if (found := _unusable(stream, self.name)) is not None:
            stream.close()
            raise ManifestUnusable(f"{self.object}: {found.message}")
        stream.seek(0)
        return stream

    def line_number(self, line: int) -> int:
        return line

    def identity(self) -> str:
        return f"sha256:{self.pinned}"


class _Unusable(NamedTuple):
    """Why none of the lines of a file can be used."""

    code: codes.Code
    message: str
    line: int = 1


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


def pinned_files(
    parsed: Parsed, dataset: Dataset, manifests: Manifests, problems: list[Problem]
) -> tuple[PinnedLines, ...]:
    """Return the objects in S3 that a dataset names, unread; add a warning for each that is named twice."""
    files: dict[PinnedObject, PinnedLines] = {}
    for number, source in enumerate(dataset.spec.entries):
        if (pinned := source.pinned) is None:
            continue
        place = ("spec", "entries", number, "s3")
        if pinned in files:
            model_error = ModelError(
                place, codes.NAMED_TWICE.code, f"{pinned} is named twice; it is read once"
            )
            problems.append(parsed.problem(model_error, Severity.WARNING))
        else:
            files[pinned] = PinnedLines(pinned, dataset.spec.target, parsed.origin_of(place), manifests)
    return tuple(files.values())


def check_lines(tree: Tree, path: str) -> Checked:
    """
    Check the first and the last bytes of a JSON Lines file.

    Raises:
        OSError: It cannot be read.
    """
    name = tree.display(path)
    with tree.open(path) as stream:
        if (found := _unusable(stream, name)) is not None:
            return _refused(found.code, found.message, Origin(name, found.line))
        size = stream.seek(0, os.SEEK_END)
        stream.seek(0)
        empty = size <= _HEAD_BYTES and not stream.read().strip()
    return Checked(JsonLines(tree, path, name, size), empty=empty)


def _unusable(stream: BinaryIO, name: str) -> _Unusable | None:
    """Return what is wrong with the first or the last bytes of a file, or None."""
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    head = stream.read(_HEAD_BYTES)
    if found := suspicion(head):
        code, reason = found
        return _Unusable(code, f"the file {reason}")
    if (form := other_form(head)) is not None:
        way = f"`reconciler convert groundtruth {name} -o OUT` writes such lines"
        return _Unusable(codes.NOT_LINES, f"{form}, and one object a line is needed: {way}")
    if (format_ := other_format(head)) is not None:
        form, way = format_
        needed = "and JSON Lines are needed, one object a line"
        return _Unusable(codes.NOT_LINES, f"it looks like {form}, {needed}: {way.format(name=name)}")
    if (size > _HEAD_BYTES or head.strip()) and _is_cut(stream, size):
        message = "the file ends in the middle of a line: it looks half-written"
        return _Unusable(codes.CUT, message, _last_line(stream))
    return None


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
