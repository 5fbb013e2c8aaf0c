"""A commit as a spec tree."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO, Final, NamedTuple, Protocol

from reconciler.core.spec.choices import Pointer
from reconciler.errors import SourceError
from reconciler.sources.git.runner import Answer
from reconciler.sources.links import SUBMODULE, Links, PathKind, resolve

LINK_MODE: Final = "120000"
SUBMODULE_MODE: Final = "160000"
_KINDS: Final = {LINK_MODE: PathKind.LINK, SUBMODULE_MODE: PathKind.SUBMODULE}


class TreeEntry(NamedTuple):
    """A file of a commit."""

    mode: str
    blob: str


class CommitDirectory(NamedTuple):
    """
    A directory of a commit.

    Attributes:
        above: Its real path in the commit.
        nodes: Path from there -> file, link or submodule.
        only: The one file of it that is meant; None for all.
    """

    above: tuple[str, ...]
    nodes: dict[str, TreeEntry]
    only: str | None = None


def nodes_of(listing: bytes) -> Iterator[tuple[str, TreeEntry]]:
    """Parse the output of ``git ls-tree -z``."""
    for record in filter(None, listing.split(b"\0")):
        head, _, name = record.partition(b"\t")
        mode, _kind, blob = head.decode().split()
        yield os.fsdecode(name), TreeEntry(mode, blob)


class Ask(Protocol):
    """Runs git in one repository; raises `SourceError` if it fails."""

    def __call__(self, *words: str, stdin: bytes | None = None, into: BinaryIO | None = None) -> Answer: ...


@dataclass(frozen=True, slots=True)
class CommitReader:
    """
    Reads the commits of one repository.

    Attributes:
        name: What the user calls it.
    """

    name: str
    _ask: Ask

    def directory(self, commit: str, path: str) -> CommitDirectory:
        """
        Return every file below *path* of a commit; the path may contain links within the repository.

        Of one spec file, the directory around it is its tree.

        Raises:
            SourceError: There is no such directory or file in that commit.
        """
        try:
            real = resolve(path, (), lambda part: self._link(commit, path, part))
        except OSError as exc:
            raise SourceError(f"{self.name}: {path}: {exc.strerror}") from exc
        only = None
        if self.leads_to_directory(commit, real) is False:
            real, _, only = real.rpartition("/")
        listing = self._ask("ls-tree", "-r", "-z", "--end-of-options", f"{commit}:{real}").out
        return CommitDirectory(tuple(filter(None, real.split("/"))), dict(nodes_of(listing)), only)

    def tree(
        self,
        commit: str,
        path: str,
        read: Callable[[str], BinaryIO],
        large_file: Callable[[Pointer], BinaryIO],
        *,
        prefix: str = "",
        fetches_large_files: bool = False,
    ) -> tuple[GitTree, str | None]:
        """
        Return the spec tree below *path* of a commit, and its one file that is meant; arguments as of `GitTree`.

        Args:
            prefix: Put before every place in the tree.

        Raises:
            SourceError: As `directory`.
        """
        found = self.directory(commit, path)
        name = prefix + (path if found.only is None else posixpath.dirname(path))
        leads = partial(self.leads_to_directory, commit)
        tree = GitTree(name, commit, found, read, leads, large_file, fetches_large_files=fetches_large_files)
        return tree, found.only

    def _link(self, commit: str, path: str, part: str) -> str | None:
        """
        Return the target of a part of the path if it is a link in a commit, or None.

        Raises:
            SourceError: It does not exist, or is a submodule.
        """
        words = ("ls-tree", "-z", "--full-tree", "--end-of-options", commit, f":(literal){part}")
        found = dict(nodes_of(self._ask(*words).out)).get(part)
        if found is None:
            raise SourceError(f"{self.name}: there is no {path} in commit {commit}")
        if found.mode == SUBMODULE_MODE:
            raise SourceError(
                f"{self.name}: {part} is a submodule; follow its own repository with --git, or a checkout of both"
            )
        return os.fsdecode(self._ask("cat-file", "blob", found.blob).out) if found.mode == LINK_MODE else None

    def leads_to_directory(self, commit: str, path: str) -> bool | None:
        """Return whether a link in a commit leads to a directory; None if it leads out of the commit."""
        question = os.fsencode(f"{commit}:{path}\n")
        words = ("cat-file", "--batch-check=%(objecttype)", "--follow-symlinks")
        answer = self._ask(*words, stdin=question).text
        return answer == "tree" if answer in {"tree", "blob"} else None

    def write(self, blob: str, stream: BinaryIO) -> None:
        """
        Write the content of one file to *stream*, which is a real file.

        Raises:
            SourceError: It could not be read.
        """
        self._ask("cat-file", "blob", blob, into=stream)


class GitTree:
    """
    `ports.Tree` of one commit.

    Args:
        read: Opens a blob by its id.
        leads_to_directory: Returns whether a link out of the tree leads to a directory of the commit; None if
            unknown.
        large_file: Opens an object of Git LFS.
        fetches_large_files: Whether it fetches those that are not on this machine.
    """

    def __init__(
        self,
        name: str,
        revision: str,
        directory: CommitDirectory,
        read: Callable[[str], BinaryIO],
        leads_to_directory: Callable[[str], bool | None],
        large_file: Callable[[Pointer], BinaryIO],
        *,
        fetches_large_files: bool,
    ) -> None:
        self._large_file = large_file
        self.fetches_large_files = fetches_large_files
        self.name = name
        self.revision: str | None = revision
        self.above = directory.above
        self._nodes = directory.nodes
        self._read = read
        self._leads_to_directory = leads_to_directory
        self._directories: dict[str, dict[str, PathKind]] = {"": {}}
        for path, node in directory.nodes.items():
            self._add(path, _KINDS.get(node.mode, PathKind.FILE))
        self._links = Links(self)

    def _add(self, path: str, kind: PathKind) -> None:
        parent, _, name = path.rpartition("/")
        if parent not in self._directories:
            self._directories[parent] = {}
            self._add(parent, PathKind.DIRECTORY)
        self._directories[parent][name] = kind

    def large_file(self, pointer: Pointer) -> BinaryIO:
        return self._large_file(pointer)

    def files(self) -> Sequence[str]:
        return self._links.names.files

    def refused(self) -> Mapping[str, str]:
        return self._links.names.refused

    def canonical(self, path: str) -> str:
        return self._links.canonical(path)

    def open(self, path: str) -> BinaryIO:
        real = self._links.resolve(path)
        node = self._nodes.get(real)
        if node is not None and node.mode != SUBMODULE_MODE:
            return self._read(node.blob)
        if real in self._directories:
            raise IsADirectoryError(21, "it is a directory", path)
        parents = [real[:end] for end, char in enumerate(f"{real}/") if char == "/"]
        if any(self.kind(parent) is PathKind.SUBMODULE for parent in parents):
            raise OSError(22, SUBMODULE.replace("it is", "it is in"), path)
        raise FileNotFoundError(2, "no such file in this commit", path)

    def display(self, path: str) -> str:
        between = "" if self.name.endswith(":") else "/"  # REVISION:path, of the root of a repository
        shown = path if self.name in {"", "."} else f"{self.name}{between}{path}"
        return os.fsencode(shown).decode(errors="backslashreplace")

    def identity(self, path: str) -> str | None:
        try:
            node = self._nodes.get(self._links.resolve(path))
        except OSError:
            return None
        return None if node is None else node.blob

    def children(self, directory: str) -> Iterable[tuple[str, PathKind]]:
        return self._directories[directory].items()

    def kind(self, path: str) -> PathKind | None:
        if path in self._directories:
            return PathKind.DIRECTORY
        node = self._nodes.get(path)
        return None if node is None else _KINDS.get(node.mode, PathKind.FILE)

    def target(self, path: str) -> str | None:
        node = self._nodes.get(path)
        if node is None or node.mode != LINK_MODE:
            return None
        with self._read(node.blob) as stream:
            return os.fsdecode(stream.read())

    def hides_directory(self, path: str) -> bool | None:
        return self._leads_to_directory("/".join([*self.above, path]))
