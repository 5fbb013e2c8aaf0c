"""The files of an export, written below a directory that is not in use yet."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast


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
        """Tell whether `put` has written this file."""
        return (self._directory / directory / name).exists()


def spool() -> BinaryIO:
    """Return a temporary file, for what comes later in a file than it is known; the caller closes it."""
    return cast(BinaryIO, tempfile.TemporaryFile(prefix="reconciler-"))
