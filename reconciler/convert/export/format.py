"""What a writer is given, the files it writes to, and how it describes its format."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

from msgspec import Struct

from reconciler.convert.export.content import ImageLabels
from reconciler.convert.export.losses import LossKind, Lost
from reconciler.core.entries.entry import Fields


class Files:
    """
    Writes the files of one export.

    Attributes:
        names: The files and directories that hold it, relative, in the order in which they were begun.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._parents: set[str] = set()
        self.names: list[str] = []

    @contextmanager
    def create(self, name: str) -> Iterator[BinaryIO]:
        """Write one large file, which is on disk when the block ends."""
        path = self._directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        self.names.append(name)
        with path.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())

    def put(self, directory: str, name: str, content: bytes) -> bool:
        """Write one of very many small files of a directory; return False, and write nothing, if it is there."""
        path = f"{self._directory}/{directory}/{name}"
        parent = path.rpartition("/")[0]
        if parent not in self._parents:
            Path(parent).mkdir(parents=True, exist_ok=True)
            self._parents.add(parent)
        if f"{directory}/" not in self.names:
            self.names.append(f"{directory}/")
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        except FileExistsError:
            return False
        with os.fdopen(handle, "wb", buffering=0) as stream:
            stream.write(content)
        return True

    def read(self, name: str) -> BinaryIO:
        """Open a file that `create` has written."""
        return (self._directory / name).open("rb")

    def holds(self, directory: str, name: str) -> bool:
        """Return whether `put` has written this file."""
        return (self._directory / directory / name).exists()


Classes = Mapping[str, int]
"""Label -> its number from 0, in the order of code points."""


class ExportedImage(Struct, frozen=True):
    """
    One entry.

    Attributes:
        name: Its path below the directory of the images.
        fields: The line, without keys of the service.
    """

    source_ref: str
    name: str
    content: ImageLabels
    fields: Fields


class WriterContext(NamedTuple):
    """
    What the writer of one split works with.

    Attributes:
        project: The name of the Rekognition project.
        split: Such as ``train``.
        files: Where it writes.
        classes: Label of boxes -> its number from 0, the same in all splits, sorted; empty unless the format
            is `numbered`.
        labels: The same for labels of whole images.
    """

    project: str
    split: str
    files: Files
    classes: Classes
    labels: Classes


class AllSplits(NamedTuple):
    """
    What all splits have in common, for files that are about all of them.

    Attributes:
        splits: Their names, in order.
        about: The user's description of the dataset, such as its license.
    """

    project: str
    splits: Sequence[str]
    files: Files
    classes: Classes
    about: Mapping[str, str]


Add = Callable[[ExportedImage], Sequence[Lost]]
"""Write one image; return its parts that are not written. If one of them is of `LEFT_OUT`, none of it is."""

Split = Callable[[WriterContext], AbstractContextManager[Add]]


@dataclass(frozen=True, slots=True)
class Format:
    """
    One format that entries are written in.

    Attributes:
        split: Opens the files of one split, and completes them when the context ends.
        carries: Kinds that are in the files. What `add` returns, and what is in no line, needs no mention.
        images: The directory of the images of a split; ``{split}`` stands for its name. None if the
            format names images by their addresses.
        numbered: Whether labels have numbers, so that all of them must be known before the first is
            written.
        finish: Writes the files that are about all splits.
        about: What the user must say of the dataset.
    """

    split: Split
    carries: frozenset[LossKind]
    images: str | None = "{split}"
    numbered: bool = False
    finish: Callable[[AllSplits], None] | None = None
    about: tuple[str, ...] = ()
