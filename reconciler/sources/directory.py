"""A directory as a spec tree, pinned to where its links led when it was opened."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

from reconciler.errors import SourceError
from reconciler.sources.revision import revision_of


@dataclass(frozen=True, slots=True)
class Directory:
    """
    A spec tree on disk.

    Attributes:
        root: Without links: if a link that led here moves on, this tree does not.
        name: What the user calls it.
        revision: The commit it was checked out at when it was opened.
        no_revision: Why that is not known, though the tree may be kept in git.
    """

    root: Path
    name: str
    revision: str | None
    no_revision: str | None = None

    def files(self) -> Sequence[str]:
        """Return every file below the root; linked directories are not entered."""
        found: list[str] = []
        pending = [""]
        while pending:
            below = pending.pop()
            try:
                with os.scandir(self.root / below) as items:
                    visible = [item for item in items if _is_visible(item.name)]
            except OSError as exc:
                raise SourceError(f"{self.display(below)}: {_reason(exc)}") from exc
            for item in visible:
                path = f"{below}/{item.name}" if below else item.name
                if item.is_dir(follow_symlinks=False):
                    pending.append(path)
                elif not _is_linked_directory(item):
                    found.append(path)
        return sorted(found)

    def open(self, path: str) -> BinaryIO:
        """Open a regular file whose links, if any, stay within the tree."""
        try:
            real = (self.root / path).resolve(strict=True)
        except (ValueError, RuntimeError) as exc:  # a NUL in the path; a circle of links
            raise OSError(errno.EINVAL, "it cannot be a path of a file", path) from exc
        if not real.is_relative_to(self.root):
            raise PermissionError(errno.EPERM, "it leads out of the spec tree", path)
        # Without O_NONBLOCK opening a named pipe would wait for its other end.
        handle = os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        mode = os.fstat(handle).st_mode
        if not stat.S_ISREG(mode):
            os.close(handle)
            what = "it is a directory" if stat.S_ISDIR(mode) else "it is not a regular file"
            raise OSError(errno.EISDIR, what, path)
        return os.fdopen(handle, "rb")

    def display(self, path: str) -> str:
        shown = Path(self.name, path).as_posix()
        return os.fsencode(shown).decode(errors="backslashreplace")


class Opened(NamedTuple):
    """
    A tree, and the one file of it that is meant; None for all.

    Attributes:
        only: A path in the tree.
    """

    tree: Directory
    only: str | None = None


def open_path(path: Path) -> Opened:
    """
    Open what a user names: a directory, or one spec file, whose tree is then the directory around it.

    Raises:
        SourceError: There is no such thing, or it cannot be looked at.
    """
    try:
        real = path.resolve(strict=True)
        is_directory = real.is_dir()
        shown = path if is_directory else path.parent
        absolute = shown.absolute()
        shown = absolute.relative_to(Path.cwd()) if absolute.is_relative_to(Path.cwd()) else shown
    except (OSError, ValueError, RuntimeError) as exc:
        raise SourceError(f"{path}: {_reason(exc)}") from exc
    root = real if is_directory else real.parent
    tree = Directory(root, str(shown), *revision_of(root))
    return Opened(tree, None if is_directory else real.name)


def _is_visible(name: str) -> bool:
    return not name.startswith(".") and name != "lost+found"  # the root's own, on a fresh volume


def _is_linked_directory(item: os.DirEntry[str]) -> bool:
    """Tell whether a link leads to a directory; one that leads nowhere is a file that cannot be read."""
    try:
        return item.is_dir()
    except OSError:  # a circle of links, a forbidden or impossible path; absence alone is no error here
        return False


def _reason(exc: Exception) -> str:
    return (exc.strerror if isinstance(exc, OSError) else None) or str(exc)
