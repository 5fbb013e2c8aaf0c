"""Explain an indentation that fits no line above, which the parser reports in words of its grammar."""

from __future__ import annotations

import re
from typing import Final

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
