"""A directory as a source: a plain one, or the link that git-sync moves from tree to tree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO

from reconciler.errors import SourceError
from reconciler.ports import SpecRevision, Tree
from reconciler.sources.blobs import Blobs
from reconciler.sources.load import load
from reconciler.sources.trees.directory import Directory, Opened, open_path


class CachedTree:
    """
    `ports.Tree` over another tree: each file is copied when it is first opened.

    Attributes:
        copies: Path -> name of the copy.
    """

    def __init__(self, tree: Tree, blobs: Blobs) -> None:
        self._tree = tree
        self._blobs = blobs
        self.copies: dict[str, str] = {}

    @property
    def name(self) -> str:
        return self._tree.name

    @property
    def revision(self) -> str | None:
        return self._tree.revision

    def files(self) -> Sequence[str]:
        return self._tree.files()

    def open(self, path: str) -> BinaryIO:
        """
        Open the copy.

        Raises:
            OSError: The file cannot be read: a problem of the specs.
            SourceError: It cannot be copied: a temporary failure.
        """
        name = self.copies.get(path)
        if name is None:
            with self._tree.open(path) as original:
                try:
                    name = self.copies[path] = self._blobs.keep(original)
                except OSError as exc:
                    raise SourceError(f"{self.display(path)}: {exc.strerror or exc}; no copy") from exc
        return self._blobs.path(name).open("rb")

    def refused(self) -> Mapping[str, str]:
        return self._tree.refused()

    def canonical(self, path: str) -> str:
        return self._tree.canonical(path)

    def display(self, path: str) -> str:
        return self._tree.display(path)


class DirectorySource:
    """
    `ports.Source` over a path, which is resolved once per poll; a tree is read completely or not at all.

    Args:
        blobs: The cache of its files: the tree may vanish as soon as it was read.
    """

    def __init__(self, path: Path, blobs: Blobs) -> None:
        self._path = path
        self._blobs = blobs

    @property
    def name(self) -> str:
        return str(self._path)

    def poll(self, known: str | None) -> SpecRevision | None:
        opened = open_path(self._path)
        before = _fingerprint(opened)
        if before == known:
            return None
        cached = CachedTree(opened.tree, self._blobs)
        specs = load(cached, opened.only)
        for dataset in specs.datasets:
            for file in dataset.files:
                file.open().close()
        if _fingerprint(opened) != before:
            raise SourceError(f"{self.name}: the specs changed while they were read")
        self._blobs.forget_others(set(cached.copies.values()))
        return SpecRevision(before, specs, opened.tree.no_revision)

    def close(self) -> None:
        """Delete the copies."""
        self._blobs.clear()


def _fingerprint(opened: Opened) -> str:
    """
    Return a digest of the file metadata of a tree, without reading the files.

    Raises:
        SourceError: The tree cannot be listed.
    """
    tree: Directory = replace(opened.tree)  # a copy without a cached listing
    total = blake2b(
        repr((str(tree.root), tree.revision, tree.no_revision, opened.only)).encode(), digest_size=16
    )
    for path in [opened.only] if opened.only else tree.files():
        try:
            found = (tree.root / path).stat()
        except OSError as exc:  # a dangling link, or a file that was deleted, is part of the state
            total.update(repr((path, exc.errno)).encode())
            continue
        facts = (path, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)
        total.update(repr(facts).encode())
    return total.hexdigest()
