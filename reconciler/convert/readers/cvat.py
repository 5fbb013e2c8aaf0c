"""
CVAT for images 1.1: one XML file with an ``image`` for each image of a job, a task or a project (docs.cvat.ai).

Boxes have edges in pixels, counted from 0. Tags are labels of the whole image.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from reconciler.convert.geometry import (
    cornered,
    edged,
    enclosing,
    not_upright,
    number,
    rounded,
    sides,
    turned,
    unusable_shape,
)
from reconciler.convert.parsing.splits import resolve_missing_boxes, select_split, split_off_problems
from reconciler.convert.parsing.xml_tree import Element, tree_of
from reconciler.convert.recognition import InputFormat
from reconciler.convert.record import (
    BadFile,
    LabelledImage,
    Options,
    Read,
    Rectangle,
    bytes_of,
    display,
    wrong,
)
from reconciler.core.validation import codes
from reconciler.core.validation.problem import Problem
from reconciler.errors import UsageError

FILE: Final = "annotations.xml"
_EDGES: Final = ("xtl", "ytl", "xbr", "ybr")
_MASK: Final = ("left", "top", "width", "height")
_AROUND: Final = ("polygon", "polyline", "mask", "ellipse")
_OTHERS: Final = ("points", "cuboid", "skeleton")


def read_cvat(path: Path, options: Options) -> Iterator[Read]:
    """Read one file, or ``annotations.xml`` of a directory."""
    file = _file_in(path)
    root = tree_of(bytes_of(file), display(file))
    if root.tag != "annotations":
        message = f"the outermost element is <{root.tag}>, not <annotations>"
        raise BadFile(codes.OTHER_FORMAT, message, root.origin)
    if track := root.at("track"):
        message = (
            "tracks of a video are not read: export the task as “CVAT for images 1.1”, which has its frames"
        )
        raise BadFile(codes.OTHER_FORMAT, message, track.origin)
    images = yield from split_off_problems(_image(element, options) for element in root.all("image"))
    kept, notes = select_split(images, options, unit="images")
    yield from notes
    yield from resolve_missing_boxes(kept)


INPUT: Final = InputFormat(read_cvat, root="annotations")


def _file_in(path: Path) -> Path:
    if not path.is_dir():
        return path
    if not (path / FILE).is_file():
        raise UsageError(f"{path}: holds no {FILE}: name the XML file")
    return path / FILE


def _image(element: Element, options: Options) -> tuple[str, LabelledImage] | Problem:
    """Return an image with the name of its split."""
    name = element.attributes.get("name", "")
    if not name:
        return wrong(codes.BAD_RECORD, "the image has no name", element.origin)
    shapes = [child for child in element.children if child.tag in ("box", *_AROUND, *_OTHERS)]
    labels = [tag.attributes.get("label", "") for tag in element.all("tag")]
    size = sides(element.attributes.get("width"), element.attributes.get("height"))
    found = [*(_box(shape, options) for shape in shapes), *labels]
    return element.attributes.get("subset", ""), LabelledImage.of(name, element.origin, found, size=size)


def _box(shape: Element, options: Options) -> Rectangle | Problem:
    label, origin = shape.attributes.get("label"), shape.origin
    if label is None:
        return wrong(codes.BAD_RECORD, f"the {shape.tag} has no label", origin)
    if shape.tag in _OTHERS:
        return unusable_shape(label, shape.tag, origin)
    degrees = number(shape.attributes.get("rotation", "0"))
    if degrees is None:
        return wrong(codes.BAD_RECORD, f"the rotation of the {shape.tag} “{label}” is not a number", origin)
    kind = f"box turned by {degrees}°" if shape.tag == "box" else shape.tag
    if (shape.tag != "box" or degrees) and (problem := not_upright(label, kind, origin, options)):
        return problem
    box = _upright(shape, label)
    if not isinstance(box, Rectangle) or not degrees:
        return box
    return turned(box, degrees, (box.left + box.right) / 2, (box.top + box.bottom) / 2)


def _upright(shape: Element, label: str) -> Rectangle | Problem:
    """Return the box, or the box around another shape, before it is turned."""
    values = shape.attributes
    match shape.tag:
        case "box":
            return edged(label, (values.get(key) for key in _EDGES), shape.origin)
        case "mask":
            return cornered(label, (values.get(key) for key in _MASK), shape.origin)
        case "ellipse":
            return rounded(label, (values.get(key) for key in ("cx", "cy", "rx", "ry")), shape.origin)
    points = [point.split(",") for point in values.get("points", "").split(";")]
    return enclosing(label, points, shape.origin)
