"""A content-addressed cache of spec files, so that a file read once can be read again unchanged."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Collection
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO, Final

from reconciler.errors import SourceError
from reconciler.private import state_directory, temporary_beside

_PIECE_BYTES: Final = 1 << 20
_PREFIX: Final = "specs-"


class Blobs:
    """
    A directory of files, each named after its content.

    It belongs to this process alone, which locks it; the directory of a killed process is deleted by the next.

    Args:
        parent: The state directory, in which it is created.

    Raises:
        SourceError: The directory cannot be created.
    """

    def __init__(self, parent: Path) -> None:
        try:
            state_directory(parent)
            for other in parent.glob(f"{_PREFIX}*"):
                _delete_if_abandoned(other)
            self._directory = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
            self._lock = os.open(self._directory, os.O_RDONLY | os.O_CLOEXEC)
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            self._latest: frozenset[str] = frozenset()
        except OSError as exc:
            raise SourceError(f"{parent}: {exc.strerror or exc}") from exc

    def path(self, name: str) -> Path:
        return self._directory / name

    def keep(self, stream: BinaryIO) -> str:
        """
        Copy a stream and return its digest, the name of the copy.

        Raises:
            OSError: The stream cannot be read, or the disk is full.
        """
        digest = blake2b(digest_size=20)
        with temporary_beside(self.path("new")) as (new, target):
            while piece := stream.read(_PIECE_BYTES):
                digest.update(piece)
                target.write(piece)
            target.flush()
            name = digest.hexdigest()
            new.replace(self.path(name))
        return name

    def fill(self, name: str, write: Callable[[BinaryIO], object]) -> None:
        """
        Store what *write* writes under a name that identifies its content.

        Raises:
            OSError: The disk is full.
        """
        with temporary_beside(self.path(name)) as (new, target):
            write(target)
            target.flush()
            new.replace(self.path(name))

    def forget_others(self, names: Collection[str]) -> None:
        """
        Delete all files but *names* and those of the previous call, which users of the previous tree may open.

        A file that is open stays readable.
        """
        kept, self._latest = self._latest.union(names), frozenset(names)
        for path in self._directory.iterdir():
            if path.name not in kept:
                with suppress(OSError):
                    path.unlink()

    def clear(self) -> None:
        """Delete the directory and everything in it."""
        shutil.rmtree(self._directory, ignore_errors=True)
        os.close(self._lock)


def _delete_if_abandoned(directory: Path) -> None:
    with suppress(OSError):
        handle = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(directory, ignore_errors=True)
        finally:
            os.close(handle)
