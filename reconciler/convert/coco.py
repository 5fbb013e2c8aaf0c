"""
COCO: one JSON file with the lists ``images``, ``annotations`` and ``categories`` (cocodataset.org, data format).

As in AWS's own converter, ``bbox`` is left, top, width and height, ``date_captured`` becomes the creation date,
and an image without annotations is one that was looked at and holds nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from reconciler.convert.jsonrecords import Record, records
from reconciler.convert.moments import moment
from reconciler.convert.pixels import number, side
from reconciler.convert.record import (
    BadFile,
    Options,
    Picture,
    Read,
    Rectangle,
    odd,
    shown,
    text_of,
    wrong,
)
from reconciler.core import codes_spec as codes
from reconciler.core.problem import Origin, Problem
from reconciler.errors import UsageError

ROBOFLOW: Final = "_annotations.coco.json"

# What some programs write where they know no date.
_UNDATED: Final = (None, "", 0, "0")


@dataclass(slots=True)
class _File:
    """
    What a file holds.

    Attributes:
        unusable: Ids of images of which more is not known.
        objects: The annotations of each image, by its id.
    """

    created_at: str | None = None
    images: list[Record] = field(default_factory=list)
    names: dict[Any, str] = field(default_factory=dict)
    unusable: set[Any] = field(default_factory=set)
    objects: dict[Any, list[Record]] = field(default_factory=lambda: defaultdict(list))
    problems: list[Problem] = field(default_factory=list)


def read_coco(path: Path, options: Options) -> Iterator[Read]:
    """Read one file, or the only one of a directory."""
    file = _sorted(_file_in(path))
    yield from file.problems
    seen: dict[Any, Origin] = {}
    for record in file.images:
        yield _image(record, seen, file, options)
    for key, objects in file.objects.items():
        if key not in seen and key not in file.unusable:
            for record in objects:
                message = f"{_called(record)} is of image {_text(key)}, which is not in the file"
                yield wrong(codes.NO_IMAGE, message, record.origin)
    yield from _left_out(record for objects in file.objects.values() for record in objects)


def _file_in(path: Path) -> Path:
    if not path.is_dir():
        return path
    found = sorted(path.glob("*.json"))
    if path / ROBOFLOW in found:
        return path / ROBOFLOW
    if len(found) == 1:
        return found[0]
    names = [file.name for file in found] or sorted(str(f.relative_to(path)) for f in path.glob("*/*.json"))
    raise UsageError(f"{path}: name one JSON file; there are: {', '.join(names[:5]) or 'none'}")


def _sorted(path: Path) -> _File:
    """Read the file through, and put each record where it belongs."""
    name, file, keys = shown(path), _File(), set()
    for record in records(text_of(path), name):
        keys.add(record.key)
        match record.key, record.value:
            case "info", {"date_created": str(text)}:
                file.created_at = moment(text)
            case "images", {"id": int() | str() | Decimal(), "file_name": str()}:
                file.images.append(record)
            case "categories", {"id": int() | str() | Decimal() as key, "name": str(label)}:
                file.names[key] = label
            case "annotations", {"image_id": int() | str() | Decimal() as key}:
                file.objects[key].append(record)
            case ("images" | "categories" | "annotations") as key, _ if record.number is not None:
                if isinstance(record.value, dict) and isinstance(image := record.value.get("id"), int | str):
                    file.unusable |= {image} if key == "images" else set()
                message = f"{_called(record)} must be an object with {_NEEDED[key]}"
                file.problems.append(wrong(codes.BAD_RECORD, message, record.origin))
    if missing := [key for key in _NEEDED if key not in keys]:
        message = f"no COCO file of objects: it has no list “{missing[0]}”"
        raise BadFile(codes.OTHER_FORMAT, message, Origin(name, 1))
    return file


_NEEDED: Final = {
    "images": "id and file_name",
    "annotations": "an image_id",
    "categories": "id and name",
}


def _image(record: Record, seen: dict[Any, Origin], file: _File, options: Options) -> Read:
    image, key = record.value, record.value["id"]
    if key in seen:
        message = f"{_called(record)} has the id {_text(key)}, as the image at {seen[key]} has"
        return wrong(codes.BAD_RECORD, message, record.origin)
    seen[key] = record.origin
    problems: list[Problem] = []
    boxes: list[Rectangle] = []
    for annotation in file.objects.get(key, ()):
        found = None if _is_crowd(annotation) else _box(annotation, file.names)
        if isinstance(found, Rectangle):
            boxes.append(found)
        elif found:
            problems.append(found)
    captured = image.get("date_captured")
    date = moment(captured) if isinstance(captured, str) else None
    if date is None and captured not in _UNDATED:
        message = f"date_captured of {_called(record)} is {_text(captured)}, no date in ISO 8601"
        problems.append(odd(codes.BAD_DATE, message, record.origin))
    width, height = side(image.get("width")), side(image.get("height"))
    return Picture(
        image["file_name"],
        record.origin,
        boxes=tuple(boxes),
        size=(width, height) if width and height else None,
        created_at=date or options.created_at or file.created_at,
        problems=tuple(problems),
    )


def _box(record: Record, names: Mapping[Any, str]) -> Rectangle | Problem:
    annotation = record.value
    category, shape = annotation.get("category_id"), annotation.get("bbox")
    if not isinstance(category, int | str | Decimal) or category not in names:
        message = f"{_called(record)} has the category {_text(category)}, which has no name in the file"
        return wrong(codes.NO_CLASS, message, record.origin)
    if not shape and (annotation.get("segmentation") or annotation.get("keypoints")):
        message = f"{_called(record)} has no bbox, only a mask or keypoints, which a line cannot hold"
        return wrong(codes.NO_BOX, message, record.origin)
    numbers = [number(value) for value in shape] if _is_four(shape) else [None]
    match numbers:
        case [Decimal() as left, Decimal() as top, Decimal() as width, Decimal() as height]:
            return Rectangle(names[category], left, top, left + width, top + height, record.origin)
    message = f"bbox of {_called(record)} must be four numbers [x, y, width, height], not {_text(shape)}"
    return wrong(codes.BAD_RECORD, message, record.origin)


def _left_out(objects: Iterable[Record]) -> Iterator[Problem]:
    """Say once for the file what is not carried, and of how many objects."""
    crowds, masks = [], []
    for record in objects:
        if _is_crowd(record):
            crowds.append(record)
        elif record.value.get("bbox") and (record.value.get("segmentation") or record.value.get("keypoints")):
            masks.append(record)
    if crowds:
        message = f"crowd regions (iscrowd: 1) are no objects, and left out (annotations: {len(crowds)})"
        yield odd(codes.LEFT_OUT, message, crowds[0].origin)
    if masks:
        message = f"masks or keypoints beside a box are left out (annotations: {len(masks)})"
        yield odd(codes.LEFT_OUT, message, masks[0].origin)


def _is_crowd(record: Record) -> bool:
    return record.value.get("iscrowd") in (1, "1")


def _is_four(shape: object) -> bool:
    return isinstance(shape, Sequence) and not isinstance(shape, str) and len(shape) == 4


def _called(record: Record) -> str:
    return f"{record.key}[{record.number}]"


def _text(value: object) -> str:
    text = f"“{value}”" if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
