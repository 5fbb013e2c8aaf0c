"""The part of an entry that training uses: its labels, its boxes and the stated size of its image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from operator import itemgetter
from typing import Any, Final, NamedTuple, TypeGuard

from reconciler.core.entries.entry import CLASSIFICATION, DETECTION, METADATA, Fields

_NUMBERS: Final = frozenset({int, float})
_places: Final = itemgetter("class_id", "left", "top", "width", "height")


class TrainingBox(NamedTuple):
    """A labelled rectangle, in pixels of the stored image."""

    label: str
    left: float
    top: float
    width: float
    height: float


class Meaning(NamedTuple):
    """
    The part of an entry that a model learns from.

    Attributes:
        labels: Image-level labels, sorted, each once.
        boxes: Sorted; duplicates are kept.
        sizes: Width and height of the image as each detection attribute states them, sorted, each once.
    """

    labels: tuple[str, ...]
    boxes: tuple[TrainingBox, ...]
    sizes: tuple[tuple[float, float], ...]

    @property
    def box_labels(self) -> list[str]:
        """The label of each box, sorted."""
        return [box.label for box in self.boxes]


def meaning(fields: Mapping[str, Any]) -> Meaning:
    """
    Extract what training uses. Attribute names, confidences, dates and job names do not matter.

    Never raises: malformed parts are skipped, as training skips them.
    """
    labels: set[str] = set()
    boxes: list[TrainingBox] = []
    sizes: set[tuple[float, float]] = set()
    for _, value, metadata in attributes(fields):
        kind = metadata.get("type")
        if kind == CLASSIFICATION and isinstance(name := metadata.get("class-name"), str):
            labels.add(name)
        elif kind == DETECTION and isinstance(value, dict):
            boxes.extend(_boxes(value, metadata))
            sizes.update(_sizes(value))
    return Meaning(tuple(sorted(labels)), tuple(sorted(boxes)), tuple(sorted(sizes)))


def attributes(fields: Mapping[str, Any]) -> Iterator[tuple[str, Any, Fields]]:
    """Yield each attribute of a line that has metadata: its name, its value and the metadata."""
    for name, value in fields.items():
        metadata = fields.get(name + METADATA)
        if isinstance(metadata, dict):
            yield name, value, metadata


def _boxes(value: Mapping[str, Any], metadata: Mapping[str, Any]) -> Iterator[TrainingBox]:
    class_map = metadata.get("class-map")
    names: Mapping[str, Any] = class_map if isinstance(class_map, dict) else {}
    for box in _objects(value.get("annotations")):
        try:
            class_id, *edges = _places(box)
        except KeyError:
            continue
        label = names.get(str(class_id) if type(class_id) is int else _class_key(class_id))
        if isinstance(label, str) and _NUMBERS.issuperset(map(type, edges)):
            yield TrainingBox._make((label, *edges))


def _sizes(value: Mapping[str, Any]) -> Iterator[tuple[float, float]]:
    for size in _objects(value.get("image_size")):
        width, height = size.get("width"), size.get("height")
        if _is_number(width) and _is_number(height):
            yield width, height


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _class_key(class_id: object) -> str:
    """Return the class-map key of a class number, which may be written as 1 or as 1.0."""
    return str(int(class_id) if isinstance(class_id, float) and class_id.is_integer() else class_id)


def _is_number(value: object) -> TypeGuard[float]:
    return type(value) in _NUMBERS
