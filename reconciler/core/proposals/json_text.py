"""A JSON parser that records the position of every key and value in the text."""

from __future__ import annotations

import json
import re
from typing import Any, Final, NamedTuple

_SPACE: Final = re.compile(r"[ \t\r\n]*")
_SCALAR: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s,\]}]+')


class Key(NamedTuple):
    """The key of an object's member, and its position, quotes included."""

    name: str
    start: int
    end: int


class Node(NamedTuple):
    """
    One value and its position.

    Attributes:
        start, end: Character offsets in the whole text; the end is exclusive.
        items: The values of an object or a list.
        keys: The keys of an object, one for each of *items*.
    """

    value: Any
    start: int
    end: int
    items: tuple[Node, ...] = ()
    keys: tuple[Key, ...] = ()

    def start_of(self, member: int) -> int:
        """Return the start of a member: that of its key, if it has one."""
        return self.keys[member].start if self.keys else self.items[member].start


def parse(text: str) -> Node:
    """Parse one JSON value and any space around it. The text must be valid JSON."""
    return _value(text, _space_end(text, 0))


def _value(text: str, at: int) -> Node:
    if text[at] in "{[":
        return _collection(text, at, is_object=text[at] == "{")
    end = _scalar_end(text, at)
    return Node(json.loads(text[at:end]), at, end)


def _collection(text: str, start: int, *, is_object: bool) -> Node:
    keys: list[Key] = []
    items: list[Node] = []
    at = _space_end(text, start + 1)
    while text[at] not in "}]":
        if items:
            at = _space_end(text, at + 1)  # past the comma
        if is_object:
            end = _scalar_end(text, at)
            keys.append(Key(json.loads(text[at:end]), at, end))
            at = _space_end(text, _space_end(text, end) + 1)  # past the colon
        items.append(_value(text, at))
        at = _space_end(text, items[-1].end)
    values = [item.value for item in items]
    value = dict(zip((key.name for key in keys), values, strict=True)) if is_object else values
    return Node(value, start, at + 1, tuple(items), tuple(keys))


def _scalar_end(text: str, at: int) -> int:
    found = _SCALAR.match(text, at)
    assert found is not None  # noqa: S101  the text is valid JSON
    return found.end()


def _space_end(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    assert found is not None  # noqa: S101  the pattern also matches the empty string
    return found.end()
