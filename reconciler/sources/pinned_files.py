"""Files of entries whose bytes a digest pins: objects in S3, and files that git keeps as pointers of Git LFS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from reconciler.core.spec.choices import PinnedObject, Pointer
from reconciler.core.spec.documents import Dataset, Target
from reconciler.core.spec.messages import ModelError
from reconciler.core.validation import spec_codes as codes
from reconciler.core.validation.problem import Origin, Problem, Severity
from reconciler.errors import ManifestUnusable
from reconciler.ports import Manifests, Tree
from reconciler.sources.documents import Parsed
from reconciler.sources.form import unusable


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
        return _checked(self.manifests.open(self.object, self.target), str(self.object))

    def line_number(self, line: int) -> int:
        return line

    def identity(self) -> str:
        return f"sha256:{self.pinned}"


@dataclass(frozen=True, slots=True)
class LargeFile:
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
    if (found := unusable(stream, name)) is not None:
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
            model_error = ModelError(
                place, codes.NAMED_TWICE.code, f"{pinned} is named twice; it is read once"
            )
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
