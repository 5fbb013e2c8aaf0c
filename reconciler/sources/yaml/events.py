r"""
The parser's events, with the one escape of JSON that it does not know.

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
