"""
COCO: a JSON file with the lists ``images``, ``annotations``, ``categories`` (cocodataset.org, data format).

As in AWS's own converter, ``bbox`` is left, top, width and height, ``date_captured`` becomes the creation
date, and an image without annotations counts as annotated with no objects.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Final, NamedTuple

from reconciler.convert.geometry import around, exact, from_corner, number, sides
from reconciler.convert.parsing.coco_records import Records, regular_records
from reconciler.convert.parsing.json_records import Record, list_of, mapping_of, moment, records
from reconciler.convert.recognition import InputFormat
from reconciler.convert.record import (
    BadFile,
    Crowd,
    LabelledImage,
    Options,
    Read,
    Rectangle,
    bytes_of,
    display,
    odd,
    text_of,
    wrong,
)
from reconciler.core.validation import codes
from reconciler.core.validation.problem import Origin, Problem
from reconciler.errors import UsageError

ROBOFLOW: Final = "_annotations.coco.json"

# Values that some programs write for an unknown date.
_UNDATED: Final = (None, "", 0, "0")


class _Object(NamedTuple):
    """An annotation without its mask; masks make up most of a file."""

    called: str
    origin: Origin
    category: object
    shape: object
    has_mask: bool
    is_crowd: bool
    score: object = None


@dataclass(slots=True)
class _File:
    """
    The content of a file.

    Attributes:
        unusable: Ids of images whose record is invalid.
        objects: The annotations of each image, by its id.
    """

    created_at: str | None = None
    images: list[Record] = field(default_factory=list)
    names: dict[object, str] = field(default_factory=dict)
    unusable: set[object] = field(default_factory=set)
    objects: dict[object, list[_Object]] = field(default_factory=lambda: defaultdict(list))
    problems: list[Problem] = field(default_factory=list)


def read_coco(path: Path, options: Options) -> Iterator[Read]:
    """Read one file, or the only file of a directory."""
    path = _file_in(path)
    if regular := regular_records(bytes_of(path), display(path)):
        return (yield from _read_regular(regular, options))
    file = _read_records(path, options)
    yield from file.problems
    seen: dict[object, Origin] = {}
    for record in file.images:
        yield _image(record, seen, file, options)
    for key, objects in file.objects.items():
        if key not in seen and key not in file.unusable:
            for item in objects:
                message = f"{item.called} is of image {_text(key)}, which is not in the file"
                yield wrong(codes.NO_IMAGE, message, item.origin)
    yield from _report_left_out([item for objects in file.objects.values() for item in objects], options)


INPUT: Final = InputFormat(read_coco, keys=("images annotations",))


def _read_regular(records: Records, options: Options) -> Iterator[Read]:
    """Read the images of a regular file; those with anything but ordinary boxes as in any other file."""
    stated = mapping_of(records.info).get("date_created")
    file = _File(moment(stated) if isinstance(stated, str) else None, names=dict(records.names))
    for index, image in enumerate(records.images):
        boxes = records.annotations.boxes(index, image.width, image.height)
        date = moment(image.date_captured) if isinstance(image.date_captured, str) else None
        origin = records.image_places.origin(index)
        if boxes is None or (date is None and image.date_captured not in _UNDATED):
            record = Record("images", index, records.image_places.value(index), origin)
            file.objects = {
                image.id: [_placed(records, at, options) for at in records.annotations.numbers(index)]
            }
            yield _image(record, {}, file, options)
            continue
        yield LabelledImage(
            image.file_name,
            origin,
            boxes=(),
            size=(image.width, image.height),
            created_at=date or options.created_at or file.created_at,
            rounded=boxes,
        )
    yield from _report_left_out([_placed(records, at, options) for at in records.annotations.marked], options)


def _placed(records: Records, at: int, options: Options) -> _Object:
    places = records.annotation_places
    return _object(Record("annotations", at, places.value(at), places.origin(at)), options)


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


def _read_records(path: Path, options: Options) -> _File:
    """Read all records of a file, grouped by list."""
    name, file, keys = display(path), _File(), set()
    for record in records(text_of(path), name):
        keys.add(record.key)
        match record.key, record.value:
            case "info", {"date_created": str(text)}:
                file.created_at = moment(text)
            case "images", {"id": int() | str(), "file_name": str()}:
                file.images.append(record)
            case "categories", {"id": int() | str() as key, "name": str(label)}:
                _name(file.names, _id(key), label, record)
            case "annotations", {"image_id": int() | str() as key}:
                file.objects[_id(key)].append(_object(record, options))
            case ("images" | "categories" | "annotations") as key, value if record.number is not None:
                if key == "images" and isinstance(value, dict):
                    file.unusable.add(_id(value.get("id")))
                message = f"{_called(record)} must be an object with {_NEEDED[key]}"
                file.problems.append(wrong(codes.BAD_RECORD, message, record.origin))
            case ("images" | "categories" | "annotations") as key, value if value != []:
                raise BadFile(codes.OTHER_FORMAT, f"“{key}” must be a list", record.origin)
    if missing := [key for key in _NEEDED if key not in keys]:
        message = f"no COCO file of objects: it has no list “{missing[0]}”"
        raise BadFile(codes.OTHER_FORMAT, message, Origin(name, 1))
    return file


def _name(names: dict[object, str], key: object, label: str, record: Record) -> None:
    """Add the name of a category; which of two names for one id is meant cannot be known."""
    if (other := names.setdefault(key, label)) != label:
        message = f"{_called(record)} “{label}” has the id {key}, as “{other}” has"
        raise BadFile(codes.BAD_RECORD, message, record.origin)


_NEEDED: Final = {
    "images": "id and file_name",
    "annotations": "an image_id",
    "categories": "id and name",
}


def _id(value: object) -> object:
    """Return a normalized id: ``1.0``, which some libraries write, is 1."""
    found = number(value) if isinstance(value, str) else None
    if found is not None and found == found.to_integral_value():
        return int(found)
    return value if isinstance(value, int | str) else None


def _object(record: Record, options: Options) -> _Object:
    value = record.value
    shape, mask = value.get("bbox"), value.get("segmentation")
    if not shape and options.polygons:
        shape = _around(mask)
    return _Object(
        _called(record),
        record.origin,
        category=_id(value.get("category_id")),
        shape=shape,
        has_mask=bool(mask or value.get("keypoints")),
        is_crowd=options.crowd is not Crowd.BOX and value.get("iscrowd") in (1, "1", "1.0"),
        score=value.get("score"),
    )


def _around(polygons: object) -> list[Decimal] | None:
    """Return the bounding box [x, y, width, height] of polygons; None unless they are valid."""
    if not isinstance(polygons, list) or not polygons:
        return None
    points = exact(value for part in polygons if isinstance(part, list) for value in part)
    if len(points) < 6 or any(not isinstance(part, list) or len(part) % 2 for part in polygons):
        return None
    box = around("", points, Origin("", 1))
    return [box.left, box.top, box.right - box.left, box.bottom - box.top]


def _image(record: Record, seen: dict[object, Origin], file: _File, options: Options) -> Read:
    image, key = record.value, _id(record.value["id"])
    if key in seen:
        message = f"{_called(record)} has the id {_text(key)}, as the image at {seen[key]} has"
        return wrong(codes.BAD_RECORD, message, record.origin)
    seen[key] = record.origin
    objects = [item for item in file.objects.get(key, ()) if not item.is_crowd]
    found = [_box(item, file.names) for item in objects]
    crowds = [] if objects else file.objects.get(key, [])
    if crowds and options.crowd is None:
        found.append(_only_crowds(record, crowds))
    captured = image.get("date_captured")
    date = moment(captured) if isinstance(captured, str) else None
    if date is None and captured not in _UNDATED:
        message = f"date_captured of {_called(record)} is {_text(captured)}, no date in ISO 8601"
        found.append(odd(codes.BAD_DATE, message, record.origin))
    size = sides(image.get("width"), image.get("height"))
    # Without boxes, crowd regions would make it an image in which nothing is.
    read = LabelledImage.of(image["file_name"], record.origin, found, size=size, has_boxes=not crowds)
    return replace(read, created_at=date or options.created_at or file.created_at)


def _only_crowds(record: Record, crowds: Sequence[_Object]) -> Problem:
    message = (
        f"{_called(record)} has nothing but crowd regions (iscrowd: 1; annotations: {len(crowds)}): without them "
        "it would be an image in which nothing is; --crowd box keeps their boxes, --crowd skip makes it unlabelled"
    )
    return wrong(codes.NO_BOX, message, crowds[0].origin)


def _box(item: _Object, names: Mapping[object, str]) -> Rectangle | Problem:
    if item.category is None:
        message = f"{item.called} has no category_id: captions and panoptic masks have none, and no boxes"
        return wrong(codes.NO_CLASS, message, item.origin)
    if item.category not in names:
        message = f"{item.called} has the category {_text(item.category)}, which has no name in the file"
        return wrong(codes.NO_CLASS, message, item.origin)
    # The results of detectors have a score (cocodataset.org, results format); labels may have a certain one.
    if item.score is not None and number(item.score) != 1:
        score = str(item.score)[:20]
        message = f"{item.called} has the score {score}: it is a prediction of a model, not a label"
        return wrong(codes.NO_BOX, message, item.origin)
    if not item.shape and item.has_mask:
        message = f"{item.called} has no bbox, only a mask or keypoints, which a line cannot hold"
        message += "; --polygons box takes the box around a polygon"
        return wrong(codes.NO_BOX, message, item.origin)
    match exact(list_of(item.shape)):
        case [left, top, width, height]:
            return Rectangle(names[item.category], *from_corner(left, top, width, height), item.origin)
    message = f"bbox of {item.called} must be four numbers [x, y, width, height], not {_text(item.shape)}"
    return wrong(codes.BAD_RECORD, message, item.origin)


def _report_left_out(objects: Sequence[_Object], options: Options) -> Iterator[Problem]:
    """Report, once per file, which data is not converted and how many objects have it."""
    crowds = [item for item in objects if item.is_crowd]
    masks = [item for item in objects if item.has_mask and item.shape and not item.is_crowd]
    if crowds:
        way = "" if options.crowd else "; --crowd box keeps their boxes"
        message = f"crowd regions (iscrowd: 1) are left out (annotations: {len(crowds)}){way}"
        yield odd(codes.LEFT_OUT, message, crowds[0].origin)
    if masks:
        message = f"masks or keypoints beside a box are left out (annotations: {len(masks)})"
        yield odd(codes.LEFT_OUT, message, masks[0].origin)


def _called(record: Record) -> str:
    return f"{record.key}[{record.number}]"


def _text(value: object) -> str:
    """Return a value as text for messages."""
    if isinstance(value, list):
        text = f"[{', '.join(map(str, value))}]"
    else:
        text = f"“{value}”" if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
