"""
YAML as its author wrote it: every value with its start and end in the text.

Only edits need this. `strict` reads every file and keeps line and column alone: nodes beside its values would
more than double the memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from yaml import events

from reconciler.sources.yaml.events import parse
from reconciler.sources.yaml.strict import Mark


@dataclass(slots=True)
class Node:
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
            mark = Mark(first.start_mark.line + 1, first.start_mark.column + 1)
            found[mark] = _node(first, stream)
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
