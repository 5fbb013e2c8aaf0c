"""What a drawing of an image shows: its size, the part of it that changed, and its boxes, as data of a page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import orjson

from reconciler.core.entries.boxes import BoxPair
from reconciler.core.entries.image_view import ImageView
from reconciler.core.entries.training_view import TrainingBox
from reconciler.reports.visible import visible

# On each side of what changed, a quarter of its size is shown; and at least this share of the image.
_MARGIN: Final = 0.25
_LEAST: Final = 0.06

# Width and height of the tile in which a changed part is shown.
_RATIO: Final = 4 / 3

# A part that would be nearly all of the image shows no more than the image.
_MOST: Final = 0.8
_NO_SIZE: Final = (400.0, 300.0)


class Extent(NamedTuple):
    """
    The size of an image in pixels.

    Attributes:
        known: Whether it is that of the image; else it only holds every box.
    """

    width: float
    height: float
    known: bool


class Region(NamedTuple):
    """A part of an image, in its pixels."""

    x: float
    y: float
    width: float
    height: float


def extent(seen: ImageView, size: tuple[float, float] | None = None) -> Extent:
    """
    Return the size of an image, or, where it is not known, of a canvas that holds every box.

    Args:
        size: Width and height of the image file, used if the lines of the image state none.
    """
    found = seen.size or size
    if found and min(found) > 0:
        return Extent(*found, known=True)
    boxes = [box for pair in seen.boxes for box in pair if box]
    if not boxes:
        return Extent(*_NO_SIZE, known=False)
    right = max(box.left + box.width for box in boxes)
    bottom = max(box.top + box.height for box in boxes)
    return Extent(max(right * 1.05, 1.0), max(bottom * 1.05, 1.0), known=False)


def changed_region(seen: ImageView, size: Extent) -> Region | None:
    """
    Return the part of an image that holds its changed boxes and a margin, as wide to high as a tile.

    None if no box changed, or if that part would be nearly all of the image.
    """
    boxes = [box for pair in seen.boxes if not pair.is_same for box in pair if box]
    if not boxes or seen.desired is None or seen.observed is None:
        return None
    around = _around(boxes)
    least = _LEAST * max(size.width, size.height)
    width = max(around.width * (1 + 2 * _MARGIN), least)
    height = max(around.height * (1 + 2 * _MARGIN), least)
    width, height = max(width, height * _RATIO), max(height, width / _RATIO)
    if width * height > _MOST * size.width * size.height or width > size.width or height > size.height:
        return None
    x = around.x + around.width / 2 - width / 2
    y = around.y + around.height / 2 - height / 2
    return Region(min(max(x, 0.0), size.width - width), min(max(y, 0.0), size.height - height), width, height)


def _around(boxes: Sequence[TrainingBox]) -> Region:
    left, top = min(box.left for box in boxes), min(box.top for box in boxes)
    right = max(box.left + box.width for box in boxes)
    bottom = max(box.top + box.height for box in boxes)
    return Region(left, top, right - left, bottom - top)


EMPTY: Final[tuple[Any, ...]] = (None, "", [], ())
"""What is left out of the data."""

# Whole numbers up to here are exact in JavaScript.
_EXACT: Final = 2**53


def drawn(seen: ImageView, size: Extent) -> dict[str, Any]:
    """Return the data with which the script draws an image."""
    return {
        "only": "aws" if seen.desired is None else "git" if seen.observed is None else None,
        "size": [pixels(size.width), pixels(size.height)],
        "sized": size.known or None,
        "region": _region(seen, size),
        "boxes": [_pair(pair) for pair in seen.boxes],
        "lost": seen.labels_lost,
        "gained": seen.labels_gained,
        "kept": seen.labels_kept,
    }


def due_data(changed: Iterable[tuple[str, ImageView]]) -> Iterator[str]:
    """Yield source-refs and images that wait for an apply as the data of a page that only draws them."""
    yield '{"classes":{},"causes":{},"datasets":[],"images":['
    separator = ""
    for source_ref, seen in changed:
        facts = {"ref": source_ref, "due": True, **drawn(seen, extent(seen))}
        yield separator + as_json(
            in_sight({key: value for key, value in facts.items() if value not in EMPTY})
        )
        separator = ","
    yield "]}"


def _region(seen: ImageView, size: Extent) -> list[float] | None:
    region = changed_region(seen, size)
    return [pixels(part) for part in region] if region else None


def _pair(pair: BoxPair) -> list[list[Any] | None]:
    """Return both sides of a box; one alone for a box that did not change."""
    if pair.is_same:
        return [_box(pair.desired)]
    return [_box(pair.desired), _box(pair.observed)]


def _box(box: TrainingBox | None) -> list[Any] | None:
    return None if box is None else [box.label, *(pixels(edge) for edge in box[1:])]


def pixels(value: float) -> float:
    """Return a coordinate with two digits after the point at most."""
    short = round(value, 2)
    return int(short) if abs(short) < _EXACT and short == int(short) else short


def in_sight(row: dict[str, Any]) -> dict[str, Any]:
    """Escape characters that would turn or hide their neighbours; the source-ref stays, for commands need it."""
    ref = row["ref"]
    found: dict[str, Any] = escaped(row)
    return found if found["ref"] == ref else found | {"ref": ref, "shown": found["ref"]}


def escaped(value: Any) -> Any:
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, Mapping):
        return {key: escaped(part) for key, part in value.items()}
    if isinstance(value, Sequence):
        return [escaped(part) for part in value]
    return value


def as_json(content: object) -> str:
    text = orjson.dumps(content).decode()
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
