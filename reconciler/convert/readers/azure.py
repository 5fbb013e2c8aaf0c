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

from reconciler.convert.parsing.json_records import Record, elements, list_of, mapping_of, records
from reconciler.convert.parsing.shapes import cornered, edged, unusable
from reconciler.convert.pixels import side
from reconciler.convert.record import LabelledImage, Options, Read, Rectangle, display, text_of, wrong
from reconciler.core.validation import spec_codes as codes
from reconciler.core.validation.problem import Origin, Problem

_SIDES: Final = ("left", "top", "width", "height")
_EDGES: Final = ("topX", "topY", "bottomX", "bottomY")
_DATASTORE: Final = re.compile(r"(?:AmlDatastore://[^/]+/|azureml://.*?/paths/)", re.IGNORECASE)


def read_azure(path: Path, _: Options) -> Iterator[Read]:
    """Read one file."""
    text, name = text_of(path), display(path)
    found = list(elements(text, name))
    if (
        len(found) == 1
        and isinstance(found[0].value, dict)
        and isinstance(found[0].value.get("images"), list)
    ):
        found = [
            record for record in records(text, name) if record.number is not None and record.key == "images"
        ]
    for record in found:
        value = record.value if isinstance(record.value, dict) else {}
        yield (
            _of_machine_learning(value, record) if "image_url" in value else _of_custom_vision(value, record)
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
    labels = tuple(str(tag["tagName"]) for tag in tags if "tagName" in tag)
    size = side(value.get("width")), side(value.get("height"))
    return _image(name, record.origin, found or None, () if regions else labels, size)


def _of_machine_learning(value: Mapping[str, Any], record: Record) -> Read:
    """Read a line with ``image_url`` and ``label``: boxes, one label, or a list of them."""
    name, label = value["image_url"], value.get("label")
    if not isinstance(name, str) or not isinstance(label, str | list):
        return wrong(codes.BAD_RECORD, "image_url must be text, and label text or a list", record.origin)
    labels = [label] if isinstance(label, str) else [item for item in label if isinstance(item, str)]
    boxes = [mapping_of(item) for item in label if not isinstance(item, str)]
    details = mapping_of(value.get("image_details"))
    size = [side(str(details.get(key)).removesuffix("px")) for key in ("width", "height")]
    found = [_edges(box, record.origin) for box in boxes]
    has_boxes = isinstance(label, list) and not labels
    return _image(
        _DATASTORE.sub("", name),
        record.origin,
        found if has_boxes else None,
        tuple(labels),
        (size[0], size[1]),
    )


def _edges(box: Mapping[str, Any], origin: Origin) -> Rectangle | Problem:
    label = box.get("label")
    if not isinstance(label, str):
        return wrong(codes.NO_CLASS, "a box has no label", origin)
    if "polygon" in box:
        return unusable(label, "polygon", origin)
    return edged(label, (box.get(key) for key in _EDGES), origin)


def _image(
    name: str,
    origin: Origin,
    found: list[Rectangle | Problem] | None,
    labels: tuple[str, ...],
    size: tuple[int | None, int | None],
) -> LabelledImage:
    width, height = size
    return LabelledImage(
        name,
        origin,
        labels=labels,
        boxes=tuple(item for item in found or () if isinstance(item, Rectangle))
        if found is not None
        else None,
        size=(width, height) if width and height else None,
        problems=tuple(item for item in found or () if isinstance(item, Problem)),
        shares=True,
    )
