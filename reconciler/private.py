"""Create files and directories that only their owner can read, since their content names images."""

from __future__ import annotations

import errno
import io
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final, cast

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


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


class TemporaryFileError(OSError):
    """A temporary file could not be created or written; `filename` is the directory that it is in."""


class _Nameless(io.FileIO):
    def write(self, data: object, /) -> int:
        try:
            return super().write(data)  # type: ignore[arg-type]
        except OSError as exc:
            raise _of_temporary_file(exc) from exc


def temporary_file() -> BinaryIO:
    """
    Create a file in TMPDIR that vanishes with the process; the caller closes it.

    Unlike those of `tempfile.TemporaryFile`, its errors say which disk is full.

    Raises:
        TemporaryFileError: It cannot be created; raised by later calls, too.
    """
    try:
        handle, name = tempfile.mkstemp(prefix="reconciler-")
        Path(name).unlink()
    except OSError as exc:
        raise _of_temporary_file(exc) from exc
    return cast(BinaryIO, io.BufferedRandom(_Nameless(handle, "r+b")))


@contextmanager
def temporary_directory() -> Iterator[Path]:
    """
    Create a directory in TMPDIR, which is deleted with the block.

    Raises:
        TemporaryFileError: A file in it could not be written, since the disk is full.
        OSError: It cannot be created.
    """
    with tempfile.TemporaryDirectory(prefix="reconciler-") as name:
        try:
            yield Path(name)
        except OSError as exc:
            if exc.filename is None and exc.errno in _FULL:  # writing names no file
                raise _of_temporary_file(exc) from exc
            raise


def _of_temporary_file(exc: OSError) -> TemporaryFileError:
    directory = tempfile.tempdir or "the directory of temporary files"
    return TemporaryFileError(exc.errno, exc.strerror or str(exc), directory)
