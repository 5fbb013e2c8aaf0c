"""Files with entries: JSON Lines as they are, never read whole, and the shorthand, compiled."""

from __future__ import annotations

import io
import os
from array import array
from dataclasses import dataclass
from hashlib import blake2b
from typing import BinaryIO, ClassVar, NamedTuple

from reconciler.core.spec.labelling import compile_lines
from reconciler.core.spec.shorthand import Entries
from reconciler.core.validation import spec_codes as codes
from reconciler.core.validation.problem import Origin, Problem, Severity
from reconciler.errors import SourceError
from reconciler.ports import EntryFile, Manifests, Tree
from reconciler.sources.documents import Parsed, ParsedFile, sound_part
from reconciler.sources.pinned_files import LargeFile, can_be_read, pointer_in
from reconciler.sources.text import HEAD_BYTES, check_form


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


class CheckedFile(NamedTuple):
    """
    The result of checking a file before any of its lines is validated.

    Attributes:
        file: None if it cannot be used. With problems it may contain only the usable part.
        empty: Whether it has no entries, which a dataset may allow.
    """

    file: EntryFile | None
    empty: bool = False
    problems: tuple[Problem, ...] = ()


def check_lines(tree: Tree, path: str, manifests: Manifests) -> CheckedFile:
    """
    Check the first and the last bytes of a JSON Lines file; a pointer of Git LFS stands for its object.

    Raises:
        OSError: It cannot be read.
    """
    name = tree.display(path)
    with tree.open(path) as stream:
        pointer = pointer_in(stream.read(HEAD_BYTES))
        if pointer is not None and can_be_read(tree, pointer):
            return CheckedFile(LargeFile(tree, name, pointer, manifests))
        if (found := check_form(stream, name)) is not None:
            return _refused(found.code, found.message, Origin(name, found.line))
        size = stream.seek(0, os.SEEK_END)
        stream.seek(0)
        empty = size <= HEAD_BYTES and not stream.read().strip()
    return CheckedFile(JsonLines(tree, path, name, size), empty=empty)


def check_shorthand(parsed: ParsedFile, name: str) -> CheckedFile:
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
        return CheckedFile(None, problems=tuple(problems))
    file = CompiledLines(parsed.path, name, bytes(content), numbers)
    return CheckedFile(file, empty=not numbers, problems=tuple(problems))


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


def _refused(code: str, message: str, origin: Origin) -> CheckedFile:
    return CheckedFile(None, problems=(Problem(Severity.ERROR, code, message, origin),))
