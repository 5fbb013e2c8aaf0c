"""The JSON Lines file beside a YAML file, for images that the shorthand cannot express."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Collection, Sequence

from reconciler.core.entries.pattern import path_glob
from reconciler.core.proposals.longhand import NotExpressible
from reconciler.ports import LoadedDataset
from reconciler.sources.yaml.edit import UNSAFE, Member, YamlEditor
from reconciler.sources.yaml.positions import Node, parse_nodes
from reconciler.sources.yaml.strict import Mark

SUFFIX = ".console.jsonl"


class Sidecar:
    """
    The sidecar of one YAML file.

    Args:
        path: The path of the YAML file in its tree.
        existing: All files of the tree.
        readers: Each dataset that reads the YAML file, the path of its document, and all files it reads.
    """

    def __init__(
        self,
        path: str,
        existing: Collection[str],
        readers: Sequence[tuple[LoadedDataset, str, Collection[str]]],
    ) -> None:
        self._readers = readers
        self.path = next(
            name
            for name in _names(path)
            if name not in existing or all(name in read for _, _, read in readers)
        )
        self.is_new = self.path not in existing

    def reference(self, editor_of: Callable[[str], YamlEditor]) -> None:
        """
        Add the sidecar to the entries of every dataset that does not read it yet.

        Raises:
            NotExpressible: The document of a dataset cannot be edited safely.
        """
        for dataset, document, read in self._readers:
            if self.path not in read and not self._matches(dataset, document):
                editor = editor_of(document)
                entries, owner = _entries(editor.text, Mark(*_place(dataset)))
                kept = [Member(number) for number in range(len(entries.items))]
                relative = posixpath.relpath(self.path, posixpath.dirname(document) or ".")
                editor.set_list(owner, "entries", [*kept, Member(None, {"file": relative})])

    def _matches(self, dataset: LoadedDataset, document: str) -> bool:
        """Return whether a pattern of the dataset matches the sidecar."""
        places = (
            posixpath.normpath(posixpath.join(posixpath.dirname(document), source.file))
            for source in dataset.spec.spec.entries
            if source.file is not None
        )
        return any(path_glob(place).match(self.path) for place in places)


def _names(path: str) -> list[str]:
    stem = posixpath.splitext(path)[0]
    return [stem + SUFFIX, *(f"{stem}-{number}{SUFFIX}" for number in range(2, 100))]


def _place(dataset: LoadedDataset) -> tuple[int, int]:
    return dataset.origin.line, dataset.origin.column or 1


def _entries(text: str, mark: Mark) -> tuple[Node, Node]:
    document = parse_nodes(text).get(mark)
    owner = document.get("spec") if document is not None else None
    entries = owner.get("entries") if owner is not None else None
    if owner is None or entries is None or entries.kind != "seq":
        raise NotExpressible(str(UNSAFE))
    return entries, owner
