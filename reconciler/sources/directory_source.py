"""A directory as a source, plain or the link that git-sync moves from tree to tree, and what confirms it."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from dataclasses import replace
from hashlib import blake2b
from http.client import HTTPException
from pathlib import Path
from typing import BinaryIO, Final

from reconciler.answers import limit_answers
from reconciler.errors import SourceError, reason_of
from reconciler.ports import Manifests, SpecRevision, Tree
from reconciler.sources.blobs import Blobs
from reconciler.sources.directory import Directory, Layer, Opened, as_committed, open_path
from reconciler.sources.load import load
from reconciler.sources.manifests import NOTHING_KEPT


class CachedTree(Layer):
    """
    A tree that copies each file of another one when it is first opened.

    Attributes:
        copies: Path -> name of the copy.
    """

    def __init__(self, tree: Tree, blobs: Blobs) -> None:
        super().__init__(tree)
        self._blobs = blobs
        self.copies: dict[str, str] = {}

    def open(self, path: str) -> BinaryIO:
        """
        Open the copy.

        Raises:
            OSError: The file cannot be read: a problem of the specs.
            SourceError: It cannot be copied: a temporary failure.
        """
        name = self.copies.get(path)
        if name is None:
            with self.tree.open(path) as original:
                try:
                    name = self.copies[path] = self._blobs.keep(original)
                except OSError as exc:
                    raise SourceError(
                        f"{self.display(path)} cannot be copied to {self._blobs.path('')}: {exc.strerror or exc}"
                    ) from exc
        return self._blobs.path(name).open("rb")

    def identity(self, path: str) -> str | None:
        return self.copies.get(path)  # named after its content


class DirectorySource:
    """
    `ports.Source` over a path, which is resolved once per poll; a tree is read completely or not at all.

    Args:
        blobs: The cache of its files: the tree may vanish as soon as it was read.
        manifests: Opens entries outside git.
    """

    def __init__(self, path: Path, blobs: Blobs, manifests: Manifests = NOTHING_KEPT) -> None:
        self._path = path
        self._blobs = blobs
        self._manifests = manifests

    @property
    def name(self) -> str:
        return str(self._path)

    def poll(self, known: str | None) -> SpecRevision | None:
        opened = open_path(self._path)
        before = _fingerprint(opened)
        if before == known:
            return None
        tree = as_committed(opened).tree
        cached = CachedTree(tree, self._blobs)
        specs = load(cached, opened.only, self._manifests)
        for dataset in specs.datasets:
            for file in dataset.files:
                if file.pinned is None:
                    file.open().close()
        if _fingerprint(opened) != before:
            raise SourceError(f"{self.name}: the specs changed while they were read")
        self._blobs.forget_others(set(cached.copies.values()))
        return SpecRevision(before, specs, tree.no_revision)

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


TIMEOUT_SECONDS: Final = 3.0
_MAX_BYTES: Final = 1 << 20
_SYNCS: Final = re.compile(
    r'^git_sync_count_total\{[^}]*status="(?:success|noop)"[^}]*\}\s+([0-9.eE+]+)', re.MULTILINE
)


class TouchedFile:
    """`ports.Witness`: the modification time of a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def name(self) -> str:
        return str(self._path)

    def confirmed_at(self, now: float) -> float | None:
        del now
        try:
            return self._path.stat().st_mtime
        except (OSError, ValueError) as exc:
            raise SourceError(f"{self._path}: {reason_of(exc)}") from exc


class SyncMetrics:
    """
    `ports.Witness`: the counter of git-sync, which grows with every successful sync, changed or not.

    Its ``--touch-file`` does not serve: git-sync touches it only when something changed.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._count = 0.0
        self._grew_at: float | None = None
        limit_answers()
        # A proxy of the environment cannot reach this pod's loopback.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    @property
    def name(self) -> str:
        return self._url

    def confirmed_at(self, now: float) -> float | None:
        count = self._read_count()
        if count not in (0.0, self._count):  # smaller after a restart of git-sync
            self._grew_at = now
        self._count = count
        return self._grew_at

    def _read_count(self) -> float:
        try:
            with self._opener.open(self._url, timeout=TIMEOUT_SECONDS) as answer:
                text = answer.read(_MAX_BYTES).decode(errors="replace")
        except (OSError, HTTPException, ValueError) as exc:
            reason = exc.reason if isinstance(exc, urllib.error.URLError) else exc
            raise SourceError(f"{self._url}: {reason}") from exc
        return sum(float(number) for number in _SYNCS.findall(text))
