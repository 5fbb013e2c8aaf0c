"""
Rewriting of a JSON line in its author's formatting.

Unchanged parts keep their bytes; new parts are formatted like the rest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Final, NamedTuple

import orjson

from reconciler.core.entries.entry import Fields, with_integers

_SPACE: Final = re.compile(r"[ \t\r\n]*")
_SCALAR: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s,\]}]+')


class Key(NamedTuple):
    """The key of an object's member, and its position, quotes included."""

    name: str
    start: int
    end: int


class JsonNode(NamedTuple):
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
    items: tuple[JsonNode, ...] = ()
    keys: tuple[Key, ...] = ()

    def start_of(self, member: int) -> int:
        """Return the start of a member: that of its key, if it has one."""
        return self.keys[member].start if self.keys else self.items[member].start


def parse(text: str) -> JsonNode:
    """Parse one JSON value and any space around it. The text must be valid JSON."""
    return _value(text, _space_end(text, 0))


def _value(text: str, at: int) -> JsonNode:
    if text[at] in "{[":
        return _collection(text, at, is_object=text[at] == "{")
    end = _scalar_end(text, at)
    return JsonNode(json.loads(text[at:end]), at, end)


def _collection(text: str, start: int, *, is_object: bool) -> JsonNode:
    keys: list[Key] = []
    items: list[JsonNode] = []
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
    return JsonNode(value, start, at + 1, tuple(items), tuple(keys))


def _scalar_end(text: str, at: int) -> int:
    found = _SCALAR.match(text, at)
    assert found is not None  # noqa: S101  the text is valid JSON
    return found.end()


def _space_end(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    assert found is not None  # noqa: S101  the pattern also matches the empty string
    return found.end()


_ESCAPED: Final = re.compile(r"\\u(?!00[01])[0-9a-fA-F]{4}")
_HEX: Final = re.compile(r"(\\u)([0-9a-f]{4})")


@dataclass(frozen=True, slots=True)
class Style:
    """
    The JSON formatting of a text; None where the text does not show it.

    Attributes:
        comma, colon: With the space around them.
        escapes: Whether non-ASCII characters are escaped.
        upper: Whether those escapes have capital hexadecimal digits.
        slash: Whether ``/`` is escaped as well.
    """

    comma: str | None = None
    colon: str | None = None
    escapes: bool | None = None
    upper: bool = False
    slash: bool = False

    def or_else(self, other: Style) -> Style:
        """Return this style, completed from another where it is undetermined."""
        return Style(
            self.comma if self.comma is not None else other.comma,
            self.colon if self.colon is not None else other.colon,
            self.escapes if self.escapes is not None else other.escapes,
            self.upper or (self.escapes is None and other.upper),
            self.slash or (self.colon is None and other.slash),
        )

    def dump(self, value: Any) -> str:
        """Serialize a value that has no old text."""
        comma, colon = self.comma, self.colon
        if comma is None:
            comma = ", " if colon is not None and colon.endswith(" ") else ","
        if colon is None:
            colon = ": " if comma.endswith(" ") else ":"
        text = json.dumps(with_integers(value), ensure_ascii=bool(self.escapes), separators=(comma, colon))
        if self.upper:
            text = _HEX.sub(lambda found: found[1] + found[2].upper(), text)
        return text.replace("/", "\\/") if self.slash else text


PLAIN: Final = Style()


def style_of(text: str) -> Style:
    """Detect the style of one line."""
    root = parse(text)
    escaped = _ESCAPED.findall(text)
    return Style(
        comma=next(_commas(text, root), None),
        colon=next(_colons(text, root), None),
        escapes=True if escaped else (None if text.isascii() else False),
        upper=any(re.search("[A-F]", found[2:]) for found in escaped)
        and not any(re.search("[a-f]", found[2:]) for found in escaped),
        slash="\\/" in text,
    )


def restyled(old: bytes, fields: Fields, fallback: Style = PLAIN) -> bytes:
    """
    Return a line that encodes *fields* and keeps as much of *old* as possible.

    Args:
        old: The line to replace, without its newline.
        fallback: The style where *old* does not determine it.
    """
    text = old.decode()
    root = parse(text)
    written = _Rewriting(text, style_of(text).or_else(fallback)).value(root, fields)
    return (text[: root.start] + written + text[root.end :]).encode()


def composed(fields: Fields, style: Style) -> bytes:
    """Return a new line in a given style."""
    return style.dump(fields).encode()


def same(one: Any, other: Any) -> bool:
    """Return whether two values are equal JSON; ``1`` and ``1.0`` are, ``1`` and ``true`` are not."""
    return _key(one) == _key(other)


class _Rewriting(NamedTuple):
    text: str
    style: Style

    def value(self, node: JsonNode, value: Any) -> str:
        if same(node.value, value):
            return self.text[node.start : node.end]
        match node.value, value:
            case dict(), dict() if node.items and value:
                return self._object(node, value)
            case list(), list() if node.items and value:
                return self._list(node, value)
            case float(), int() | float() if not isinstance(value, bool) and float(value).is_integer():
                return repr(float(value))  # replace 86.0 by 91.0, not by 91
            case _:
                return self.style.dump(value)

    def _object(self, node: JsonNode, value: Fields) -> str:
        members: list[tuple[int | None, str]] = []
        for number, (key, item) in enumerate(zip(node.keys, node.items, strict=True)):
            if key.name in value:
                head = self.text[key.start : item.start]
                members.append((number, head + self.value(item, value[key.name])))
        known = {key.name for key in node.keys}
        new = [name for name in value if name not in known]
        members += [(None, self.style.dump({name: value[name]})[1:-1]) for name in new]
        return self._joined(node, members)

    def _list(self, node: JsonNode, value: list[Any]) -> str:
        members: list[tuple[int | None, str]] = []
        for old, new in aligned([_key(item.value) for item in node.items], list(map(_key, value))):
            if new is None:
                continue
            text = self.style.dump(value[new]) if old is None else self.value(node.items[old], value[new])
            members.append((old, text))
        return self._joined(node, members)

    def _joined(self, node: JsonNode, members: list[tuple[int | None, str]]) -> str:
        """Join members between the old brackets, each with the comma and space that preceded it."""
        head = self.text[node.start : node.start_of(0)]
        tail = self.text[node.items[-1].end : node.end]
        comma = self.style.comma or self.style.dump([0, 0])[2:-2]
        if len(node.items) > 1:
            comma = self.text[node.items[0].end : node.start_of(1)]
        text = head
        for place, (number, member) in enumerate(members):
            if place:
                before = self.text[node.items[number - 1].end : node.start_of(number)] if number else comma
                text += before
            text += member
        return text + tail


def aligned(old: list[Any], new: list[Any]) -> Iterator[tuple[int | None, int | None]]:
    """
    Yield pairs of indices that align two lists in order; None where one side has no element.

    Equal elements are aligned first; those between them are paired one by one, as changed elements.
    """
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for _, i1, i2, j1, j2 in matcher.get_opcodes():
        shared = min(i2 - i1, j2 - j1)
        yield from ((i1 + step, j1 + step) for step in range(shared))
        yield from ((number, None) for number in range(i1 + shared, i2))
        yield from ((None, number) for number in range(j1 + shared, j2))


def _commas(text: str, node: JsonNode) -> Iterator[str]:
    for number in range(1, len(node.items)):
        yield text[node.items[number - 1].end : node.start_of(number)]
    for item in node.items:
        yield from _commas(text, item)


def _colons(text: str, node: JsonNode) -> Iterator[str]:
    for key, item in zip(node.keys, node.items, strict=False):
        yield text[key.end : item.start]
    for item in node.items:
        yield from _colons(text, item)


def _key(value: Any) -> bytes:
    """Return bytes that are equal exactly for equal JSON values."""
    return orjson.dumps(with_integers(value), option=orjson.OPT_SORT_KEYS)
