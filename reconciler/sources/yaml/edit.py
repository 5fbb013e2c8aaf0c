"""
Change a few values of a YAML text and leave every other character as it is.

Round-trip libraries such as ruamel.yaml write the whole document again, and lose part of its author's layout.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from reconciler.core.proposals.longhand import NotExpressible
from reconciler.core.proposals.patch import LineEdit
from reconciler.sources.yaml.parse import Node
from reconciler.sources.yaml.scalars import block, flow, word

UNSAFE = NotExpressible("its place in the file is written in a way that cannot be edited safely")


class Splice(NamedTuple):
    """A replacement of characters of the text."""

    start: int
    end: int
    new: str


class Member(NamedTuple):
    """
    One element of a list after the edit.

    Attributes:
        old: Its index before the edit; None for a new element.
        value: The content of a new element.
        change: Edits the inside of an existing element.
    """

    old: int | None
    value: Any = None
    change: Callable[[], None] | None = None


class YamlEditor:
    """
    Collect the changes of one text.

    Every method raises `NotExpressible` where a change could affect another part of the text.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.end_of_line = "\r\n" if "\r\n" in text else "\n"
        self.splices: list[Splice] = []

    def put(self, node: Node, value: object) -> None:
        """Replace a scalar."""
        if node.kind != "scalar" or node.anchored or node.start == node.end:
            raise UNSAFE
        if node.text != str(value):
            self.splices.append(Splice(node.start, node.end, word(value, node.quote)))

    def set_list(self, owner: Node, key: str, members: Sequence[Member]) -> None:
        """Replace the list under a key; elements that stay keep their text."""
        node = owner.items[owner.place(key)]
        kept = {member.old for member in members}
        removed = [item for number, item in enumerate(node.items) if number not in kept]
        if node.kind != "seq" or node.anchor or any(item.anchored for item in removed):
            raise UNSAFE
        order = [member.old for member in members if member.old is not None]
        if order != sorted(order):
            raise UNSAFE
        if len(order) == len(node.items) == len(members):
            self._change(members)
        elif node.flow:
            self._flow_list(node, members)
        else:
            self._block_list(node, owner.keys[owner.place(key)], members)

    def add_key(self, node: Node, after: str, key: str, value: Any) -> None:
        """Add a key to a mapping, after another key."""
        place = node.place(after)
        if node.flow:
            at = node.items[place].end
            self.splices.append(Splice(at, at, f", {word(key)}: {flow(value)}"))
            return
        first = self._column(node.keys[0].start)
        self._insert_lines(self._line_end(node.items[place].end), first, block({key: value}))

    def remove_key(self, node: Node, key: str) -> None:
        """Remove a key and its value from a mapping with other keys."""
        place = node.place(key)
        if len(node.keys) == 1 or node.items[place].anchored:
            raise UNSAFE
        start = node.keys[place].start
        if node.flow or place == 0:
            if place + 1 < len(node.keys):
                self.splices.append(Splice(start, node.keys[place + 1].start, ""))
            else:
                self.splices.append(Splice(node.items[place - 1].end, node.items[place].end, ""))
            return
        self._remove_lines(start, node.items[place].end)

    def edits(self) -> list[LineEdit]:
        """Return the collected changes as line edits."""
        found: list[LineEdit] = []
        for group in _grouped(self.text, self._ordered()):
            start = self._line_start(group[0].start)
            end = max(map(self._untouched_from, group))
            old = _lines(self.text[start:end])
            new = _lines(_spliced(self.text, start, end, group))
            first = self.text.count("\n", 0, start) + 1
            while old and new and old[0] == new[0]:
                first += 1
                del old[0], new[0]
            while old and new and old[-1] == new[-1]:
                del old[-1], new[-1]
            if old or new:
                found.append(LineEdit(first, len(old), tuple(line.encode() for line in new)))
        return found

    def _ordered(self) -> list[Splice]:
        """Return the splices by position; those at one position in the order of their creation."""
        return sorted(self.splices, key=lambda splice: (splice.start, splice.end))

    def _change(self, members: Sequence[Member]) -> None:
        for member in members:
            if member.change is not None:
                member.change()

    def _flow_list(self, node: Node, members: Sequence[Member]) -> None:
        head, tail, comma = "[", "]", ", "
        if node.items:
            head = self.text[node.start : node.items[0].start]
            tail = self.text[node.items[-1].end : node.end]
        if len(node.items) > 1:
            comma = self.text[node.items[0].end : node.items[1].start]
        if "#" in comma:
            comma = ", "
        quote = node.items[0].quote if node.items else ""
        text = head
        for place, member in enumerate(members):
            number = member.old
            if place:
                text += self.text[node.items[number - 1].end : node.items[number].start] if number else comma
            text += flow(member.value, quote) if number is None else self._inside(node.items[number], member)
        self.splices.append(Splice(node.start, node.end, text + tail if members else "[]"))

    def _inside(self, node: Node, member: Member) -> str:
        """Return the text of an element with its inner changes applied."""
        mark = len(self.splices)
        self._change([member])
        inner = sorted(self.splices[mark:], key=lambda splice: splice.start)
        del self.splices[mark:]
        return _spliced(self.text, node.start, node.end, inner)

    def _block_list(self, node: Node, key: Node, members: Sequence[Member]) -> None:
        kept = {member.old for member in members}
        for number, item in enumerate(node.items):
            if number not in kept:
                self._remove_lines(self._dash(node, number), item.end)
        self._change(members)
        if not members:
            at = self.text.index(":", key.end) + 1
            self.splices.append(Splice(at, at, " []"))
            return
        at = self._line_start(self._dash(node, 0))
        for member in members:
            if member.old is not None:
                at = self._line_end(node.items[member.old].end)
            else:
                self._insert_lines(at, self._column(self._dash(node, 0)), self._item(node, member.value))

    def _item(self, node: Node, value: Any) -> list[str]:
        """Return the lines of a new element, in the form of its neighbours."""
        near = node.items[0]
        gap = " " * max(1, near.start - self._dash(node, 0) - 1)
        if isinstance(value, Mapping) and near.kind == "map" and not near.flow:
            lines = block(value)
        else:
            lines = [flow(value, near.quote)]
        return [f"-{gap}{lines[0]}", *(f" {gap}{line}" for line in lines[1:])]

    def _dash(self, node: Node, number: int) -> int:
        """Return the position of the dash before an element of a block list."""
        start = node.items[number].start
        after = node.items[number - 1].end if number else node.start
        at = self.text.rfind("-", after, start)
        if at < 0 or self.text[at + 1 : start].strip(" ") or self.text[self._line_start(at) : at].strip(" "):
            raise UNSAFE
        return at

    def _remove_lines(self, start: int, end: int) -> None:
        """Remove the whole lines of a part, and the comment behind it, if nothing else is on them."""
        first, last = self._line_start(start), self._line_end(end)
        rest = self.text[end:last].strip()
        if self.text[first:start].strip(" ") or (rest and not rest.startswith("#")):
            raise UNSAFE
        self.splices.append(Splice(first, last, ""))

    def _insert_lines(self, at: int, column: int, lines: Sequence[str]) -> None:
        text = "".join(f"{' ' * column}{line}{self.end_of_line}" for line in lines)
        if at and not self.text[:at].endswith("\n"):  # the last line has no line end
            text = self.end_of_line + text.removesuffix(self.end_of_line)
        self.splices.append(Splice(at, at, text))

    def _column(self, at: int) -> int:
        return at - self._line_start(at)

    def _line_start(self, at: int) -> int:
        return self.text.rfind("\n", 0, at) + 1

    def _line_end(self, at: int) -> int:
        """Return the start of the next line."""
        found = self.text.find("\n", at)
        return len(self.text) if found < 0 else found + 1

    def _untouched_from(self, splice: Splice) -> int:
        """Return the start of the first line that a splice leaves unchanged."""
        whole_lines = not splice.new and splice.start == self._line_start(splice.start)
        at_line_start = splice.end == self._line_start(splice.end)
        if at_line_start and (whole_lines or splice.new.endswith("\n")):
            return splice.end
        return self._line_end(splice.end)


def _grouped(text: str, splices: Sequence[Splice]) -> list[list[Splice]]:
    """Group splices that touch the same line."""
    groups: list[list[Splice]] = []
    for splice in splices:
        if groups and "\n" not in text[groups[-1][-1].end : splice.start]:
            groups[-1].append(splice)
        else:
            groups.append([splice])
    return groups


def _spliced(text: str, start: int, end: int, splices: Sequence[Splice]) -> str:
    """Return a part of the text with ordered splices applied."""
    pieces = []
    for splice in splices:
        if splice.start < start:
            raise UNSAFE  # two changes overlap
        pieces += [text[start : splice.start], splice.new]
        start = splice.end
    return "".join([*pieces, text[start:end]])


def _lines(text: str) -> list[str]:
    lines = text.split("\n")
    return [line + "\n" for line in lines[:-1]] + [line for line in lines[-1:] if line]
