"""A directory as a spec tree, with the links to it resolved when it was opened, and a tree with edits applied."""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple

from reconciler.core.spec.choices import Pointer
from reconciler.errors import SourceError, reason_of
from reconciler.ports import Tree
from reconciler.private import temporary_directory
from reconciler.sources.entry_files import open_object
from reconciler.sources.git.checkout import find
from reconciler.sources.git.revision import revision_of, uncommitted
from reconciler.sources.links import Links, PathKind

if TYPE_CHECKING:
    from reconciler.sources.tree_edits import TreeEdits

FINE_TICK_NS: Final = 100_000_000
"""Far more than the clock of a file system advances at once: 10 ms at most under Linux."""

COARSE_TICK_NS: Final = 3_000_000_000
"""The same where times are whole seconds: FAT has every second one."""


@dataclass(frozen=True, slots=True)
class Directory:
    """
    A spec tree on disk.

    Attributes:
        root: Without links: when a link to it changes, this tree stays the same.
        name: The path as the user wrote it.
        revision: The commit that was checked out when it was opened; None if unknown.
        no_revision: Why the commit is unknown although the tree may be kept in git.
    """

    root: Path
    name: str
    revision: str | None
    no_revision: str | None = None
    _links: Links = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_links", Links(self))

    @property
    def above(self) -> tuple[str, ...]:
        return self.root.parts[1:]

    @property
    def fetches_large_files(self) -> bool:
        return False

    def large_file(self, pointer: Pointer) -> BinaryIO:
        try:
            checkout = find(self.root)
        except SourceError as exc:
            raise OSError(str(exc)) from exc
        if checkout is None:
            raise FileNotFoundError(errno.ENOENT, "not in a git repository", self.name)
        return open_object(checkout.common_dir, pointer.sha256)

    def files(self) -> Sequence[str]:
        """Return every file below the root, through any links within the tree."""
        return self._links.names.files

    def refused(self) -> Mapping[str, str]:
        return self._links.names.refused

    def canonical(self, path: str) -> str:
        return self._links.canonical(path)

    def open(self, path: str) -> BinaryIO:
        """Open a regular file whose links, if any, stay within the tree."""
        try:
            real = self.root / self._links.resolve(path)
            # Without O_NONBLOCK opening a named pipe would wait for its other end.
            handle = os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        except ValueError as exc:  # a NUL in the path
            raise OSError(errno.EINVAL, "it cannot be a path of a file", path) from exc
        mode = os.fstat(handle).st_mode
        if not stat.S_ISREG(mode):
            os.close(handle)
            what = "it is a directory" if stat.S_ISDIR(mode) else "it is not a regular file"
            raise OSError(errno.EISDIR, what, path)
        return os.fdopen(handle, "rb")

    def identity(self, path: str) -> str | None:
        """
        Return the metadata of a file that changes with its content: its inode and when that was last changed.

        None if it was changed just now: a second change might leave the same times, as clocks have ticks. Git
        treats its index in the same way (Documentation/technical/racy-git.adoc). The time of the inode cannot be
        set by programs, unlike that of the content.
        """
        try:
            found = (self.root / self._links.resolve(path)).stat()
        except (OSError, ValueError):
            return None
        for changed in (found.st_mtime_ns, found.st_ctime_ns):
            tick = FINE_TICK_NS if changed % 1_000_000_000 else COARSE_TICK_NS
            if time.time_ns() - changed < tick:
                return None
        return repr((found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns))

    def children(self, directory: str) -> Iterable[tuple[str, PathKind]]:
        try:
            with os.scandir(self.root / directory) as items:
                return [(item.name, _kind(item)) for item in items]
        except OSError as exc:
            raise SourceError(f"{self.display(directory)}: {reason_of(exc)}") from exc

    def kind(self, path: str) -> PathKind | None:
        try:
            mode = (self.root / path).stat().st_mode
        except OSError:
            return None
        return PathKind.DIRECTORY if stat.S_ISDIR(mode) else PathKind.FILE

    def target(self, path: str) -> str | None:
        try:
            return str((self.root / path).readlink())
        except OSError:  # no link, or nothing at all
            return None

    def hides_directory(self, path: str) -> bool | None:
        try:
            return stat.S_ISDIR((self.root / path).stat().st_mode)
        except OSError:
            return None

    def display(self, path: str) -> str:
        shown = Path(self.name, path).as_posix()
        return os.fsencode(shown).decode(errors="backslashreplace")


class Opened(NamedTuple):
    """
    A tree and, if the user named one spec file, its path.

    Attributes:
        only: The path of that file in the tree; None for all.
    """

    tree: Directory
    only: str | None = None


def open_path(path: Path) -> Opened:
    """
    Open a directory, or one spec file, whose tree is then the directory that contains it.

    Raises:
        SourceError: It does not exist, or cannot be accessed.
    """
    try:
        real = path.resolve(strict=True)
        is_directory = real.is_dir()
        shown = path if is_directory else path.parent
        absolute = shown.absolute()
        shown = absolute.relative_to(Path.cwd()) if absolute.is_relative_to(Path.cwd()) else shown
    except (OSError, ValueError, RuntimeError) as exc:
        raise SourceError(f"{path}: {reason_of(exc)}") from exc
    root = real if is_directory else real.parent
    tree = Directory(root, str(shown), *revision_of(root))
    return Opened(tree, None if is_directory else real.name)


def as_committed(opened: Opened) -> Opened:
    """Return it without a revision, and with the reason, if its files are not as that commit has them."""
    tree = opened.tree
    changed = uncommitted(tree.root) if tree.revision is not None else None
    if changed is None:
        return opened
    reason = f"{tree.name} is not as commit {tree.revision}: {changed}"
    return opened._replace(tree=replace(tree, revision=None, no_revision=reason))


def _kind(item: os.DirEntry[str]) -> PathKind:
    if item.is_symlink():
        return PathKind.LINK
    return PathKind.DIRECTORY if item.is_dir(follow_symlinks=False) else PathKind.FILE


class Layer:
    """What a tree over another one has from it: all but the files that it opens itself."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree

    @property
    def name(self) -> str:
        return self.tree.name

    @property
    def revision(self) -> str | None:
        return self.tree.revision

    @property
    def fetches_large_files(self) -> bool:
        return self.tree.fetches_large_files

    def files(self) -> Sequence[str]:
        return self.tree.files()

    def large_file(self, pointer: Pointer) -> BinaryIO:
        return self.tree.large_file(pointer)

    def refused(self) -> Mapping[str, str]:
        return self.tree.refused()

    def canonical(self, path: str) -> str:
        return self.tree.canonical(path)

    def display(self, path: str) -> str:
        return self.tree.display(path)

    def identity(self, path: str) -> str | None:
        return self.tree.identity(path)


class Overlay(Layer):
    """
    A tree with some of its files replaced.

    Args:
        changed: Path in the tree -> the whole new file.
    """

    def __init__(self, tree: Tree, changed: Mapping[str, Path]) -> None:
        super().__init__(tree)
        self.changed = changed

    def files(self) -> Sequence[str]:
        return sorted({*self.tree.files(), *self.changed})

    def open(self, path: str) -> BinaryIO:
        return self.changed[path].open("rb") if path in self.changed else self.tree.open(path)

    def canonical(self, path: str) -> str:
        return path if path in self.changed else self.tree.canonical(path)

    def identity(self, path: str) -> str | None:
        return None if path in self.changed else self.tree.identity(path)


@contextmanager
def overlaid(tree: Tree, edits: TreeEdits) -> Iterator[Overlay]:
    """Yield the tree with the edits applied; the edited files are deleted with the block."""
    from reconciler.core.proposals.patch import edited

    with temporary_directory() as directory:
        changed: dict[str, Path] = {}
        for number, (path, line_edits) in enumerate(edits.edits.items()):
            changed[path] = directory / f"edited-{number}"
            with tree.open(path) as old, changed[path].open("wb") as new:
                new.writelines(edited(old, line_edits))
        for number, (path, lines) in enumerate(edits.created.items()):
            changed[path] = directory / f"made-{number}"
            changed[path].write_bytes(b"".join(lines))
        yield Overlay(tree, changed)
