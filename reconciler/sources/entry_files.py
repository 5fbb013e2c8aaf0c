"""
Files with entries: JSON Lines, never read whole, the shorthand, compiled, and files whose bytes a digest pins.

Pinned are objects in S3, and files that git keeps as pointers of Git LFS. Of a user's repository nothing is
fetched: it can name any server (``.lfsconfig``), and extensions that are programs. The user fetches what is
missing with ``git lfs pull``. For a clone of ours, see `git.clone`.
"""

from __future__ import annotations

import io
import os
import re
from array import array
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO, ClassVar, Final, NamedTuple

from msgspec import Struct

from reconciler.core.spec.choices import PinnedObject, Pointer
from reconciler.core.spec.documents import Dataset, Target
from reconciler.core.spec.labelling import Entries, compile_lines
from reconciler.core.spec.messages import ModelError
from reconciler.core.validation import codes
from reconciler.core.validation.problem import Origin, Problem, Severity
from reconciler.errors import ManifestUnusable, SourceError
from reconciler.ports import EntryFile, Manifests, Tree
from reconciler.sources.documents import Parsed, ParsedFile, sound_part
from reconciler.sources.text import HEAD_BYTES, check_form

# The specification of Git LFS: keys in order, one a line, the version first, fewer than 1,024 bytes in all. A
# pointer with extensions (ext-…) names programs that restore the file, and does not match.
_MAX_BYTES: Final = 1_024
_POINTER: Final = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\noid sha256:([0-9a-f]{64})\nsize ([0-9]{1,18})\n"
)


class JsonLines(Struct, frozen=True):
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


class CompiledLines(Struct, frozen=True):
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


class PinnedLines(Struct, frozen=True):
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
        return _checked(self.manifests.open(self.object, self.target), str(self.object))

    def line_number(self, line: int) -> int:
        return line

    def identity(self) -> str:
        return f"sha256:{self.pinned}"


class LargeFile(Struct, frozen=True):
    """JSON Lines that git keeps as a pointer of Git LFS."""

    tree: Tree
    name: str
    pointer: Pointer
    manifests: Manifests

    @property
    def pinned(self) -> str:
        return self.pointer.sha256

    @property
    def origin(self) -> Origin:
        return Origin(self.name, 1)

    def open(self) -> BinaryIO:
        stream = self.manifests.open_copy(self.name, self.pinned, lambda: self.tree.large_file(self.pointer))
        return _checked(stream, self.name)

    def line_number(self, line: int) -> int:
        return line

    def identity(self) -> str:
        return f"sha256:{self.pinned}"


def _checked(stream: BinaryIO, name: str) -> BinaryIO:
    if (found := check_form(stream, name)) is not None:
        stream.close()
        raise ManifestUnusable(f"{name}: {found.message}")
    stream.seek(0)
    return stream


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
            model_error = ModelError(place, codes.NAMED_TWICE, f"{pinned} is named twice; it is read once")
            problems.append(parsed.problem(model_error, Severity.WARNING))
        else:
            files[pinned] = PinnedLines(pinned, dataset.spec.target, parsed.origin_of(place), manifests)
    return tuple(files.values())


def can_be_read(tree: Tree, pointer: Pointer) -> bool:
    """Return whether the object of a pointer is on this machine, or is fetched when it is opened."""
    if tree.fetches_large_files:
        return True
    try:
        tree.large_file(pointer).close()
    except OSError:
        return False
    return True


def read_pointer(content: bytes) -> Pointer | None:
    """Read a file as a pointer; return None if it is not one, or one that cannot be followed."""
    found = _POINTER.fullmatch(content) if len(content) < _MAX_BYTES else None
    return Pointer(found[1].decode(), int(found[2])) if found else None


def open_object(common_dir: Path, digest: str) -> BinaryIO:
    """
    Open an object, whose bytes are not checked.

    Args:
        common_dir: The git directory that all work trees of the repository share.

    Raises:
        OSError: It is not there.
    """
    return (common_dir / "lfs" / "objects" / digest[:2] / digest[2:4] / digest).open("rb")


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
        pointer = read_pointer(stream.read(HEAD_BYTES))
        if pointer is not None and can_be_read(tree, pointer):
            return CheckedFile(LargeFile(tree, name, pointer, manifests))
        if (found := check_form(stream, name)) is not None:
            return CheckedFile(None, problems=(found,))
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
        problem = Problem(Severity.ERROR, codes.NOT_ENTRIES, message, Origin(name, 1))
        return CheckedFile(None, problems=(problem,))
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
    for item, line in compiled.lines.items():
        if item not in bad:
            content += line + b"\n"
            numbers.append(document.document.locate(("images", item)).line)
    return [document.problem(model_error) for model_error in compiled.model_errors]
