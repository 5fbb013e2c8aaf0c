"""Write files atomically."""

from __future__ import annotations

import filecmp
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

from reconciler.errors import OutputError, UsageError
from reconciler.private import TemporaryFileError

Writer = Callable[[BinaryIO], object]


def _usual_mode() -> int:
    """Return the default mode of a new file; reading the umask requires to change it briefly."""
    mask = os.umask(0o077)
    os.umask(mask)
    return 0o666 & ~mask


# Read once, before there are threads: the umask belongs to the whole process.
_MODE: Final = _usual_mode()


def write_whole(path: Path, write: Writer, *, mode: int = _MODE) -> None:
    """
    Write one file atomically: the old file stays until the new one is on disk.

    A device or a pipe (``--out /dev/stdout``) is written to directly.

    Raises:
        OutputError: The disk is full, or the directory is missing or not writable.
    """
    if path.exists() and not path.is_file():
        with _explained(path), path.open("wb") as stream:
            write(stream)
        return
    write_all({path: write}, replace=True, mode=mode)


def write_all(files: Mapping[Path, Writer], *, replace: bool, mode: int = _MODE) -> None:
    """
    Write several files, replacing none before the new content of all is on disk.

    Args:
        replace: Whether existing files with other content may be replaced.

    Raises:
        OutputError: A file cannot be written.
        UsageError: A file exists with other content and may not be replaced.
    """
    with ExitStack() as stack:
        staged = {path: stack.enter_context(_staged(path, write, mode)) for path, write in files.items()}
        for path, new in staged.items():
            if not replace and path.exists() and not filecmp.cmp(path, new, shallow=False):
                raise UsageError(f"{path}: is there already, with other content; --force replaces it")
        for path, new in staged.items():
            with _explained(path):
                new.replace(path)


def make_directory(path: Path) -> None:
    """
    Create a directory and its parents; one that exists is left as it is.

    Raises:
        OutputError: It cannot be created.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise OutputError(f"{path}: {exc.strerror or exc}") from exc


@contextmanager
def new_directory(path: Path, last: str) -> Iterator[Path]:
    """
    Yield a hidden directory whose content moves to *path* once the block has ended well.

    A process that is killed before leaves *path* without the file *last*, which moves after all others.

    Raises:
        OutputError: A file cannot be written.
        UsageError: *path* holds something already, which is never replaced.
    """
    is_new = not path.exists()
    make_directory(path)
    with _explained(path):
        if found := sorted(child.name for child in path.iterdir()):
            raise UsageError(f"{path} is not empty ({found[0]} is there): name a new directory")
        new = Path(tempfile.mkdtemp(prefix=".export-", dir=path))
    try:
        with _explained(path):
            yield new
            for child in sorted(new.iterdir(), key=lambda child: (child.name == last, child.name)):
                child.rename(path / child.name)
    finally:
        shutil.rmtree(new, ignore_errors=True)
        if is_new:
            with suppress(OSError):  # it is not empty if all went well
                path.rmdir()


@contextmanager
def _staged(path: Path, write: Writer, mode: int) -> Iterator[Path]:
    """Write the content to a temporary file beside *path*, synced to disk; delete it if it is not moved."""
    with _explained(path):
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    new = Path(name)
    try:
        with _explained(path):
            with os.fdopen(handle, "wb") as stream:
                write(stream)
                stream.flush()
                os.fsync(stream.fileno())
            new.chmod(mode)
        yield new
    finally:
        new.unlink(missing_ok=True)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except TemporaryFileError:
        raise
    except OSError as exc:
        raise OutputError(f"{path}: {exc.strerror or exc}; nothing was written there") from exc
