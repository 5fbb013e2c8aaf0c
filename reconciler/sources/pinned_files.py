"""
Files of entries whose bytes a digest pins: objects in S3, and files that git keeps as pointers of Git LFS.

Of a user's repository nothing is fetched: it can name any server (``.lfsconfig``), and extensions that are
programs. The user fetches what is missing with ``git lfs pull``. For a clone of ours, see `git.clone`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from reconciler.core.spec.choices import PinnedObject, Pointer
from reconciler.core.spec.documents import Dataset, Target
from reconciler.core.spec.messages import ModelError
from reconciler.core.validation import spec_codes as codes
from reconciler.core.validation.problem import Origin, Problem, Severity
from reconciler.errors import ManifestUnusable
from reconciler.ports import Manifests, Tree
from reconciler.sources.documents import Parsed
from reconciler.sources.text import check_form

# The specification of Git LFS: keys in order, one a line, the version first, fewer than 1,024 bytes in all. A
# pointer with extensions (ext-…) names programs that restore the file, and does not match.
_MOST_BYTES: Final = 1_024
_POINTER: Final = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\noid sha256:([0-9a-f]{64})\nsize ([0-9]{1,18})\n"
)


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


def pointer_in(content: bytes) -> Pointer | None:
    """Return the pointer that the content of a file is; None if it is none, or one that cannot be followed."""
    found = _POINTER.fullmatch(content) if len(content) < _MOST_BYTES else None
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
