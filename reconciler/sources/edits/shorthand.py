"""Wishes as edits of a YAML file with the shorthand."""

from __future__ import annotations

from bisect import bisect
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from reconciler.core.proposals.edit_request import EditRequest, Kind
from reconciler.core.proposals.longhand import Item, Unsayable, shortened
from reconciler.core.proposals.restyle import aligned
from reconciler.core.spec.documents import Entries, Image
from reconciler.sources.yaml.edit import ODD, Member, Surgery
from reconciler.sources.yaml.positions import Node


@dataclass(frozen=True, slots=True)
class Sheet:
    """One document of kind Entries: what it means, and how it is written."""

    entries: Entries
    node: Node


@dataclass(slots=True)
class Outcome:
    """
    What became of wishes.

    Attributes:
        moved: Their image cannot be said here any more: it was taken out, or never came in, and why.
        refused: Nothing can be done about them here, and why.
    """

    moved: list[tuple[EditRequest, str]] = field(default_factory=list)
    refused: list[tuple[EditRequest, str]] = field(default_factory=list)


def fulfil(
    surgery: Surgery,
    sheets: Sequence[Sheet],
    requests: Sequence[EditRequest],
    *,
    movable: bool,
    empty: str | None,
) -> Outcome:
    """
    Carry out wishes on the documents of one file, as far as the shorthand can say them.

    Args:
        movable: Whether what it cannot say has another place to go to.
        empty: Why the file must not be left without images; None if it may be.
    """
    starts = [0]
    for sheet in sheets:
        starts.append(starts[-1] + len(sheet.entries.images))
    by_sheet: dict[int, list[tuple[int, EditRequest]]] = defaultdict(list)
    for request in requests:
        number = max(0, min(bisect(starts, request.line - 1) - 1, len(sheets) - 1))
        by_sheet[number].append((request.line - 1 - starts[number], request))
    outcome = Outcome()
    mark = len(surgery.splices)
    left = starts[-1]
    for number, placed in sorted(by_sheet.items()):
        work = _Sheetwork(surgery, sheets[number], movable)
        found = work.run(placed)
        left += work.growth
        outcome.moved += found.moved
        outcome.refused += found.refused
    if left == 0 and empty is not None:
        del surgery.splices[mark:]
        return Outcome(refused=[(request, empty) for request in requests])
    return outcome


class _Sheetwork:
    """The work on one document."""

    def __init__(self, surgery: Surgery, sheet: Sheet, movable: bool) -> None:
        self._surgery = surgery
        self._sheet = sheet
        self._movable = movable
        self._changes: dict[int, Callable[[], None]] = {}
        self._gone: set[int] = set()
        self._new: dict[int, list[tuple[EditRequest, Item]]] = defaultdict(list)
        self._outcome = Outcome()
        self.growth = 0

    def run(self, placed: list[tuple[int, EditRequest]]) -> Outcome:
        node = self._sheet.node
        images = node.get("images")
        mark = len(self._surgery.splices)
        try:
            if images is None or len(images.items) != len(self._sheet.entries.images):
                raise ODD
            for number, request in placed:
                self._take(number, request, images)
            members = _members(len(images.items), self._changes, self._gone, self._new)
            self._surgery.set_list(node, "images", members)
            self.growth = len(members) - len(images.items)
        except Unsayable as exc:
            del self._surgery.splices[mark:]
            return Outcome(refused=[(request, str(exc)) for _, request in placed])
        return self._outcome

    def _take(self, number: int, request: EditRequest, images: Node) -> None:
        entries = self._sheet.entries
        match request.kind:
            case Kind.ADD:
                try:
                    item = shortened(request.fields, entries, None, request.equality)
                    self._new[number].append((request, item))
                except Unsayable as exc:
                    (self._outcome.moved if self._movable else self._outcome.refused).append(
                        (request, str(exc))
                    )
            case Kind.REMOVE:
                self._remove(number, request, images.items[number], None)
            case Kind.CHANGE:
                try:
                    self._changes[number] = _change(
                        self._surgery, self._sheet, images.items[number], number, request
                    )
                except Unsayable as exc:
                    self._remove(number, request, images.items[number], str(exc))

    def _remove(self, number: int, request: EditRequest, node: Node, moved_because: str | None) -> None:
        """Take an item out, and remember why if it goes elsewhere."""
        if node.anchored or node.kind == "alias":
            reason = moved_because or "other places of the file refer to it by an anchor"
            self._outcome.refused.append((request, reason))
        elif moved_because and not self._movable:
            self._outcome.refused.append((request, moved_because))
        else:
            self._gone.add(number)
            if moved_because:
                self._outcome.moved.append((request, moved_because))


def _members(
    count: int,
    changes: dict[int, Callable[[], None]],
    gone: set[int],
    new: dict[int, list[tuple[EditRequest, Item]]],
) -> list[Member]:
    members: list[Member] = []
    for number in range(-1, count):
        if number >= 0 and number not in gone:
            members.append(Member(number, change=changes.get(number)))
        behind = sorted(new.get(number, ()), key=lambda found: found[0].source_ref)
        members += [Member(None, item.fields()) for _, item in behind]
    return members


def _change(
    surgery: Surgery, sheet: Sheet, node: Node, number: int, request: EditRequest
) -> Callable[[], None]:
    """
    Return what changes one item.

    Raises:
        Unsayable: Nothing can.
    """
    image = sheet.entries.images[number]
    if node.kind != "map" or node.anchored or node.aliased:
        raise Unsayable("it is written with YAML anchors or aliases")
    item = shortened(request.fields, sheet.entries, image, request.equality)
    _edit(Surgery(surgery.text), node, image, item)  # tried first, as it may stop half-way
    return partial(_edit, surgery, node, image, item)


def _edit(surgery: Surgery, node: Node, image: Image, item: Item) -> None:
    """Change one item of `images`, value by value."""
    if image.labels != item.labels:
        _set(surgery, node, "labels", _labels(surgery, node, image.labels, item.labels), list(item.labels))
    if item.boxes is not None and item.size != image.size:
        old = image.size or ()
        members = _scalars(surgery, node.get("size"), old, item.size or ())
        _set(surgery, node, "size", members, list(item.size or ()))
    if item.boxes is None:
        if image.boxes is not None:
            surgery.remove_key(node, "boxes")
        return
    old_boxes = [tuple(box.model_dump().values()) for box in image.boxes or ()]
    if image.boxes is None or old_boxes != [tuple(box) for box in item.boxes]:
        value = [box._asdict() for box in item.boxes]
        _set(surgery, node, "boxes", _boxes(surgery, node.get("boxes"), old_boxes, value), value)


def _set(surgery: Surgery, node: Node, key: str, members: list[Member], value: list[Any]) -> None:
    if node.get(key) is not None:
        surgery.set_list(node, key, members)
        return
    order = ("image", "labels", "size", "boxes")
    before = reversed(order[: order.index(key)])
    after = next(name for name in before if node.get(name) is not None)
    surgery.add_key(node, after, key, value)


def _labels(surgery: Surgery, node: Node, old: Sequence[str], new: Sequence[str]) -> list[Member]:
    """Keep the labels that stay where they are; a new one takes the place of one that goes."""
    coming = [label for label in new if label not in old]
    wanted = [label if label in new else (coming.pop(0) if coming else None) for label in old] + coming
    pairs = [(place if place < len(old) else None, label) for place, label in enumerate(wanted)]
    inner = node.get("labels")
    return [_scalar(surgery, inner, place, label) for place, label in pairs if label is not None]


def _scalars(
    surgery: Surgery, node: Node | None, old: Sequence[object], new: Sequence[object]
) -> list[Member]:
    pairs = [(place if place < len(old) else None, value) for place, value in enumerate(new)]
    return [_scalar(surgery, node, place, value) for place, value in pairs]


def _scalar(surgery: Surgery, node: Node | None, place: int | None, value: object) -> Member:
    if place is None or node is None:
        return Member(None, value)
    return Member(place, change=partial(surgery.put, node.items[place], value))


def _boxes(
    surgery: Surgery, node: Node | None, old: list[tuple[Any, ...]], new: list[dict[str, Any]]
) -> list[Member]:
    members: list[Member] = []
    for before, after in aligned(old, [tuple(box.values()) for box in new]):
        if after is None:
            continue
        if before is None or node is None:
            members.append(Member(None, new[after]))
        else:
            members.append(Member(before, change=partial(_put_box, surgery, node.items[before], new[after])))
    return members


def _put_box(surgery: Surgery, node: Node, box: dict[str, Any]) -> None:
    for key, value in box.items():
        inner = node.get(key)
        if inner is None:
            raise ODD
        surgery.put(inner, value)
