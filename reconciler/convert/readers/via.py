"""
VIA: a project or an export of annotations of the VGG Image Annotator, as JSON or, by `csv`, as CSV.

Versions 1 and 2 are an object with ``filename`` and ``regions`` for each image; a project has it below
``_via_img_metadata``. Version 3 numbers its files, and lists shapes as ``xy``: a kind and coordinates.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from reconciler.convert.geometry import (
    chosen,
    cornered,
    enclosing,
    not_upright,
    region_of_via,
    unusable_shape,
)
from reconciler.convert.parsing.json_records import Record, document, mapping_of, records
from reconciler.convert.recognition import InputFormat
from reconciler.convert.record import (
    BadFile,
    LabelledImage,
    Options,
    Read,
    Rectangle,
    display,
    text_of,
    wrong,
)
from reconciler.core.validation import codes
from reconciler.core.validation.problem import Origin, Problem

METADATA: Final = "_via_img_metadata"
VERSION_3: Final = frozenset({"project", "file", "metadata", "attribute"})
_SHAPES: Final = dict(enumerate(("point", "rect", "circle", "ellipse", "line", "polyline", "polygon"), 1))
_SELECTED: Final = (3, 4)  # attribute types radio and select, whose values are keys of the options


def read_via(path: Path, options: Options) -> Iterator[Read]:
    """Read one file."""
    text, name = text_of(path), display(path)
    members = list(records(text, name, inside=METADATA))
    keys = {record.key for record in members}
    if keys >= VERSION_3:
        return (yield from _version_3(document(text, name), Origin(name, 1), options))
    if METADATA in keys:
        members = [record for record in members if record.key == METADATA and record.number is not None]
    if not all(isinstance(item.value, dict) and "filename" in item.value for item in members):
        message = f"no VIA file: it has no {METADATA}, and its members are not all objects with a filename"
        raise BadFile(codes.OTHER_FORMAT, message, Origin(name, 1))
    for record in members:
        yield _image(record, options)


INPUT: Final = InputFormat(
    read_via,
    keys=("_via_img_metadata", "project file metadata view"),
    member_keys=("filename regions",),
    has_tables=True,
)


def _image(record: Record, options: Options) -> Read:
    """Read an image. One without regions is unlabelled: it may not be annotated yet."""
    name, regions = record.value.get("filename"), record.value.get("regions") or []
    regions = list(regions.values()) if isinstance(regions, dict) else regions
    if not isinstance(name, str) or not isinstance(regions, list):
        message = "an image must have a filename and a list of regions"
        return wrong(codes.BAD_RECORD, message, record.origin)
    found = [_region(mapping_of(item), record.origin, options) for item in regions]
    attributes = mapping_of(record.value.get("file_attributes"))
    return _labelled(name, record.origin, found, attributes, options)


def _region(region: Mapping[str, Any], origin: Origin, options: Options) -> Rectangle | Problem:
    shape, attributes = region.get("shape_attributes"), region.get("region_attributes")
    return region_of_via(mapping_of(shape), mapping_of(attributes), origin, options)


def _labelled(
    name: str,
    origin: Origin,
    found: list[Rectangle | Problem],
    attributes: Mapping[str, Any],
    options: Options,
) -> LabelledImage:
    """Compose an image. Its own attributes are labels of the whole only if `--attribute` names them."""
    named = {key: value for key, value in attributes.items() if key in options.attributes}
    labels = [chosen(named, origin, options)] if named else []
    return LabelledImage.of(name, origin, [*found, *labels], has_boxes=bool(found))


def _version_3(project: Mapping[str, Any], origin: Origin, options: Options) -> Iterator[Read]:
    names = {key: mapping_of(item).get("fname") for key, item in mapping_of(project["file"]).items()}
    views = {key: mapping_of(item).get("fid_list") for key, item in mapping_of(project["view"]).items()}
    boxes: dict[str, list[Rectangle | Problem]] = defaultdict(list)
    own: dict[str, Mapping[str, Any]] = {}
    for key, item in mapping_of(project["metadata"]).items():
        view, shape = str(mapping_of(item).get("vid")), mapping_of(item).get("xy")
        values = _values(mapping_of(mapping_of(item).get("av")), mapping_of(project["attribute"]))
        if mapping_of(item).get("z"):
            raise BadFile(codes.OTHER_FORMAT, f"“{key}” is a part of a video: only images are read", origin)
        if not isinstance(shape, list) or not shape:
            own[view] = values
        else:
            boxes[view].append(_shape(shape, values, origin, options))
    for view, files in views.items():
        name = names.get(str(files[0])) if isinstance(files, list) and len(files) == 1 else None
        if isinstance(name, str):
            yield _labelled(name, origin, boxes.pop(view, []), own.get(view, {}), options)
        else:
            yield wrong(codes.BAD_RECORD, f"the view “{view[:40]}” is not one image", origin)
    for view in boxes:
        yield wrong(codes.NO_IMAGE, f"shapes are of the view “{view[:40]}”, which is not in the file", origin)


def _values(values: Mapping[str, Any], attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return name -> value of the attributes of a shape; of options, the name of the one that is selected."""
    found = {}
    for key, value in values.items():
        attribute = mapping_of(attributes.get(key))
        options = mapping_of(attribute.get("options"))
        is_selected = attribute.get("type") in _SELECTED
        found[str(attribute.get("aname", key))] = options.get(str(value), value) if is_selected else value
    return found


def _shape(
    shape: list[Any], values: Mapping[str, Any], origin: Origin, options: Options
) -> Rectangle | Problem:
    label, kind = chosen(values, origin, options), _SHAPES.get(shape[0], "other shape")
    if isinstance(label, Problem):
        return label
    if kind == "rect":
        return cornered(label, shape[1:], origin)
    if kind not in ("polyline", "polygon"):
        return unusable_shape(label, kind, origin)
    points = [list(pair) for pair in zip(shape[1::2], shape[2::2], strict=False)]
    return not_upright(label, kind, origin, options) or enclosing(label, points, origin, fewest=3)
