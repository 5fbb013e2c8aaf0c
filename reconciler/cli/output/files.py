"""Files that are written whole or not at all."""

from __future__ import annotations

import filecmp
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from reconciler.errors import OutputError, UsageError

Writer = Callable[[BinaryIO], object]


def _usual_mode() -> int:
    """Return the mode of a new file, which can only be found out by changing it for a moment."""
    mask = os.umask(0o077)
    os.umask(mask)
    return 0o666 & ~mask


# Of the whole process: asked once, before there are threads, whose files would get the mode of that moment.
_MODE: Final = _usual_mode()


def write_whole(path: Path, write: Writer, *, mode: int = _MODE) -> None:
    """
    Write one file: what stood there before stands there until the new one is on the disk.

    A device or a pipe (``--out /dev/stdout``) is written to, and never replaced by a file.

    Raises:
        OutputError: The disk is full, the directory is missing, or it may not be written.
    """
    if path.exists() and not path.is_file():
        with _explained(path), path.open("wb") as stream:
            write(stream)
        return
    write_all({path: write}, replace=True, mode=mode)


def write_all(files: Mapping[Path, Writer], *, replace: bool, mode: int = _MODE) -> None:
    """
    Write several files, after all of them are known to fit and allowed to be written.

    Args:
        replace: Whether a file that stands there with other content may be replaced.

    Raises:
        OutputError: One of them cannot be written.
        UsageError: One of them stands there with other content, and may not be replaced.
    """
    with ExitStack() as stack:
        staged = {path: stack.enter_context(_staged(path, write, mode)) for path, write in files.items()}
        for path, new in staged.items():
            if not replace and path.exists() and not filecmp.cmp(path, new, shallow=False):
                raise UsageError(f"{path}: is there already, with other content; --force replaces it")
        for path, new in staged.items():
            with _explained(path):
                new.replace(path)


@contextmanager
def _staged(path: Path, write: Writer, mode: int) -> Iterator[Path]:
    """Write the new content beside *path*, safely on the disk, and clean up if nobody takes it."""
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
    except OSError as exc:
        raise OutputError(f"{path}: {exc.strerror or exc}; nothing was written there") from exc
