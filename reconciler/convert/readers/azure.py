"""
Azure: images of Custom Vision as its training API lists them, and JSON Lines of Azure Machine Learning.

Boxes are fractions of the image (learn.microsoft.com, Custom Vision training API 3.3; data schemas for computer
vision tasks in automated ML).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from reconciler.convert.geometry import cornered, edged, sides, unusable_shape
from reconciler.convert.parsing.json_records import Record, elements, list_of, mapping_of, records
from reconciler.convert.recognition import InputFormat
from reconciler.convert.record import LabelledImage, Options, Read, Rectangle, display, text_of, wrong
from reconciler.core.validation import codes
from reconciler.core.validation.problem import Origin, Problem

_SIDES: Final = ("left", "top", "width", "height")
_EDGES: Final = ("topX", "topY", "bottomX", "bottomY")
_DATASTORE: Final = re.compile(r"(?:AmlDatastore://[^/]+/|azureml://.*?/paths/)", re.IGNORECASE)


def read_azure(path: Path, _: Options) -> Iterator[Read]:
    """Read one file."""
    text, name = text_of(path), display(path)
    found = list(elements(text, name))
    if len(found) == 1 and isinstance(mapping_of(found[0].value).get("images"), list):
        found = [
            record for record in records(text, name) if record.number is not None and record.key == "images"
        ]
    for record in found:
        value = mapping_of(record.value)
        read = _of_machine_learning if "image_url" in value else _of_custom_vision
        yield read(value, record)


INPUT: Final = InputFormat(
    read_azure, element_keys=("originalImageUri", "image_url label"), keys=("image_url label",)
)


def _of_custom_vision(value: Mapping[str, Any], record: Record) -> Read:
    """Read an image: with regions, with tags of the whole image, or with neither, and then unlabelled."""
    names = [value.get("name"), mapping_of(value.get("metadata")).get("filename"), value.get("id")]
    name = next((name for name in names if isinstance(name, str) and name), None)
    if name is None or not value.keys() & {"regions", "tags"}:
        message = "an image must be an object with id and regions or tags, or with image_url and label"
        return wrong(codes.BAD_RECORD, message, record.origin)
    regions, tags = ([mapping_of(item) for item in list_of(value.get(key))] for key in ("regions", "tags"))
    found = [
        cornered(label, (region.get(key) for key in _SIDES), record.origin)
        if isinstance(label := region.get("tagName"), str)
        else wrong(codes.NO_CLASS, "a region has no tagName", record.origin)
        for region in regions
    ]
    labels = [str(tag["tagName"]) for tag in tags if "tagName" in tag]
    return LabelledImage.of(
        name,
        record.origin,
        found or labels,
        size=sides(value.get("width"), value.get("height")),
        has_boxes=bool(found),
        shares=True,
    )


def _of_machine_learning(value: Mapping[str, Any], record: Record) -> Read:
    """Read a line with ``image_url`` and ``label``: boxes, one label, or a list of them."""
    name, label = value["image_url"], value.get("label")
    if not isinstance(name, str) or not isinstance(label, str | list):
        return wrong(codes.BAD_RECORD, "image_url must be text, and label text or a list", record.origin)
    items = [label] if isinstance(label, str) else label
    labels = [item for item in items if isinstance(item, str)]
    details = mapping_of(value.get("image_details"))
    has_boxes = isinstance(label, list) and not labels
    return LabelledImage.of(
        _DATASTORE.sub("", name),
        record.origin,
        [_edges(mapping_of(item), record.origin) for item in items] if has_boxes else labels,
        size=sides(*(str(details.get(key)).removesuffix("px") for key in ("width", "height"))),
        has_boxes=has_boxes,
        shares=True,
    )


def _edges(box: Mapping[str, Any], origin: Origin) -> Rectangle | Problem:
    label = box.get("label")
    if not isinstance(label, str):
        return wrong(codes.NO_CLASS, "a box has no label", origin)
    if "polygon" in box:
        return unusable_shape(label, "polygon", origin)
    return edged(label, (box.get(key) for key in _EDGES), origin)
