"""
What a plain YAML scalar means where all parsers agree, an error where they do not, and how to write plain data.

YAML 1.1 reads ``on`` as true, ``012`` as ten and ``12:30`` as 750; YAML 1.2 does not. A spec must mean the
same to every parser, so such scalars have to be quoted or written differently.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

Scalar = str | int | float | bool | None


class Ambiguous(ValueError):
    """A scalar that parsers read differently. The message names the readings."""


_LITERALS: Final[dict[str, bool | None]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_TRUE_WORDS: Final = frozenset({"yes", "Yes", "YES", "on", "On", "ON"})
_FALSE_WORDS: Final = frozenset({"no", "No", "NO", "off", "Off", "OFF"})

_NUMBER_STARTS: Final = frozenset("+-.0123456789")
_INTEGER: Final = re.compile(r"[-+]?(0|[1-9][0-9]*)")
# With a sign and nothing before the point, YAML 1.2 reads a number, and PyYAML text.
_DECIMAL: Final = re.compile(r"[-+]?(0|[1-9][0-9]*)\.[0-9]*|\.[0-9]+")
_MAX_DIGITS: Final = 18

# Numbers of YAML 1.1 or 1.2 only, and what they mean to the parsers that read them as numbers.
_TRAPS: Final = (
    (re.compile(r"[-+]?0[xX][0-9a-fA-F_]+"), "a hexadecimal number"),
    (re.compile(r"[-+]?0[bB][01_]+"), "a binary number"),
    (re.compile(r"[-+]?0[oO][0-7_]+"), "an octal number"),
    (re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?"), "a number to base 60"),
    (re.compile(r"[-+]?(\.[0-9_]+|[0-9][0-9_]*(\.[0-9_]*)?)[eE][-+]?[0-9]+"), "a power of ten"),
    (re.compile(r"[-+]?0[0-9_]+"), "an octal number"),
    (re.compile(r"[-+]?(\.[0-9][0-9_]*|[0-9][0-9_]*(\.[0-9_]*)?)"), "a number"),
    (re.compile(r"[-+]?\.(inf|Inf|INF)"), "infinity"),
    (re.compile(r"\.(nan|NaN|NAN)"), "no number at all"),
)


def resolve(text: str) -> Scalar:
    """
    Return the value of a plain scalar. Dates stay text.

    Raises:
        Ambiguous: Parsers read it differently.
    """
    if text in _LITERALS:
        return _LITERALS[text]
    if text in _TRUE_WORDS or text in _FALSE_WORDS:
        truth = "true" if text in _TRUE_WORDS else "false"
        raise Ambiguous(
            f"“{text}” is {truth} to some YAML parsers and text to others; write {truth}, or put it in quotes"
        )
    return _number(text) if text[0] in _NUMBER_STARTS else text


def _number(text: str) -> Scalar:
    if _INTEGER.fullmatch(text):
        if len(text) > _MAX_DIGITS:
            raise Ambiguous(f"“{text[:40]}” is too long for a number; put it in quotes")
        return int(text)
    if _DECIMAL.fullmatch(text):
        return float(text)
    for trap, meaning in _TRAPS:
        if trap.fullmatch(text):
            raise Ambiguous(
                f"“{text[:40]}” is {meaning} to some YAML parsers and something else to others; "
                "put it in quotes, or write a plain decimal number"
            )
    return text


# Text that needs no quotes, in flow and in block style.
_PLAIN: Final = re.compile(r"(s3://)?\w(?:[\w ./+@=-]*[\w./+@=-])?")


def word(value: object, quote: str = "") -> str:
    """
    Write a scalar.

    Args:
        quote: The quotation mark of the scalar that it replaces, or of a neighbour; empty for none.
    """
    if isinstance(value, int):
        return str(value)
    text = str(value)
    if not quote and _is_plain(text):
        return text
    if quote == "'" and text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    return '"' + "".join(map(_escaped, text)) + '"'


def flow(value: Any, quote: str = "") -> str:
    """Write any value in flow style, on one line."""
    match value:
        case Mapping():
            return "{" + ", ".join(f"{word(key)}: {flow(inner)}" for key, inner in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(flow(inner, quote) for inner in value) + "]"
        case _:
            return word(value, quote)


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
