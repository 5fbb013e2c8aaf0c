"""A directory that somebody else keeps: a plain one, or the link that git-sync moves from tree to tree."""

from __future__ import annotations

from dataclasses import replace
from hashlib import blake2b
from pathlib import Path

from reconciler.errors import SourceError
from reconciler.ports import SpecRevision
from reconciler.sources.blobs import Blobs
from reconciler.sources.load import load
from reconciler.sources.trees.cached_tree import CachedTree
from reconciler.sources.trees.directory import Directory, Opened, open_path


class DirectorySource:
    """
    `ports.Source` over a path. The path is resolved once a look; one tree is read whole, or not at all.

    Args:
        blobs: Where copies are kept: the tree may vanish as soon as it was read.
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
        self._blobs.forget_others(set(cached.kept.values()))
        return SpecRevision(before, specs, opened.tree.no_revision)

    def close(self) -> None:
        """Delete the copies."""
        self._blobs.clear()


def _fingerprint(opened: Opened) -> str:
    """
    Name the state of a tree by what the file system says of its files: nothing is read.

    Raises:
        SourceError: The tree cannot be listed, or changes at this very moment.
    """
    tree: Directory = replace(opened.tree)  # which has listed nothing yet
    total = blake2b(
        repr((str(tree.root), tree.revision, tree.no_revision, opened.only)).encode(), digest_size=16
    )
    for path in [opened.only] if opened.only else tree.files():
        try:
            found = (tree.root / path).stat()
        except (
            OSError
        ) as exc:  # a link that leads nowhere, or a file that went away: both are a state of their own
            total.update(repr((path, exc.errno)).encode())
            continue
        facts = (path, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)
        total.update(repr(facts).encode())
    return total.hexdigest()
