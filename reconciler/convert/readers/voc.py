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
from xml.etree import ElementTree as ET

from reconciler.convert.geometry import number, side
from reconciler.convert.parsing.xml_tree import Element, decoded, tree_of
from reconciler.convert.recognition import InputFormat
from reconciler.convert.record import (
    BadFile,
    LabelledBox,
    LabelledImage,
    Options,
    Read,
    Rectangle,
    bytes_of,
    display,
    files_below,
    odd,
    wrong,
)
from reconciler.core.validation import codes
from reconciler.core.validation.problem import Origin, Problem

FOLDER: Final = "Annotations"
_NAME: Final = b"<filename"
_SIDES: Final = ("width", "height", "depth")
_LONGEST: Final = 9
_EDGES: Final = ("xmin", "ymin", "xmax", "ymax")
_OTHER_SHAPES: Final = ("polygon", "robndbox")


def read_voc(path: Path, options: Options) -> Iterator[Read]:
    """Read one file, or all ``.xml`` files below a directory, ordered by name."""
    if not path.is_dir():
        return (yield _read(path, options))
    start = path / FOLDER if (path / FOLDER).is_dir() else path
    for file in files_below(start, ".xml"):
        yield _read(file, options)


INPUT: Final = InputFormat(read_voc, root="annotation", one_file_each=True)


def _read(path: Path, options: Options) -> Read:
    try:
        content, name = bytes_of(path), display(path)
        return _read_regular(content, name, options) or _any(content, name, options)
    except BadFile as exc:
        return exc.problem


def _any(content: bytes, file: str, options: Options) -> Read:
    root = tree_of(content, file)
    if root.tag != "annotation":
        message = f"the outermost element is <{root.tag}>, not <annotation>"
        return wrong(codes.OTHER_FORMAT, message, root.origin)
    name = root.at("filename")
    if name is None or not name.text.strip():
        return wrong(codes.BAD_RECORD, "the image has no <filename>", root.origin)
    objects = list(root.all("object"))
    found = [_box(element, options) for element in objects]
    found += [_parts_left_out(element) for element in objects if element.at("part", "bndbox")]
    return LabelledImage.of(name.text, name.origin, found, size=_size(root))


def _read_regular(content: bytes, file: str, options: Options) -> LabelledImage | None:
    """
    Read a file as most programs write it, by a parser in C that keeps no places; None for any other file.

    The boxes are in whole pixels and within the image. There is no comment, and so no place but that of the one
    name of an image that looks like it; no document type either, which attacks on parsers need.
    """
    at = content.find(_NAME)
    before = content[content.rfind(b"\n", 0, at) + 1 : at]
    if (
        b"<!" in content
        or content.count(_NAME) != 1
        or content.count(b"\r") != content.count(b"\r\n")
        or not before.isascii()
        or not isinstance(decoded(content, file), bytes)
    ):
        return None
    try:
        root = ET.fromstring(content)  # noqa: S314  it has no document type
    except ET.ParseError:
        return None
    named, sized = root.find("filename"), root.find("size")
    if (
        root.tag != "annotation"
        or named is None
        or len(named)
        or not (named.text or "").strip()
        or sized is None
    ):
        return None
    size = _whole_numbers(sized, _SIDES)
    boxes = _whole_boxes(root.findall("object"), size, options) if size and all(size) else None
    if boxes is None:
        return None
    origin = Origin(file, content.count(b"\n", 0, at) + 1, len(before) + 1)
    return LabelledImage(named.text or "", origin, boxes=(), size=size, rounded=boxes)


def _whole_boxes(
    objects: Sequence[ET.Element], size: Sequence[int], options: Options
) -> tuple[LabelledBox, ...] | None:
    """Return the boxes if all are in whole pixels and within the image, as most files have them; else None."""
    first = 1 if options.one_based else 0
    boxes = []
    for element in objects:
        parts = {child.tag: child for child in element}
        if len(parts) != len(element) or not {"name", "bndbox"} <= parts.keys() or "part" in parts:
            return None
        edges = _whole_numbers(parts["bndbox"], _EDGES)
        if edges is None or len(parts["name"]):
            return None
        left, top, right, bottom = edges
        left, top = left - first, top - first
        if not (0 <= left < right - 1 < size[0] and 0 <= top < bottom - 1 < size[1]):
            return None
        boxes.append(LabelledBox(parts["name"].text or "", left, top, right - left, bottom - top))
    return tuple(boxes)


def _whole_numbers(element: ET.Element, tags: Sequence[str]) -> tuple[int, ...] | None:
    """Return the numbers in the elements with these tags; None unless each is there once, in digits alone."""
    texts = {child.tag: child.text or "" for child in element if not len(child)}
    found = [texts.get(tag, "") for tag in tags]
    is_plain = len(texts) == len(element) and all(map(str.isdecimal, found)) and "".join(found).isascii()
    return tuple(map(int, found)) if is_plain and max(map(len, found)) < _LONGEST else None


def _parts_left_out(element: Element) -> Problem:
    return odd(codes.LEFT_OUT, "boxes of parts of an object, such as a head, are left out", element.origin)


def _size(root: Element) -> tuple[int, ...] | None:
    width, height, depth = (
        side(element.text) if (element := root.at("size", key)) else None for key in _SIDES
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
