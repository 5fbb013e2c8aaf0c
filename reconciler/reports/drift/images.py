"""The images of a drift report, and what can be done about them, as the data that the script of the page reads."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import SequenceMatcher
from hashlib import sha256
from itertools import islice, zip_longest
from typing import Any, Final, NamedTuple

import orjson

from reconciler.core.drift.report import DatasetDrift, Drift, DriftItem, LineTexts
from reconciler.reports.drawing import EMPTY, as_json, drawn, escaped, extent, in_sight, pixels
from reconciler.reports.drift import words
from reconciler.reports.drift.remedies import condition, hint, keep, last_day, remedies, revert
from reconciler.reports.pictures import Thumbnail
from reconciler.reports.plan.words import CAUSES

_INDENT = "  "

# Rows around what differs.
_AROUND: Final = 1

# Numbers and names are marked as a whole.
_WORDS: Final = re.compile(r"[\w.+-]+|\s+|[^\w\s]")
_MAX_WORDS: Final = 400
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
    """Yield both sides of an image below one another: what differs, and one row around it."""
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
    """Pair the rows of both sides, each of a field or a box."""
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
    Split two rows, word by word, into parts that are equal and parts that differ, alternately.

    Rows with little in common are one part each: that they differ says it all.
    """
    one, other = _WORDS.findall(ours), _WORDS.findall(theirs)
    if max(len(one), len(other)) > _MAX_WORDS:
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
    """Yield one row a field; objects at the top, and lists of objects in them, one row an element."""
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


Thumbnails = Mapping[str, Thumbnail]
"""Small pictures, by source-ref."""

# Images with the difference of their lines, and rows of one: these are most of a page's weight.
_WITH_LINES: Final = 300
_ROWS: Final = 120

# Sentences about one image, and differing fields of one in which nothing else differs.
_EVENTS: Final = 60
_FIELDS: Final = 6

# Hexadecimal digits by which an address names an image.
_DIGITS: Final = 8


def page_data(drift: Drift, thumbnails: Thumbnails) -> Iterator[str]:
    """
    Yield the data of the page as JSON that can stand in a script element: nothing in it ends the element.

    The images come in order of severity. What is absent or empty is left out.
    """
    head = {
        "classes": {kind.value: name for kind, name in words.CLASSES.items()},
        "causes": {cause.value: name for cause, name in CAUSES.items()},
        "datasets": [_dataset(one, drift) for one in drift.datasets],
    }
    yield f'{as_json(escaped(head))[:-1]},"images":['
    separator = ""
    for rank, (place, item) in enumerate(in_order(drift)):
        facts = _image(item, drift.datasets[place], thumbnails.get(item.source_ref))
        facts["dataset"] = place
        if item.lines and rank < _WITH_LINES:
            facts["lines"] = [[row.sign, *row.parts] for row in islice(unified(item.lines), _ROWS)]
        yield separator + as_json(
            in_sight({key: value for key, value in facts.items() if value not in EMPTY})
        )
        separator = ","
    yield "]}"


def in_order(drift: Drift) -> list[tuple[int, DriftItem]]:
    """Return the images that can be drawn, the most severe first, each with the place of its dataset."""
    found = [
        (place, item)
        for place, dataset in enumerate(drift.datasets)
        for item in dataset.items
        if item.view is not None
    ]
    return sorted(found, key=lambda one: one[1].severity)


def image_id(source_ref: str) -> str:
    """Return the name of an image in an address: the first digits of the SHA-256 of its source-ref."""
    return sha256(source_ref.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]


def _dataset(dataset: DatasetDrift, drift: Drift) -> dict[str, Any]:
    return {
        "name": dataset.name,
        "keep": keep(dataset, drift.path, drift.flags)._asdict(),
        "revert": revert(dataset, drift.path, drift.flags)._asdict(),
        "until": last_day(dataset),
    }


def _image(item: DriftItem, dataset: DatasetDrift, thumbnail: Thumbnail | None) -> dict[str, Any]:
    seen = item.view
    assert seen is not None  # noqa: S101  the caller has checked
    size = extent(seen, (thumbnail.width, thumbnail.height) if thumbnail else None)
    events = [[event.text, event.detail] for event in words.events(item)]
    only_fields = not any(not pair.is_same for pair in seen.boxes) and not seen.relabellings
    return {
        "id": image_id(item.source_ref),
        "ref": item.source_ref,
        "classes": list(item.classes),
        "cause": item.cause,
        "why": words.cause(item) if words.cause(item) != CAUSES[item.cause] else None,
        "place": str(item.origin) if item.origin else None,
        "events": events[:_EVENTS],
        "more": len(events) - _EVENTS if len(events) > _EVENTS else None,
        "iou": None if seen.lowest_iou is None else round(seen.lowest_iou, 4),
        "since": item.since,
        "age": words.age(item, dataset.observed_at),
        "known": item.acknowledged,
        "lapsed": list(item.lapsed) if item.lapsed else None,
        "due": item.is_pending or None,
        **drawn(seen, size),
        "became": seen.relabellings,
        "remedies": list(remedies(item)),
        "hint": hint(item),
        "first": condition(item, dataset),
        "fields": [list(field) for field in _fields(item)] if only_fields else None,
        "picture": thumbnail.address if thumbnail else None,
        "detail": [thumbnail.detail.address, *map(pixels, thumbnail.detail.part)]
        if thumbnail and thumbnail.detail
        else None,
    }


def _fields(item: DriftItem) -> Iterable[tuple[str, str, str]]:
    for field in item.fields[:_FIELDS]:
        yield field.path, str(field.after), str(field.before)
