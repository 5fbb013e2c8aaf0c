"""
labelme: a JSON file for each image, with ``imagePath`` and ``shapes`` (github.com/wkentaro/labelme).

X-AnyLabeling and other tools write the same, some with four corners for a rectangle. Flags that are set are
labels of the whole image.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from reconciler.convert.geometry import (
    enclosing,
    exact,
    is_predicted,
    not_upright,
    prediction,
    sides,
    unusable_shape,
)
from reconciler.convert.parsing.json_records import document, mapping_of
from reconciler.convert.parsing.splits import resolve_missing_boxes, split_off_problems
from reconciler.convert.recognition import InputFormat
from reconciler.convert.record import (
    BadFile,
    LabelledImage,
    Options,
    Read,
    Rectangle,
    display,
    files_below,
    text_of,
    wrong,
)
from reconciler.core.validation import codes
from reconciler.core.validation.problem import Origin, Problem

_AROUND: Final = ("polygon", "linestrip", "rotation", "mask", "circle")


def read_labelme(path: Path, options: Options) -> Iterator[Read]:
    """Read one file, or all ``.json`` files below a directory, ordered by name."""
    files = files_below(path, ".json") if path.is_dir() else [path]
    images = yield from split_off_problems(_read(file, options) for file in files)
    yield from resolve_missing_boxes(images)


INPUT: Final = InputFormat(read_labelme, keys=("shapes imagePath",), one_file_each=True)


def _read(path: Path, options: Options) -> LabelledImage | Problem:
    origin = Origin(display(path), 1)
    try:
        content = document(text_of(path), display(path))
    except BadFile as exc:
        return exc.problem
    match content:
        case {"shapes": list(shapes), "imagePath": str(name)} if name:
            pass
        case _:
            message = "no labelme file: it has no imagePath, or no list of shapes"
            return wrong(codes.OTHER_FORMAT, message, origin)
    found = [_box(shape, f"shapes[{number}]", origin, options) for number, shape in enumerate(shapes)]
    labels = [key for key, is_set in mapping_of(content.get("flags")).items() if is_set is True]
    size = sides(content.get("imageWidth"), content.get("imageHeight"))
    return LabelledImage.of(name, origin, [*found, *labels], size=size)


def _box(shape: object, called: str, origin: Origin, options: Options) -> Rectangle | Problem:
    match shape:
        case {"label": str(label), "score": score} if is_predicted(score):  # of X-AnyLabeling
            return prediction(label, score, origin)
        case {"label": str(label), "points": list(points), **more}:
            kind = str(more.get("shape_type") or "polygon")  # the first versions drew nothing else
        case _:
            return wrong(codes.BAD_RECORD, f"{called} must be an object with label and points", origin)
    if kind == "rectangle":
        if _is_upright(points):
            return enclosing(label, points, origin)
        kind = "turned rectangle"
    elif kind not in _AROUND:
        return unusable_shape(label, kind, origin)
    if problem := not_upright(label, kind, origin, options):
        return problem
    return _circle(label, points, origin) if kind == "circle" else enclosing(label, points, origin)


def _is_upright(points: list[Any]) -> bool:
    """Return whether corners are two opposite ones, or four with only two values in each direction."""
    return len(points) == 2 or all(
        len({repr(point[axis]) for point in points if isinstance(point, list) and len(point) == 2}) == 2
        for axis in (0, 1)
    )


def _circle(label: str, points: list[Any], origin: Origin) -> Rectangle | Problem:
    """Return the box around a circle, given as its centre and a point on it."""
    match [exact(point) if isinstance(point, list) else [] for point in points]:
        case [[x, y], [across, down]]:
            radius = ((across - x) ** 2 + (down - y) ** 2).sqrt()
            return Rectangle(label, x - radius, y - radius, x + radius, y + radius, origin)
    return wrong(codes.BAD_RECORD, f"the circle “{label}” must have a centre and a point", origin)
