"""JSON as its author wrote it: a text whose every value knows where it stands."""

from __future__ import annotations

import json
import re
from typing import Any, Final, NamedTuple

_SPACE: Final = re.compile(r"[ \t\r\n]*")
_SCALAR: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s,\]}]+')


class Key(NamedTuple):
    """The key of an object's member, and where it stands, quotes included."""

    name: str
    start: int
    end: int


class Node(NamedTuple):
    """
    One value, and where it stands.

    Attributes:
        start, end: In characters of the whole text; the end is excluded.
        items: The values of an object or a list.
        keys: Those of an object, one for each of *items*.
    """

    value: Any
    start: int
    end: int
    items: tuple[Node, ...] = ()
    keys: tuple[Key, ...] = ()

    def start_of(self, member: int) -> int:
        """Return where a member starts: with its key, if it has one."""
        return self.keys[member].start if self.keys else self.items[member].start


def parse(text: str) -> Node:
    """Read one JSON value, with whatever space around it. The text is known to be JSON."""
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
    assert found is not None  # noqa: S101  it is JSON
    return found.end()


def _space_end(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    assert found is not None  # noqa: S101  no space is space, too
    return found.end()
