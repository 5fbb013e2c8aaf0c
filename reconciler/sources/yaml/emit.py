"""Write plain data as YAML text that all parsers read alike."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from reconciler.sources.yaml.positions import Node
from reconciler.sources.yaml.scalars import Ambiguous, resolve

# Text that needs no quotes, in flow and in block style.
_PLAIN: Final = re.compile(r"(s3://)?\w(?:[\w ./+@=-]*[\w./+@=-])?")


def word(value: object, like: Node | None = None) -> str:
    """
    Write a scalar.

    Args:
        like: The scalar it replaces, or a neighbour: the new one is quoted in the same way.
    """
    if isinstance(value, int):
        return str(value)
    text = str(value)
    if (like is None or like.plain) and _is_plain(text):
        return text
    if like is not None and like.quote == "'" and text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    return '"' + "".join(map(_escaped, text)) + '"'


def flow(value: Any, like: Node | None = None) -> str:
    """Write any value in flow style, on one line."""
    match value:
        case Mapping():
            return "{" + ", ".join(f"{word(key)}: {flow(inner)}" for key, inner in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(flow(inner, like) for inner in value) + "]"
        case _:
            return word(value, like)


def block(value: Mapping[str, Any]) -> list[str]:
    """Write a mapping as lines without indentation: one line per key, or per item of a list of mappings."""
    lines: list[str] = []
    for key, inner in value.items():
        if isinstance(inner, list) and inner and isinstance(inner[0], Mapping):
            lines += [f"{word(key)}:", *(f"  - {flow(item)}" for item in inner)]
        else:
            lines.append(f"{word(key)}: {flow(inner)}")
    return lines


def _is_plain(text: str) -> bool:
    try:
        return _PLAIN.fullmatch(text) is not None and text.isprintable() and resolve(text) == text
    except Ambiguous:
        return False


def _escaped(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    if char.isprintable():
        return char
    number = ord(char)
    return (
        f"\\x{number:02x}"
        if number < 0x100
        else f"\\u{number:04x}"
        if number < 0x10000
        else f"\\U{number:08x}"
    )
