"""
Pascal VOC: one XML file per image, with ``filename``, ``size`` and an ``object`` for each box.

``xmin`` … ``ymax`` are the edges of a box, counted from 0, as LabelImg, CVAT, Label Studio and Roboflow write
them. The files of the VOC challenge count pixels from 1 and include the last, so their left and top edges are
one less. A file does not state which applies.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Final

from reconciler.convert.parsing.xml_tree import Element, tree_of
from reconciler.convert.pixels import number, side
from reconciler.convert.record import (
    BadFile,
    LabelledBox,
    LabelledImage,
    Options,
    Read,
    Rectangle,
    files_below,
    odd,
    wrong,
)
from reconciler.core.validation import spec_codes as codes
from reconciler.core.validation.problem import Problem

FOLDER: Final = "Annotations"
_EDGES: Final = ("xmin", "ymin", "xmax", "ymax")
_OTHER_SHAPES: Final = ("polygon", "robndbox")


def read_voc(path: Path, options: Options) -> Iterator[Read]:
    """Read one file, or all ``.xml`` files below a directory, ordered by name."""
    if not path.is_dir():
        return (yield _read(path, options))
    start = path / FOLDER if (path / FOLDER).is_dir() else path
    for file in files_below(start, ".xml"):
        yield _read(file, options)


def _read(path: Path, options: Options) -> Read:
    try:
        root = tree_of(path)
    except BadFile as exc:
        return exc.problem
    if root.tag != "annotation":
        message = f"the outermost element is <{root.tag}>, not <annotation>"
        return wrong(codes.OTHER_FORMAT, message, root.origin)
    name = root.at("filename")
    if name is None or not name.text.strip():
        return wrong(codes.BAD_RECORD, "the image has no <filename>", root.origin)
    size, objects = _size(root), list(root.all("object"))
    rounded = _whole_boxes(objects, size, options) if size else None
    if rounded is not None:
        return LabelledImage(name.text, name.origin, boxes=(), size=size, rounded=rounded)
    found = [_box(element, options) for element in objects]
    found += [_parts_left_out(element) for element in objects if element.at("part", "bndbox")]
    return LabelledImage.of(name.text, name.origin, found, size=size)


def _whole_boxes(
    objects: Sequence[Element], size: Sequence[int], options: Options
) -> tuple[LabelledBox, ...] | None:
    """Return the boxes if all are in whole pixels and within the image, as most files have them; else None."""
    first = 1 if options.one_based else 0
    boxes = []
    for element in objects:
        parts = {child.tag: child for child in element.children}
        if len(parts) != len(element.children) or not {"name", "bndbox"} <= parts.keys() or "part" in parts:
            return None
        shape = parts["bndbox"].children
        edges = {edge.tag: edge.text for edge in shape}
        texts = [edges.get(key, "") for key in _EDGES]
        if len(edges) != len(shape) or not all(text.isascii() and text.isdecimal() for text in texts):
            return None
        left, top, right, bottom = map(int, texts)
        left, top = left - first, top - first
        if not (0 <= left < right - 1 < size[0] and 0 <= top < bottom - 1 < size[1]):
            return None
        boxes.append(LabelledBox(parts["name"].text, left, top, right - left, bottom - top))
    return tuple(boxes)


def _parts_left_out(element: Element) -> Problem:
    return odd(codes.LEFT_OUT, "boxes of parts of an object, such as a head, are left out", element.origin)


def _size(root: Element) -> tuple[int, ...] | None:
    width, height, depth = (
        side(element.text) if (element := root.at("size", key)) else None
        for key in ("width", "height", "depth")
    )
    if not (width and height):
        return None
    return (width, height, depth) if depth else (width, height)


def _box(element: Element, options: Options) -> Rectangle | Problem:
    label, shape = element.at("name"), element.at("bndbox")
    if label is None:
        return wrong(codes.BAD_RECORD, "the object has no <name>", element.origin)
    if shape is None:
        if other := next((tag for tag in _OTHER_SHAPES if element.at(tag)), None):
            message = f"the object “{label.text}” is a <{other}>, which a line cannot hold"
            return wrong(codes.NO_BOX, message, element.origin)
        return wrong(codes.BAD_RECORD, f"the object “{label.text}” has no <bndbox>", element.origin)
    if len(list(element.all("bndbox"))) > 1:
        return wrong(codes.BAD_RECORD, f"the object “{label.text}” has several <bndbox>", element.origin)
    edges = [number(edge.text) if (edge := shape.at(key)) else None for key in _EDGES]
    match edges:
        case [Decimal() as left, Decimal() as top, Decimal() as right, Decimal() as bottom]:
            first = 1 if options.one_based else 0
            return Rectangle(label.text, left - first, top - first, right, bottom, element.origin)
    missing = ", ".join(key for key, edge in zip(_EDGES, edges, strict=True) if edge is None)
    message = f"{missing} of the object “{label.text}” must be numbers"
    return wrong(codes.BAD_RECORD, message, element.origin)
