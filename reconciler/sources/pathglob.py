"""Patterns over paths and S3 addresses: ``*``, ``?``, ``[…]`` within a segment, ``**`` across."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_RANGE: Final = re.compile(r"(.)-(.)|(.)", re.DOTALL)
_PIECE: Final = re.compile(r"\*\*/|\*\*|\*|\?|\[(?P<negated>!?)(?P<chars>\]?[^\]/]*)\]|(?s:.)")


def is_pattern(text: str) -> bool:
    """Tell whether *text* holds anything but literal characters."""
    return any(mark in text for mark in "*?[")


@lru_cache(maxsize=1_000)
def pattern(text: str) -> re.Pattern[str]:
    """
    Compile a glob; use its ``fullmatch``.

    ``**/`` matches any number of whole segments, none included; ``**`` anything; ``*`` and ``?``
    stay within a segment; ``[abc]``, ``[a-z]`` and ``[!a]`` are one character of it. A ``[`` that
    is never closed stands for itself.
    """
    return re.compile("".join(_translate(piece) for piece in _PIECE.finditer(text)), re.DOTALL)


def _translate(piece: re.Match[str]) -> str:
    match piece[0]:
        case "**/":
            return "(?:.*/)?"
        case "**":
            return ".*"
        case "*":
            return "[^/]*"
        case "?":
            return "[^/]"
        case _ if chars := piece["chars"]:
            return _one_of(chars, negated=bool(piece["negated"]))
        case literal:
            return re.escape(literal)


def _one_of(chars: str, *, negated: bool) -> str:
    """Return a character class. A range that runs backwards holds nothing."""
    members = "".join(
        re.escape(single) if single else f"{re.escape(low)}-{re.escape(high)}"
        for low, high, single in (found.group(1, 2, 3) for found in _RANGE.finditer(chars))
        if single or low <= high
    )
    if not members:
        return "[^/]" if negated else "(?!)"
    return f"(?!/)[{'^' if negated else ''}{members}]"
