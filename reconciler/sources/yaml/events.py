r"""
The parser's events, with the one escape of JSON that it does not know, and in plain words a bad indentation.

YAML 1.2 takes every JSON text, and JSON writes a character beyond U+FFFF as two escapes, "\ud835\udd18". libyaml
refuses them. They are handed to it as escapes of the private use area, of the same length, so that every place in
the text stays what it is, and made one character afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import yaml
from yaml import events

_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The parser in C where there is one; the same events either way."""

_PAIR: Final = re.compile(r"(?<!\\)((?:\\\\)*)\\u([dD])([89abAB]..)\\u([dD])([c-fC-F]..)")
_TAKEN: Final = re.compile(r"[\ue800-\uefff]|\\u[eE][89a-fA-F]")
_DISGUISED: Final = re.compile("[\ue800-\uebff][\uec00-\uefff]")
_LITERAL: Final = re.compile(r"\\u([eE])([89a-fA-F])")


def parse(text: str) -> Iterator[Any]:
    """
    Give the events of a text.

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


_BEFORE_KEY: Final = re.compile(r" *(?:- +)*")
_OPENS: Final = re.compile(r"(?::|-|[|>][+-]?[0-9]?)\s*(?:#.*)?$")
"""The end of a line below which others may be indented further."""


def misplaced(text: str, number: int) -> str | None:
    """Return what is wrong with the indentation of a line, numbered from 1; None if it fits a line above."""
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
