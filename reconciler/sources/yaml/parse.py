r"""
Parse YAML: the parser's events, values with their positions in the text, and in plain words a bad indentation.

YAML 1.2 takes every JSON text, and JSON writes a character beyond U+FFFF as two escapes, "\ud835\udd18". libyaml
refuses them. They are handed to it as escapes of the private use area, of the same length, so that every place in
the text stays what it is, and made one character afterwards.

Only edits need values with their positions. `strict` reads every file and keeps line and column alone: nodes
beside its values would more than double the memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import yaml
from msgspec import Struct, field
from yaml import events

_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The parser in C where there is one; the same events either way."""

_PAIR: Final = re.compile(r"(?<!\\)((?:\\\\)*)\\u([dD])([89abAB]..)\\u([dD])([c-fC-F]..)")
_TAKEN: Final = re.compile(r"[\ue800-\uefff]|\\u[eE][89a-fA-F]")
_DISGUISED: Final = re.compile("[\ue800-\uebff][\uec00-\uefff]")
_LITERAL: Final = re.compile(r"\\u([eE])([89a-fA-F])")


def parse(text: str) -> Iterator[Any]:
    """
    Yield the events of a text.

    Raises:
        yaml.MarkedYAMLError: It is not YAML.
    """
    if _PAIR.search(text) is None or _TAKEN.search(text):
        yield from yaml.parse(text, Loader=_LOADER)
        return
    disguised = _PAIR.sub(lambda m: f"{m[1]}\\u{_other(m[2])}{m[3]}\\u{_other(m[4])}{m[5]}", text)
    for event in yaml.parse(disguised, Loader=_LOADER):
        if isinstance(event, events.ScalarEvent):
            value = _DISGUISED.sub(lambda m: _joined(m[0]), event.value)
            event.value = _LITERAL.sub(lambda m: f"\\u{_other(m[1])}{m[2]}", value)  # it was no escape there
        yield event


def _other(digit: str) -> str:
    return digit.translate({0x64: "e", 0x44: "E", 0x65: "d", 0x45: "D"})


def _joined(pair: str) -> str:
    halves = "".join(chr(ord(half) - 0x1000) for half in pair)
    return halves.encode("utf-16", "surrogatepass").decode("utf-16")


class Mark(NamedTuple):
    """A place in a file: line and column, both counted from 1."""

    line: int
    column: int


def mark_of(mark: Any) -> Mark:
    """Return a place of the parser, which counts from 0."""
    return Mark(mark.line + 1, mark.column + 1)


class Node(Struct):
    """
    One value and its position in the text.

    Attributes:
        start, end: Character offsets, the end excluded. A block collection ends with its last scalar.
        kind: "map", "seq", "scalar", "alias", or "lines" for a block scalar (| or >).
        text: The value of a scalar.
        quote: The quotation mark of a scalar; empty for none.
        flow: Whether a collection is written in brackets.
        keys: The keys of a mapping, one for each of *items*.
        anchor: Whether the value itself has an anchor.
        anchored: Whether the value, or a part of it, has an anchor that other places may refer to.
        aliased: Whether the value is an alias or contains one.
    """

    kind: str
    start: int
    end: int
    text: str = ""
    quote: str = ""
    flow: bool = False
    keys: list[Node] = field(default_factory=list)
    items: list[Node] = field(default_factory=list)
    anchor: bool = False
    anchored: bool = False
    aliased: bool = False

    def get(self, name: str) -> Node | None:
        """Return the value of a key, or None."""
        for key, item in zip(self.keys, self.items, strict=True):
            if key.text == name:
                return item
        return None

    def place(self, name: str) -> int:
        """Return the index of a key."""
        return [key.text for key in self.keys].index(name)


def parse_nodes(text: str) -> dict[Mark, Node]:
    """Return the root of every document by its place. The text must have passed `strict.read` without a fault."""
    stream = parse(text)
    found = {}
    for event in stream:
        if isinstance(event, events.DocumentStartEvent):
            first: Any = next(stream)
            found[mark_of(first.start_mark)] = _node(first, stream)
    return found


def _node(event: Any, stream: Iterator[Any]) -> Node:
    start, end = event.start_mark.index, event.end_mark.index
    anchored = getattr(event, "anchor", None) is not None
    match event:
        case events.AliasEvent():
            return Node("alias", start, end, aliased=True)
        case events.ScalarEvent():
            quote = event.style if event.style in ("'", '"') else ""
            kind = "lines" if event.style in ("|", ">") else "scalar"
            return Node(kind, start, end, event.value, quote, anchor=anchored, anchored=anchored)
        case events.SequenceStartEvent():
            found = Node("seq", start, end, flow=bool(event.flow_style), anchor=anchored, anchored=anchored)
            while not isinstance(inner := next(stream), events.SequenceEndEvent):
                found.items.append(_node(inner, stream))
        case _:
            found = Node("map", start, end, flow=bool(event.flow_style), anchor=anchored, anchored=anchored)
            while not isinstance(inner := next(stream), events.MappingEndEvent):
                found.keys.append(_node(inner, stream))
                found.items.append(_node(next(stream), stream))
    found.end = inner.end_mark.index if found.flow or not found.items else _last_end(found)
    parts = [*found.keys, *found.items]
    found.anchored |= any(part.anchored for part in parts)
    found.aliased |= any(part.aliased for part in parts)
    return found


def _last_end(found: Node) -> int:
    """Return the end of a block collection; an omitted value has no position of its own."""
    last = found.items[-1]
    nowhere = found.keys and last.kind == "scalar" and last.start == last.end
    return found.keys[-1].end + 1 if nowhere else last.end


_BEFORE_KEY: Final = re.compile(r" *(?:- +)*")
_OPENS: Final = re.compile(r"(?::|-|[|>][+-]?[0-9]?)\s*(?:#.*)?$")
"""The end of a line below which others may be indented further."""


def misplaced(text: str, number: int) -> str | None:
    """Return the problem of the indentation of a line, numbered from 1; None if it fits a line above."""
    lines = text.split("\n", number)[:number]
    if len(lines) < number:
        return None
    above = [line for line in lines[:-1] if line.strip() and not line.lstrip().startswith("#")]
    own = len(lines[-1]) - len(lines[-1].lstrip(" "))
    if not above or not lines[-1].strip():
        return None
    last, indented = _columns(above[-1])[-1], f"indented by {own} space{'s' if own != 1 else ''}"
    if own > last:
        if _OPENS.search(above[-1]):
            return None
        return f"{indented}, and the line above by {last}: keys of one mapping stand in one column"
    open_ones: list[int] = []
    for line in above:
        columns = _columns(line)
        open_ones = [column for column in open_ones if column < columns[0]] + columns
    if own in open_ones:
        return None
    return f"{indented}; the lines above it, by {' or '.join(map(str, sorted(set(open_ones))))}"


def _columns(line: str) -> list[int]:
    """Return the columns at which a line opens a list or a mapping: two or more where it begins with a dash."""
    head = _BEFORE_KEY.match(line)
    width = head.end() if head else 0
    return [*(place for place, char in enumerate(line[:width]) if char == "-"), width]
