"""The lines of both sides of an image, one below the other: laid out so that differences share a row."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Any, Final, NamedTuple

import orjson

from reconciler.core.drift.report import LineTexts

_INDENT = "  "

# Rows around what differs.
_AROUND: Final = 1

# Numbers and names are marked as a whole.
_WORDS: Final = re.compile(r"[\w.+-]+|\s+|[^\w\s]")
_MOST_WORDS: Final = 400
_ALIKE: Final = 0.5


class Row(NamedTuple):
    """
    One row of a unified difference.

    Attributes:
        sign: ``-`` for git, ``+`` for AWS, a space for both, and nothing where rows are left out.
        parts: The row in parts; every second one, from the second on, is what the other side has otherwise.
    """

    sign: str
    parts: tuple[str, ...]

    @property
    def text(self) -> str:
        return "".join(self.parts)


def unified(lines: LineTexts) -> Iterator[Row]:
    """Give both sides of an image below one another: what differs, and one row around it."""
    pairs = _pairs(lines)
    near = {
        place
        for at, (ours, theirs) in enumerate(pairs)
        if ours != theirs
        for place in range(at - _AROUND, at + _AROUND + 1)
    }
    left_out = False
    for at, (ours, theirs) in enumerate(pairs):
        if at not in near:
            left_out = True
            continue
        if left_out:
            yield Row("", ())
            left_out = False
        yield from _rows(ours, theirs)


def _pairs(lines: LineTexts) -> list[tuple[str | None, str | None]]:
    """Lay both sides out, a field or a box in each row, and put them beside one another."""
    ours, theirs = (tuple(_laid_out(text)) if text else () for text in lines)
    found: list[tuple[str | None, str | None]] = []
    for _, a, b, c, d in SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes():
        found += zip_longest(ours[a:b], theirs[c:d])
    return found


def _rows(ours: str | None, theirs: str | None) -> Iterator[Row]:
    if ours is None or theirs is None:
        yield from (
            Row(sign, (text,)) for sign, text in zip("-+", (ours, theirs), strict=True) if text is not None
        )
    elif ours == theirs:
        yield Row(" ", (ours,))
    else:
        before, after = marked(ours, theirs)
        yield from (Row("-", before), Row("+", after))


def marked(ours: str, theirs: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """
    Part two rows into what they have in common and what they have not, in turn, word by word.

    Rows with little in common are one part each: that they differ says it all.
    """
    one, other = _WORDS.findall(ours), _WORDS.findall(theirs)
    if max(len(one), len(other)) > _MOST_WORDS:
        return (ours,), (theirs,)
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    if matcher.ratio() < _ALIKE:
        return (ours,), (theirs,)
    before, after = [""], [""]
    for tag, a, b, c, d in matcher.get_opcodes():
        for parts, text in ((before, "".join(one[a:b])), (after, "".join(other[c:d]))):
            is_marked = len(parts) % 2 == 0
            if (tag != "equal") == is_marked:
                parts[-1] += text
            else:
                parts.append(text)
    return tuple(before), tuple(after)


def _laid_out(text: str) -> Iterator[str]:
    fields = orjson.loads(text)
    return _object(fields, 0) if isinstance(fields, dict) else iter((text,))


def _object(fields: Mapping[str, Any], depth: int) -> Iterator[str]:
    """Give one row a field; objects at the top, and lists of objects in them, one row an element."""
    pad = _INDENT * depth
    for key, value in fields.items():
        name = f"{pad}{_json(key)}: "
        if isinstance(value, dict) and depth == 0:
            yield f"{name}{{"
            yield from _object(value, depth + 1)
            yield f"{pad}}}"
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            yield f"{name}["
            yield from (f"{pad}{_INDENT}{_json(element)}" for element in value)
            yield f"{pad}]"
        else:
            yield f"{name}{_json(value)}"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)  # spaced, so that a long row can be broken
