"""Patterns over paths and S3 addresses: ``*``, ``?``, ``[…]`` within a segment, ``**`` across."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from reconciler.core.entries.glob import SEPARATOR, Globs, Many, One, Piece

_RANGE: Final = re.compile(r"(.)-(.)|(.)", re.DOTALL)
_PIECE: Final = re.compile(r"\*\*/|\*\*|\*|\?|\[(?P<negated>!?)(?P<chars>\]?[^\]/]*)\]|(?s:.)")
_WILD: Final[dict[str, Piece]] = {
    "**/": Many.SEGMENTS,
    "**": Many.OF_ANY,
    "*": Many.OF_A_SEGMENT,
    "?": One(((SEPARATOR, SEPARATOR),), negated=True),
}


def is_pattern(text: str) -> bool:
    """Return whether *text* contains a wildcard."""
    return any(mark in text for mark in "*?[")


@lru_cache(maxsize=1_000)
def pattern(text: str) -> Globs:
    """
    Return a glob over paths.

    ``**/`` matches any number of whole segments, including none; ``**`` matches anything; ``*`` and ``?``
    match within a segment; ``[abc]``, ``[a-z]`` and ``[!a]`` match one character of it. An unclosed ``[``
    matches itself.
    """
    return Globs([[_piece(found) for found in _PIECE.finditer(text)]])


def _piece(found: re.Match[str]) -> Piece:
    if chars := found["chars"]:
        return _one_of(chars, negated=bool(found["negated"]))
    return _WILD.get(found[0], found[0])


def _one_of(chars: str, *, negated: bool) -> One:
    """Return a character class, which never matches the separator. A reversed range matches nothing."""
    ranges = tuple(
        (single, single) if single else (low, high)
        for low, high, single in (found.group(1, 2, 3) for found in _RANGE.finditer(chars))
    )
    if negated:
        return One((*ranges, (SEPARATOR, SEPARATOR)), negated=True)
    return One(tuple(part for low, high in ranges for part in _but_separator(low, high)))


def _but_separator(low: str, high: str) -> tuple[tuple[str, str], ...]:
    if not low <= SEPARATOR <= high:
        return ((low, high),)
    return (low, chr(ord(SEPARATOR) - 1)), (chr(ord(SEPARATOR) + 1), high)
