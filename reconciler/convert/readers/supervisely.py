"""
Supervisely: a JSON file for each image in ``ann``, beside the images in ``img`` (developer.supervisely.com).

The points of a rectangle are taken as its edges. Tags without a value are labels of the whole image, except for
the names of splits.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from reconciler.convert.geometry import enclosing, not_upright, sides, unusable_shape
from reconciler.convert.images import ending_in
from reconciler.convert.parsing.json_records import document, list_of, mapping_of
from reconciler.convert.parsing.splits import resolve_missing_boxes, select_split, split_off_problems
from reconciler.convert.readers.folders import SPLITS
from reconciler.convert.recognition import InputFormat
from reconciler.convert.record import (
    BadFile,
    LabelledImage,
    Notes,
    Options,
    Read,
    Rectangle,
    display,
    text_of,
    wrong,
)
from reconciler.core.validation import codes
from reconciler.core.validation.problem import Origin, Problem
from reconciler.errors import UsageError

ANNOTATIONS: Final = "ann"
_IMAGES: Final = "img"
_AROUND: Final = ("polygon", "line")


def read_supervisely(path: Path, options: Options) -> Iterator[Read]:
    """Read one file, or all of a data set or of a project that has only one."""
    notes = Notes("images")
    images = yield from split_off_problems(_read(file, options, notes) for file in _files(path))
    kept, split = select_split(images, options, unit="images")
    yield from (*notes.problems(), *split)
    yield from resolve_missing_boxes(kept)


INPUT: Final = InputFormat(read_supervisely, keys=("size objects",), subdirectory="ann")


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    if path.name == ANNOTATIONS:
        return sorted(path.glob("*.json"))
    places = sorted(path.glob(f"{ANNOTATIONS}/")) or sorted(path.glob(f"*/{ANNOTATIONS}/"))
    if len(places) > 1:
        raise UsageError(
            f"{path}: name one of its data sets: {', '.join(str(place.parent) for place in places)}"
        )
    if not places:
        raise UsageError(f"{path}: holds no directory {ANNOTATIONS}: name the data set, or one file")
    return sorted(places[0].glob("*.json"))


def _read(path: Path, options: Options, notes: Notes) -> tuple[str, LabelledImage] | Problem:
    """Return the split and the image of a file, which is called as the image is, with .json behind it."""
    origin = Origin(display(path), 1)
    try:
        content = document(text_of(path), display(path))
    except BadFile as exc:
        return exc.problem
    match content:
        case {"size": {"width": width, "height": height}, "objects": list(objects)}:
            size = sides(width, height)
        case _:
            message = "no annotation of Supervisely: it has no size, or no list of objects"
            return wrong(codes.OTHER_FORMAT, message, origin)
    found = [_box(item, f"objects[{number}]", origin, options) for number, item in enumerate(objects)]
    tags = [mapping_of(tag) or {"name": tag} for tag in list_of(content.get("tags"))]  # first versions: texts
    names = [str(tag.get("name")) for tag in tags if tag.get("value") is None]
    if len(names) < len(tags):
        notes.add("tags with a value are not labels: left out", origin)
    splits = [name for name in names if name.lower() in SPLITS]
    labels = [name for name in names if name not in splits]
    image = path.stem + ending_in(path.parent.parent / _IMAGES, path.stem)
    return (splits or [""])[0], LabelledImage.of(image, origin, [*found, *labels], size=size)


def _box(item: object, called: str, origin: Origin, options: Options) -> Rectangle | Problem:
    match item:
        case {"classTitle": str(label), **more}:
            kind = str(more.get("geometryType") or "rectangle")
        case _:
            return wrong(codes.BAD_RECORD, f"{called} must be an object with a classTitle", origin)
    inner = more if "points" in more else mapping_of(more.get("geometry"))  # as in annotations of videos
    points = mapping_of(inner.get("points")).get("exterior")
    if kind == "rectangle":
        return enclosing(label, points, origin)
    if kind not in _AROUND:
        return unusable_shape(label, kind, origin)
    return not_upright(label, kind, origin, options) or enclosing(label, points, origin)
