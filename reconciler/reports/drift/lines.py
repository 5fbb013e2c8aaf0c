"""Two lines side by side: laid out so that differences share a row."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Any, NamedTuple

import orjson

from reconciler.core.drift.report import Lines

_INDENT = "  "

# Rows of a unified diff around what differs.
_AROUND = 1


class Parts(NamedTuple):
    """One side of a row, parted around what differs."""

    start: str
    middle: str
    end: str


class Row(NamedTuple):
    """One row; None where a side has no counterpart."""

    desired: str | None
    observed: str | None

    @property
    def differs(self) -> bool:
        return self.desired != self.observed

    @property
    def parts(self) -> tuple[Parts, Parts]:
        """Part both sides where they begin to differ, and where they end to."""
        ours, theirs = self.desired or "", self.observed or ""
        if not (ours and theirs):
            return Parts(ours, "", ""), Parts(theirs, "", "")
        start = _common(ours, theirs)
        end = _common(ours[start:][::-1], theirs[start:][::-1])
        return _parted(ours, start, end), _parted(theirs, start, end)


def side_by_side(lines: Lines) -> tuple[Row, ...]:
    """Lay both sides of an image out, a field or a box in each row."""
    ours, theirs = (tuple(_laid_out(text)) if text else () for text in lines)
    rows: list[Row] = []
    for _, a, b, c, d in SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes():
        rows += [Row(*pair) for pair in zip_longest(ours[a:b], theirs[c:d])]
    return tuple(rows)


class UnifiedRow(NamedTuple):
    """
    One row of a unified diff.

    Attributes:
        sign: ``-`` for git, ``+`` for AWS, a space for both, and nothing where rows are left out.
    """

    sign: str
    start: str
    middle: str = ""
    end: str = ""


def unified(lines: Lines) -> Iterator[UnifiedRow]:
    """Give both sides of an image below one another: what differs, and one row around it."""
    rows = side_by_side(lines)
    near = {
        place for at, row in enumerate(rows) if row.differs for place in range(at - _AROUND, at + _AROUND + 1)
    }
    left_out = False
    for at, row in enumerate(rows):
        if at not in near:
            left_out = True
            continue
        if left_out:
            yield UnifiedRow("", "")
            left_out = False
        if not row.differs:
            yield UnifiedRow(" ", row.desired or "")
            continue
        for sign, text, parts in zip("-+", (row.desired, row.observed), row.parts, strict=True):
            if text is not None:
                yield UnifiedRow(sign, *parts)


def _common(one: str, other: str) -> int:
    """Return how many characters two texts have in common at their start."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(one), len(other)))


def _parted(text: str, start: int, end: int) -> Parts:
    stop = len(text) - end
    return Parts(text[:start], text[start:stop], text[stop:])


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
