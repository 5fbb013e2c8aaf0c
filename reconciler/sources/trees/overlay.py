"""A spec tree with edits applied; the tree itself stays unchanged."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from reconciler.core.proposals.patch import edited
from reconciler.ports import Tree
from reconciler.sources.edits.tree_edits import TreeEdits


@dataclass(frozen=True, slots=True)
class Overlay:
    """
    A tree with some of its files replaced.

    Attributes:
        changed: Path in the tree -> the whole new file.
    """

    tree: Tree
    changed: dict[str, Path]

    @property
    def name(self) -> str:
        return self.tree.name

    @property
    def revision(self) -> str | None:
        return self.tree.revision

    def files(self) -> Sequence[str]:
        return sorted({*self.tree.files(), *self.changed})

    def open(self, path: str) -> BinaryIO:
        return self.changed[path].open("rb") if path in self.changed else self.tree.open(path)

    def refused(self) -> Mapping[str, str]:
        return self.tree.refused()

    def canonical(self, path: str) -> str:
        return path if path in self.changed else self.tree.canonical(path)

    def display(self, path: str) -> str:
        return self.tree.display(path)


@contextmanager
def overlaid(tree: Tree, edits: TreeEdits) -> Iterator[Overlay]:
    """Yield the tree with the edits applied; the edited files are deleted with the block."""
    with tempfile.TemporaryDirectory(prefix="reconciler-") as directory:
        changed: dict[str, Path] = {}
        for number, (path, line_edits) in enumerate(edits.edits.items()):
            changed[path] = Path(directory, f"edited-{number}")
            with tree.open(path) as old, changed[path].open("wb") as new:
                new.writelines(edited(old, line_edits))
        for number, (path, lines) in enumerate(edits.created.items()):
            changed[path] = Path(directory, f"made-{number}")
            changed[path].write_bytes(b"".join(lines))
        yield Overlay(tree, changed)
