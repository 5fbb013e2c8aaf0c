"""
Symbolic links in a spec tree, by one rule for a directory, a work tree of git-sync and a commit.

A relative link to a target within the tree is followed. A link out of the tree is refused, as its target is not
part of the revision; so is an absolute one, whose target differs between machines. Circles are detected.
"""

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum, auto
from functools import cached_property
from typing import Final, NamedTuple, Protocol

from reconciler.errors import SourceError

_MAX_HOPS: Final = 40
_MAX_NAMES: Final = 100_000  # reached by links: directories that link to each other multiply
OUT: Final = "it leads out of the spec tree"
SUBMODULE: Final = "it is a submodule, another repository, and only this one is fetched"


class PathKind(StrEnum):
    """The type of a path."""

    FILE = auto()
    DIRECTORY = auto()
    LINK = auto()
    SUBMODULE = auto()


class Store(Protocol):
    """
    The raw content of a tree. Paths are relative to its root; only their last part may be a link.

    Attributes:
        above: The path of the root without links, from the root of the file system or of the commit.
    """

    @property
    def above(self) -> tuple[str, ...]: ...

    def children(self, directory: str) -> Iterable[tuple[str, PathKind]]:
        """
        Return the names in a directory and their kinds.

        Raises:
            SourceError: The directory cannot be listed.
        """
        ...

    def kind(self, path: str) -> PathKind | None: ...

    def target(self, path: str) -> str | None:
        """Return the target of a link; None if *path* is not a link."""
        ...

    def hides_directory(self, path: str) -> bool | None:
        """Return whether a link out of the tree leads to a directory; None if unknown."""
        ...


class TreeNames(NamedTuple):
    """
    All names of a tree.

    Attributes:
        files: Sorted; a file has one name for each link to it.
        preferred: Real path -> name, for files that are visible through links only.
        refused: Path -> reason, for what may contain specs and is not read: submodules of a commit, and links out
            of the tree that lead, or may lead, to a directory.
    """

    files: Sequence[str]
    preferred: Mapping[str, str]
    refused: Mapping[str, str]


def resolve(path: str, above: tuple[str, ...], target: Callable[[str], str | None]) -> str:
    """
    Resolve the links of a path in a tree.

    Args:
        above, target: As in `Store`.

    Raises:
        OSError: It leads out of the tree, or in a circle. The result need not exist.
    """
    position, pending, hops = list(above), deque(path.split("/")), 0
    while pending:
        part = pending.popleft()
        if part in {"", "."}:
            continue
        if part == "..":
            if not position:
                raise PermissionError(errno.EPERM, OUT, path)
            position.pop()
            continue
        position.append(part)
        inside = tuple(position[: len(above)]) == above[: len(position)]
        leads_to = target("/".join(position[len(above) :])) if inside and len(position) > len(above) else None
        if not inside or (leads_to is not None and leads_to.startswith("/")):
            raise PermissionError(
                errno.EPERM, OUT if leads_to is None else f"{OUT}: a link is absolute", path
            )
        if leads_to is not None:
            hops += 1
            if hops > _MAX_HOPS:
                raise OSError(errno.ELOOP, "the links go round in a circle", path)
            position.pop()
            pending.extendleft(reversed(leads_to.split("/")))
    if len(position) < len(above):
        raise PermissionError(errno.EPERM, OUT, path)
    return "/".join(position[len(above) :])


class Links:
    """The names of a tree that contains links."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._names: dict[str, str | None] = {}  # name -> real path; None if it may not be read
        self._refused: dict[str, str] = {}

    def resolve(self, path: str) -> str:
        """
        Return the real path of a path.

        Raises:
            OSError: It leads out of the tree, or in a circle.
        """
        return resolve(path, self._store.above, self._store.target)

    def canonical(self, path: str) -> str:
        """Return the canonical one of the names of a file; the path itself if it cannot be resolved."""
        try:
            real = self.resolve(path)
        except (OSError, ValueError):
            return path
        return self.names.preferred.get(real, real)

    @cached_property
    def names(self) -> TreeNames:
        """
        All visible names, through any links.

        Raises:
            SourceError: A directory cannot be listed, or links multiply the files beyond reason.
        """
        pending = [("", "", frozenset([""]), False)]
        by_links = 0
        while pending:
            shown, real, trail, linked = pending.pop()
            for name, kind in self._store.children(real):
                if name.startswith(".") or name == "lost+found":  # the root's own, on a fresh volume
                    continue
                by_links += linked
                if by_links > _MAX_NAMES:
                    raise SourceError(f"links in the spec tree lead to more than {_MAX_NAMES:,} names")
                path = _below(shown, name)
                entered = self._take(path, _below(real, name), kind)
                if entered is not None and entered not in trail:
                    pending.append((path, entered, trail | {entered}, linked or kind is PathKind.LINK))
        preferred: dict[str, str] = {}
        for path, actual in sorted(self._names.items()):
            if actual is not None and actual not in self._names:
                preferred.setdefault(actual, path)
        return TreeNames(sorted(self._names), preferred, self._refused)

    def _take(self, path: str, at: str, kind: PathKind | None) -> str | None:
        """Record one member of a directory; return its real path if it is a directory itself."""
        if kind is PathKind.LINK:
            try:
                at = self.resolve(at)
            except OSError as exc:
                self._names[path] = None
                if isinstance(exc, PermissionError) and self._may_hide(at):
                    self._refused[path] = str(exc.strerror)
                return None
            kind = self._store.kind(at)
        if kind is PathKind.DIRECTORY:
            return at
        if kind is PathKind.SUBMODULE:
            self._refused[path] = SUBMODULE
        else:
            self._names[path] = at
        return None

    def _may_hide(self, link: str) -> bool:
        known = self._store.hides_directory(link)
        return "." not in link.rpartition("/")[2] if known is None else known


def _below(directory: str, name: str) -> str:
    return f"{directory}/{name}" if directory else name
