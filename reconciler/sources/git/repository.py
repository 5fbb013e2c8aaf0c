"""A git repository as a source: fetched into a clone and read from the commit."""

from __future__ import annotations

from typing import BinaryIO

from reconciler.errors import SourceError
from reconciler.ports import Manifests, SpecRevision
from reconciler.sources.blobs import Blobs
from reconciler.sources.git.clone import Clone
from reconciler.sources.load import load
from reconciler.sources.manifests import NOTHING_KEPT


class GitSource:
    """
    `ports.Source` over a repository.

    Args:
        path: The directory of the spec tree in the repository, or one spec file.
        blobs: The cache of file contents, by their ids in git.
        manifests: Opens entries outside git.
    """

    def __init__(self, clone: Clone, path: str, blobs: Blobs, manifests: Manifests = NOTHING_KEPT) -> None:
        self._manifests = manifests
        self._clone = clone
        self._path = path
        self._blobs = blobs

    @property
    def name(self) -> str:
        return self._clone.name

    def poll(self, known: str | None) -> SpecRevision | None:
        commit = self._clone.fetch()
        notice = self._clone.notice
        fingerprint = f"{commit}; {notice}" if notice else commit
        if fingerprint == known:
            return None
        used: set[str] = set()

        def read(blob: str) -> BinaryIO:
            used.add(blob)
            if not self._blobs.path(blob).exists():
                self._fill(blob)
            return self._blobs.path(blob).open("rb")

        try:
            tree, only = self._clone.commits.tree(
                commit, self._path, read, self._clone.large_file, fetches_large_files=True
            )
            specs = load(tree, only, self._manifests)
        except OSError as exc:
            raise SourceError(f"{self.name}: {exc.strerror or exc}") from exc
        self._blobs.forget_others(used)
        return SpecRevision(fingerprint, specs, notice)

    def _fill(self, blob: str) -> None:
        try:
            self._blobs.fill(blob, lambda stream: self._clone.write_blob(blob, stream))
        except OSError as exc:  # a full disk is not a problem of the specs
            raise SourceError(
                f"{self.name} cannot be copied to {self._blobs.path('')}: {exc.strerror or exc}"
            ) from exc

    def close(self) -> None:
        """Delete the cached files. The clone stays, so that the next start fetches only changes."""
        self._blobs.clear()
