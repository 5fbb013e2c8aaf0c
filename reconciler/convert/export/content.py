"""
What a line says in the terms of label formats, and what it says besides.

The terms are those in which `convert` writes a line: the boxes of an image, the labels of the whole image, its
size and one date. A line of which nothing is left over is equal to the one that `core.spec.labelling` makes of
its content.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec import Struct

from reconciler.convert.export.losses import LossKind, Lost
from reconciler.core.entries.entry import DETECTION, METADATA, SOURCE_REF, Fields
from reconciler.core.spec.labelling import BOXES, attribute_name

_BOX_KEYS: Final = frozenset({"class_id", "left", "top", "width", "height"})
_VALUE_KEYS: Final = frozenset({"image_size", "annotations"})
_SIZE_KEYS: Final = frozenset({"width", "height", "depth"})
_SHARED: Final = frozenset({"type", "human-annotated", "creation-date", "job-name"})
_OF_BOXES: Final = _SHARED | {"objects", "class-map"}
_OF_LABEL: Final = _SHARED | {"confidence", "class-name"}
_KEYS_OF_A_BOX: Final = len(_BOX_KEYS)
_SURE: Final[Mapping[str, Any]] = {"confidence": 1}


class ExportedBox(Struct, frozen=True, gc=False):
    """A labelled rectangle, in pixels from the upper left corner, with the numbers of the line."""

    label: str
    left: float
    top: float
    width: float
    height: float
    confidence: float
    attribute: str

    @property
    def right(self) -> float:
        return self.left + self.width

    @property
    def bottom(self) -> float:
        return self.top + self.height


class Label(Struct, frozen=True, gc=False):
    """A label of the whole image."""

    label: str
    confidence: float
    attribute: str


class ImageLabels(Struct, frozen=True):
    """
    The labels of one image.

    Attributes:
        boxes: Of all attributes, in the order of the line; empty if the image was annotated and has none; None
            if it was not annotated with boxes.
        labels: Labels of the whole image, in the order of the line.
        size: Width, height and colour depth; None without boxes.
        created_at: The first creation date of the line; None without labels.
        lost: What the line says besides.
    """

    boxes: list[ExportedBox] | None
    labels: list[Label]
    size: tuple[int, int, int] | None
    created_at: str | None
    lost: list[Lost]


def content_of(fields: Fields) -> ImageLabels:
    """Return the content of a line that validation accepts, without keys of the service."""
    boxes: list[ExportedBox] | None = None
    labels: list[Label] = []
    size: tuple[int, int, int] | None = None
    dates: list[str] = []
    lost: list[Lost] = []
    for name, value in fields.items():
        if name == SOURCE_REF or _is_metadata(name, fields):
            continue
        metadata = fields.get(name + METADATA)
        if metadata is None:
            lost.append(Lost(LossKind.FIELD, name))
            continue
        dates.append(metadata["creation-date"])
        if metadata["type"] == DETECTION:
            found = _boxes(name, value, metadata, lost)
            boxes = found if boxes is None else boxes + found
            size = _size(name, value, size, lost)
            _add_common(name, metadata, _OF_BOXES, lost)
        else:
            labels.append(_label(name, value, metadata, lost))
            _add_common(name, metadata, _OF_LABEL, lost)
    lost += [Lost(LossKind.DATES, date) for date in dates[1:] if date != dates[0]]
    return ImageLabels(boxes, labels, size, dates[0] if dates else None, lost)


def _is_metadata(name: str, fields: Fields) -> bool:
    """Return whether a key is the second of a pair, as validation pairs them."""
    if not name.endswith(METADATA):
        return False
    first = name.removesuffix(METADATA)
    return first in fields and first != SOURCE_REF and not _is_metadata(first, fields)


def _boxes(name: str, value: Fields, metadata: Fields, lost: list[Lost]) -> list[ExportedBox]:
    annotations, objects, names = value.get("annotations", []), metadata["objects"], metadata["class-map"]
    ids: dict[str, int] = {}
    boxes: list[ExportedBox] = []
    are_ids_usual = True
    for box, given in zip(annotations, objects, strict=False):
        number = box["class_id"]
        label = names[str(number if type(number) is int else int(number))]
        if ids.setdefault(label, len(ids)) != number:
            are_ids_usual = False
        if len(box) != _KEYS_OF_A_BOX:
            lost += _other(f"{name}/annotations", box, _BOX_KEYS)
        if given != _SURE:
            lost += _of_object(name, given)
        left, top, width, height = box["left"], box["top"], box["width"], box["height"]
        if not type(left) is type(top) is type(width) is type(height) is int:
            lost += _fraction(name, left, top, width, height)
        boxes.append(ExportedBox(label, left, top, width, height, given["confidence"], name))
    if not are_ids_usual or len(ids) != len(names):
        lost.append(Lost(LossKind.CLASS_ID, name))
    if len(objects) > len(annotations):
        lost.append(Lost(LossKind.FIELD, f"{name}{METADATA}/objects without a box"))
    _add_around_boxes(name, value, lost)
    return boxes


def _add_around_boxes(name: str, value: Fields, lost: list[Lost]) -> None:
    if name != BOXES:
        lost.append(Lost(LossKind.ATTRIBUTE, name))
    if value.keys() != _VALUE_KEYS:
        lost += _other(name, value, _VALUE_KEYS)
        if "annotations" not in value:
            lost.append(Lost(LossKind.FIELD, f"{name}/annotations is absent"))


def _fraction(name: str, *edges: float) -> list[Lost]:
    return [] if all(float(edge).is_integer() for edge in edges) else [Lost(LossKind.FRACTION, name)]


def _of_object(name: str, given: Fields) -> Iterator[Lost]:
    if given["confidence"] != 1:
        yield Lost(LossKind.CONFIDENCE, name)
    yield from _other(f"{name}{METADATA}/objects", given, _SURE.keys())


def _size(
    name: str, value: Fields, known: tuple[int, int, int] | None, lost: list[Lost]
) -> tuple[int, int, int]:
    (stated,) = value["image_size"]
    if len(stated) != len(_SIZE_KEYS):
        lost += _other(f"{name}/image_size", stated, _SIZE_KEYS)
    size = int(stated["width"]), int(stated["height"]), int(stated["depth"])
    if known is not None and known != size:
        lost.append(Lost(LossKind.FIELD, f"{name}/image_size differs"))
    return known or size


def _label(name: str, value: object, metadata: Fields, lost: list[Lost]) -> Label:
    label, confidence = metadata["class-name"], metadata["confidence"]
    if name != attribute_name(label):
        lost.append(Lost(LossKind.ATTRIBUTE, name))
    if value != 1:
        lost.append(Lost(LossKind.CLASS_ID, name))
    if confidence != 1:
        lost.append(Lost(LossKind.CONFIDENCE, name))
    return Label(label, confidence, name)


def _add_common(name: str, metadata: Fields, keys: frozenset[str], lost: list[Lost]) -> None:
    if metadata["human-annotated"] != "yes":
        lost.append(Lost(LossKind.ANNOTATOR, name))
    if metadata.get("job-name") != f"labeling-job/{name}":
        lost.append(Lost(LossKind.JOB, metadata.get("job-name", "none")))
    if metadata.keys() != keys:
        lost += _other(name + METADATA, metadata, keys)


def _other(place: str, found: Mapping[str, Any], known: Any) -> Iterator[Lost]:
    for key in found:
        if key not in known:
            yield Lost(LossKind.FIELD, f"{place}/{key}")


def add_labels(fields: Fields, of_boxes: set[str], of_images: set[str]) -> None:
    """Add the labels of a line to those that are known already."""
    for name, metadata in fields.items():
        if type(metadata) is not dict:
            continue
        if "class-name" in metadata:
            of_images.add(metadata["class-name"])
        elif "class-map" in metadata:
            names = metadata["class-map"]
            if not of_boxes.issuperset(names.values()):  # a class map may name more than it needs
                boxes = fields[name.removesuffix(METADATA)].get("annotations", [])
                of_boxes.update(names[str(int(box["class_id"]))] for box in boxes)
