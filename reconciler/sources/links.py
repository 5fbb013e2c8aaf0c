"""
Links in a spec tree, by one rule for a directory, a work tree of git-sync and a commit.

A link is followed where it leads, by a relative path, to something within the tree. What leads out of it is not
part of the revision, and is refused; an absolute path means another thing on every machine, and is refused too.
Circles end.
"""

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum, auto
from functools import cached_property
from typing import Final, NamedTuple, Protocol

from reconciler.errors import SourceError

_MOST_HOPS: Final = 40
_MOST_NAMES: Final = 100_000  # that links give: directories that link to each other multiply
OUT: Final = "it leads out of the spec tree"
SUBMODULE: Final = "it is a submodule, another repository, and only this one is fetched"


class Kind(StrEnum):
    """What stands at a path."""

    FILE = auto()
    DIRECTORY = auto()
    LINK = auto()
    SUBMODULE = auto()


class Store(Protocol):
    """
    What a tree is made of; paths are from its root, and no part of them but the last is a link.

    Attributes:
        above: Where the root is, without links: names from the top of the file system, or of the commit.
    """

    @property
    def above(self) -> tuple[str, ...]: ...

    def children(self, directory: str) -> Iterable[tuple[str, Kind]]:
        """
        Return names and what they are.

        Raises:
            SourceError: The directory cannot be listed.
        """
        ...

    def kind(self, path: str) -> Kind | None: ...

    def target(self, path: str) -> str | None:
        """Return where a link leads; None if there is none at *path*."""
        ...

    def hides_directory(self, path: str) -> bool | None:
        """Tell whether a link that leads out of the tree leads to a directory; None if that is not known."""
        ...


class Listing(NamedTuple):
    """
    All names of a tree.

    Attributes:
        files: Sorted; a file has as many names as links lead to it.
        preferred: A name for each file that has one by links only, by where it really is.
        refused: What may hide specs and is not read, and why: submodules of a commit, and links out of the tree
            that lead, or may lead, to a directory.
    """

    files: Sequence[str]
    preferred: Mapping[str, str]
    refused: Mapping[str, str]


def resolve(path: str, above: tuple[str, ...], target: Callable[[str], str | None]) -> str:
    """
    Return a path of a tree without links.

    Args:
        above, target: As of a `Store`.

    Raises:
        OSError: It leads out of the tree, or in a circle. Whether anything stands there is not asked.
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
            if hops > _MOST_HOPS:
                raise OSError(errno.ELOOP, "the links go round in a circle", path)
            position.pop()
            pending.extendleft(reversed(leads_to.split("/")))
    if len(position) < len(above):
        raise PermissionError(errno.EPERM, OUT, path)
    return "/".join(position[len(above) :])


class Links:
    """The names of a tree with links in it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._names: dict[str, str | None] = {}  # and where they really are, if they may be read
        self._refused: dict[str, str] = {}

    def resolve(self, path: str) -> str:
        """
        Return a path without links.

        Raises:
            OSError: It leads out of the tree, or in a circle.
        """
        return resolve(path, self._store.above, self._store.target)

    def canonical(self, path: str) -> str:
        """Return the one name among those of a file that stands for all; the path itself if it leads nowhere."""
        try:
            real = self.resolve(path)
        except (OSError, ValueError):
            return path
        return self.listing.preferred.get(real, real)

    @cached_property
    def listing(self) -> Listing:
        """
        Every visible name, by whatever links.

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
                if by_links > _MOST_NAMES:
                    raise SourceError(f"links in the spec tree lead to more than {_MOST_NAMES:,} names")
                path = _below(shown, name)
                entered = self._take(path, _below(real, name), kind)
                if entered is not None and entered not in trail:
                    pending.append((path, entered, trail | {entered}, linked or kind is Kind.LINK))
        preferred: dict[str, str] = {}
        for path, actual in sorted(self._names.items()):
            if actual is not None and actual not in self._names:
                preferred.setdefault(actual, path)
        return Listing(sorted(self._names), preferred, self._refused)

    def _take(self, path: str, at: str, kind: Kind | None) -> str | None:
        """Note one member of a directory; return where it really is if it is a directory itself."""
        if kind is Kind.LINK:
            try:
                at = self.resolve(at)
            except OSError as exc:
                self._names[path] = None
                if isinstance(exc, PermissionError) and self._may_hide(at):
                    self._refused[path] = str(exc.strerror)
                return None
            kind = self._store.kind(at)
        if kind is Kind.DIRECTORY:
            return at
        if kind is Kind.SUBMODULE:
            self._refused[path] = SUBMODULE
        else:
            self._names[path] = at
        return None

    def _may_hide(self, link: str) -> bool:
        known = self._store.hides_directory(link)
        return "." not in link.rpartition("/")[2] if known is None else known


def _below(directory: str, name: str) -> str:
    return f"{directory}/{name}" if directory else name
