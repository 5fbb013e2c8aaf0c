"""The images of a drift report, and what can be done about them, as the data that the script of the page reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import islice
from typing import Any, Final

import orjson

from reconciler.core.drift.report import DatasetDrift, Drift, DriftItem
from reconciler.core.entries.boxes import BoxPair
from reconciler.core.entries.image_view import ImageView
from reconciler.core.entries.training_view import Box
from reconciler.reports.drift import words
from reconciler.reports.drift.drawing import changed_region, extent
from reconciler.reports.drift.lines import unified
from reconciler.reports.drift.remedies import hint, keep, last_day, remedies, revert
from reconciler.reports.plan.words import CAUSES
from reconciler.reports.thumbnails import Thumbnail
from reconciler.reports.visible import visible

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
    Give the data of the page as JSON that can stand in a script element: nothing in it ends the element.

    The images come in order of severity. What is absent or empty is left out.
    """
    head = {
        "classes": {kind.value: name for kind, name in words.CLASSES.items()},
        "causes": {cause.value: name for cause, name in CAUSES.items()},
        "datasets": [_dataset(one, drift) for one in drift.datasets],
    }
    yield f'{_json(_escaped(head))[:-1]},"images":['
    separator = ""
    for number, (place, item) in enumerate(in_order(drift)):
        facts = _image(item, drift.datasets[place], thumbnails.get(item.source_ref))
        facts["dataset"] = place
        if item.lines and number < _WITH_LINES:
            facts["lines"] = [[row.sign, *row.parts] for row in islice(unified(item.lines), _ROWS)]
        yield separator + _json(
            _in_sight({key: value for key, value in facts.items() if value not in _EMPTY})
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


# Whole numbers up to here are exact in JavaScript.
_EXACT: Final = 2**53

_EMPTY: Final[tuple[Any, ...]] = (None, "", [], ())


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
        "only": "aws" if seen.desired is None else "git" if seen.observed is None else None,
        "size": [_number(size.width), _number(size.height)],
        "sized": size.known or None,
        "region": _region(seen, size),
        "boxes": [_pair(pair) for pair in seen.boxes],
        "lost": seen.labels_lost,
        "gained": seen.labels_gained,
        "kept": seen.labels_kept,
        "became": seen.relabellings,
        "remedies": list(remedies(item)),
        "hint": hint(item),
        "fields": [list(field) for field in _fields(item)] if only_fields else None,
        "picture": thumbnail.address if thumbnail else None,
        "detail": [thumbnail.detail.address, *map(_number, thumbnail.detail.part)]
        if thumbnail and thumbnail.detail
        else None,
    }


def _fields(item: DriftItem) -> Iterable[tuple[str, str, str]]:
    for field in item.fields[:_FIELDS]:
        yield field.path, str(field.after), str(field.before)


def _region(seen: ImageView, size: Any) -> list[float] | None:
    region = changed_region(seen, size)
    return [_number(part) for part in region] if region else None


def _pair(pair: BoxPair) -> list[list[Any] | None]:
    """Return both sides of a box; one alone for a box that did not change."""
    if pair.is_same:
        return [_box(pair.desired)]
    return [_box(pair.desired), _box(pair.observed)]


def _box(box: Box | None) -> list[Any] | None:
    return None if box is None else [box.label, *(_number(edge) for edge in box[1:])]


def _number(value: float) -> float:
    """Return a coordinate with two digits after the point at most."""
    short = round(value, 2)
    return int(short) if abs(short) < _EXACT and short == int(short) else short


def _in_sight(row: dict[str, Any]) -> dict[str, Any]:
    """Escape characters that would turn or hide their neighbours; the source-ref stays, for commands need it."""
    ref = row["ref"]
    found: dict[str, Any] = _escaped(row)
    return found if found["ref"] == ref else found | {"ref": ref, "shown": found["ref"]}


def _escaped(value: Any) -> Any:
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, Mapping):
        return {key: _escaped(part) for key, part in value.items()}
    if isinstance(value, Sequence):
        return [_escaped(part) for part in value]
    return value


def _json(content: object) -> str:
    text = orjson.dumps(content).decode()
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
