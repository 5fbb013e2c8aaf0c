"""Create files and directories that only their owner can read, since their content names images."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


def is_private(found: os.stat_result) -> bool:
    """Return whether only this user can have written a regular file."""
    return stat.S_ISREG(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o022


def private_directory(path: Path) -> None:
    """
    Create a directory for its owner alone, whatever the umask. An existing one is left unchanged.

    Raises:
        OSError: It cannot be created.
    """
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=0o700, exist_ok=True)
    path.chmod(0o700)  # the umask may have removed even the owner's permissions


def state_directory(path: Path) -> None:
    """
    Create the state directory, with a ``.gitignore`` that keeps it out of commits.

    A directory that is not empty is left unchanged, as it may also serve another purpose.

    Raises:
        OSError: It cannot be created.
    """
    private_directory(path)
    if next(path.iterdir(), None) is None:
        with suppress(FileExistsError), path.joinpath(".gitignore").open("x") as stream:
            private_file(Path(stream.name))
            stream.write("*\n")


def private_file(path: Path) -> None:
    """
    Create a file if there is none, and restrict it to its owner.

    Raises:
        OSError: It cannot be created, or not be opened.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        with suppress(PermissionError):  # another user owns it and lets this one use it
            os.fchmod(handle, 0o600)
    finally:
        os.close(handle)


@contextmanager
def temporary_beside(path: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """
    Create a file beside *path*, to be renamed to it within the block; it is deleted if it is not.

    Raises:
        OSError: It cannot be created.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    new = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            yield new, stream
    finally:
        new.unlink(missing_ok=True)
