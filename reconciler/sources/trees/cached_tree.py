"""A tree whose files stay as they were first read, even if the originals change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import BinaryIO

from reconciler.errors import SourceError
from reconciler.ports import Tree
from reconciler.sources.blobs import Blobs


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
