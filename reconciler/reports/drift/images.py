"""The images of a drift report, and what can be done about them, as the data that the script of the page reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from itertools import islice
from typing import Any, Final

from reconciler.core.drift.report import DatasetDrift, Drift, DriftItem
from reconciler.reports.drawing import EMPTY, as_json, drawn, escaped, extent, in_sight, pixels
from reconciler.reports.drift import words
from reconciler.reports.drift.lines import unified
from reconciler.reports.drift.remedies import condition, hint, keep, last_day, remedies, revert
from reconciler.reports.pictures import Thumbnail
from reconciler.reports.plan.words import CAUSES

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
