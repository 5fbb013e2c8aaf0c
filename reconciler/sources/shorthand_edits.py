"""
Turn edit requests into edits of a YAML file with the shorthand, and of the file beside it for other images.

That is the sidecar: JSON Lines with the images that the shorthand cannot express.
"""

from __future__ import annotations

import posixpath
from bisect import bisect
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from reconciler.core.entries.pattern import path_glob
from reconciler.core.proposals.longhand import NotExpressible, shortened
from reconciler.core.proposals.report import EditKind, EditRequest
from reconciler.core.proposals.restyle import aligned
from reconciler.core.spec.labelling import Box, Entries, Image
from reconciler.ports import LoadedDataset
from reconciler.sources.yaml.edit import UNSAFE, Member, YamlEditor
from reconciler.sources.yaml.parse import Mark, Node, parse_nodes


@dataclass(frozen=True, slots=True)
class EntriesDocument:
    """A document of kind Entries: its model and its text positions."""

    entries: Entries
    node: Node


@dataclass(slots=True)
class EditOutcome:
    """
    The requests that were not carried out here, with reasons.

    Attributes:
        moved: The shorthand cannot express their image: it was removed, or not added.
        refused: They cannot be carried out at all.
    """

    moved: list[tuple[EditRequest, str]] = field(default_factory=list)
    refused: list[tuple[EditRequest, str]] = field(default_factory=list)


def edit_documents(
    editor: YamlEditor,
    documents: Sequence[EntriesDocument],
    requests: Sequence[EditRequest],
    *,
    movable: bool,
    empty: str | None,
) -> EditOutcome:
    """
    Carry out edit requests on the documents of one file, as far as the shorthand can express them.

    Args:
        movable: Whether other images can move to a sidecar file.
        empty: Why the file must not end up without images; None if it may.
    """
    starts = [0]
    for document in documents:
        starts.append(starts[-1] + len(document.entries.images))
    by_document: dict[int, list[tuple[int, EditRequest]]] = defaultdict(list)
    for request in requests:
        number = max(0, min(bisect(starts, request.line - 1) - 1, len(documents) - 1))
        by_document[number].append((request.line - 1 - starts[number], request))
    outcome = EditOutcome()
    mark = len(editor.splices)
    left = starts[-1]
    for number, placed in sorted(by_document.items()):
        work = _DocumentEditor(editor, documents[number], movable)
        found = work.run(placed)
        left += work.growth
        outcome.moved += found.moved
        outcome.refused += found.refused
    if left == 0 and empty is not None:
        del editor.splices[mark:]
        return EditOutcome(refused=[(request, empty) for request in requests])
    return outcome


class _DocumentEditor:
    """Edits one document."""

    def __init__(self, editor: YamlEditor, document: EntriesDocument, movable: bool) -> None:
        self._editor = editor
        self._document = document
        self._movable = movable
        self._changes: dict[int, Callable[[], None]] = {}
        self._gone: set[int] = set()
        self._new: dict[int, list[tuple[EditRequest, Image]]] = defaultdict(list)
        self._outcome = EditOutcome()
        self.growth = 0

    def run(self, placed: list[tuple[int, EditRequest]]) -> EditOutcome:
        node = self._document.node
        images = node.get("images")
        mark = len(self._editor.splices)
        try:
            if images is None or len(images.items) != len(self._document.entries.images):
                raise UNSAFE
            for number, request in placed:
                self._take(number, request, images)
            members = self._members(len(images.items))
            self._editor.set_list(node, "images", members)
            self.growth = len(members) - len(images.items)
        except NotExpressible as exc:
            del self._editor.splices[mark:]
            return EditOutcome(refused=[(request, str(exc)) for _, request in placed])
        return self._outcome

    def _take(self, number: int, request: EditRequest, images: Node) -> None:
        entries = self._document.entries
        match request.kind:
            case EditKind.ADD:
                try:
                    item = shortened(request.fields, entries, None, request.equality)
                    self._new[number].append((request, item))
                except NotExpressible as exc:
                    (self._outcome.moved if self._movable else self._outcome.refused).append(
                        (request, str(exc))
                    )
            case EditKind.REMOVE:
                self._remove(number, request, images.items[number], None)
            case EditKind.CHANGE:
                try:
                    self._changes[number] = self._change(number, request, images.items[number])
                except NotExpressible as exc:
                    self._remove(number, request, images.items[number], str(exc))

    def _remove(self, number: int, request: EditRequest, node: Node, moved_because: str | None) -> None:
        """Remove an item, and record the reason if it moves elsewhere."""
        if node.anchored or node.kind == "alias":
            reason = moved_because or "other places of the file refer to it by an anchor"
            self._outcome.refused.append((request, reason))
        elif moved_because and not self._movable:
            self._outcome.refused.append((request, moved_because))
        else:
            self._gone.add(number)
            if moved_because:
                self._outcome.moved.append((request, moved_because))

    def _change(self, number: int, request: EditRequest, node: Node) -> Callable[[], None]:
        """
        Return a function that changes one item.

        Raises:
            NotExpressible: The item cannot be changed.
        """
        entries = self._document.entries
        image = entries.images[number]
        if node.kind != "map" or node.anchored or node.aliased:
            raise NotExpressible("it is written with YAML anchors or aliases")
        item = shortened(request.fields, entries, image, request.equality)
        _edit(YamlEditor(self._editor.text), node, image, item)  # a trial run, as it may stop half-way
        return partial(_edit, self._editor, node, image, item)

    def _members(self, count: int) -> list[Member]:
        members: list[Member] = []
        for number in range(-1, count):
            if number >= 0 and number not in self._gone:
                members.append(Member(number, change=self._changes.get(number)))
            behind = sorted(self._new.get(number, ()), key=lambda found: found[0].source_ref)
            members += [
                Member(None, item.model_dump(mode="json", exclude_defaults=True)) for _, item in behind
            ]
        return members


def _edit(editor: YamlEditor, node: Node, image: Image, item: Image) -> None:
    """Change one item of `images`, value by value."""
    if image.labels != item.labels:
        _set(editor, node, "labels", _labels(editor, node, image.labels, item.labels), list(item.labels))
    if item.boxes is not None and item.size != image.size:
        members = _scalars(editor, node.get("size"), len(image.size or ()), item.size or ())
        _set(editor, node, "size", members, list(item.size or ()))
    if item.boxes is None:
        if image.boxes is not None:
            editor.remove_key(node, "boxes")
        return
    if image.boxes != item.boxes:
        members = _boxes(editor, node.get("boxes"), image.boxes or (), item.boxes)
        _set(editor, node, "boxes", members, [box.model_dump() for box in item.boxes])


def _set(editor: YamlEditor, node: Node, key: str, members: list[Member], value: list[Any]) -> None:
    if node.get(key) is not None:
        editor.set_list(node, key, members)
        return
    order = ("image", "labels", "size", "boxes")
    before = reversed(order[: order.index(key)])
    after = next(name for name in before if node.get(name) is not None)
    editor.add_key(node, after, key, value)


def _labels(editor: YamlEditor, node: Node, old: Sequence[str], new: Sequence[str]) -> list[Member]:
    """Keep the place of labels that stay; a new label takes the place of a removed one."""
    coming = [label for label in new if label not in old]
    wanted = [label if label in new else (coming.pop(0) if coming else None) for label in old] + coming
    return _scalars(editor, node.get("labels"), len(old), wanted)


def _scalars(editor: YamlEditor, node: Node | None, old: int, new: Sequence[object]) -> list[Member]:
    """Put each value in the place of one of *old* values, and the rest behind them; None leaves its place out."""
    members: list[Member] = []
    for place, value in enumerate(new):
        if value is not None and node is not None and place < old:
            members.append(Member(place, change=partial(editor.put, node.items[place], value)))
        elif value is not None:
            members.append(Member(None, value))
    return members


def _boxes(editor: YamlEditor, node: Node | None, old: Sequence[Box], new: Sequence[Box]) -> list[Member]:
    members: list[Member] = []
    for before, after in aligned(list(old), list(new)):
        if after is None:
            continue
        box = new[after].model_dump()
        if before is None or node is None:
            members.append(Member(None, box))
        else:
            members.append(Member(before, change=partial(_put_box, editor, node.items[before], box)))
    return members


def _put_box(editor: YamlEditor, node: Node, box: dict[str, Any]) -> None:
    for key, value in box.items():
        inner = node.get(key)
        if inner is None:
            raise UNSAFE
        editor.put(inner, value)


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
        stem = posixpath.splitext(path)[0]
        names = [stem + SUFFIX, *(f"{stem}-{number}{SUFFIX}" for number in range(2, 100))]
        self.path = next(
            name for name in names if name not in existing or all(name in read for _, _, read in readers)
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
                entries, owner = _entries(editor.text, Mark(dataset.origin.line, dataset.origin.column or 1))
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


def _entries(text: str, mark: Mark) -> tuple[Node, Node]:
    document = parse_nodes(text).get(mark)
    owner = document.get("spec") if document is not None else None
    entries = owner.get("entries") if owner is not None else None
    if owner is None or entries is None or entries.kind != "seq":
        raise NotExpressible(str(UNSAFE))
    return entries, owner
