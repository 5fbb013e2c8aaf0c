"""
Schema rules for one label attribute: the pair ``<name>`` and ``<name>-metadata``.

These rules run first and assume nothing about their input. If one of them finds an error, neither AWS ("JSON
line error precedence") nor this package checks the line further, so the rules in `content` may assume a valid
schema.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain
from operator import itemgetter
from typing import Any, Final, NamedTuple

from reconciler.core.entries.entry import CLASSIFICATION, DETECTION, METADATA
from reconciler.core.validation.checked_line import error, quoted
from reconciler.core.validation.codes import Code
from reconciler.core.validation.problem import Problem

SHAPE_KEYS: Final = ("left", "top", "width", "height")
shape_of: Final = itemgetter(*SHAPE_KEYS)
numbers_of: Final = itemgetter("class_id", *SHAPE_KEYS)


class Type(StrEnum):
    """The values of ``type`` that Custom Labels supports."""

    IMAGE_LEVEL = CLASSIFICATION
    BOXES = DETECTION


_TYPES: Final = {known.value: known for known in Type}


@dataclass(frozen=True, slots=True)
class Attribute:
    """
    One label attribute as its author wrote it, not validated.

    Attributes:
        type: The type that the metadata states; None if it is missing or unknown.
        bad_boxes: The indices of boxes that lack a number, or have none there.
    """

    name: str
    value: Any
    metadata: Any
    type: Type | None = field(init=False)
    boxes: Sequence[Any] = field(init=False)
    bad_boxes: Sequence[int] = field(init=False)

    def __post_init__(self) -> None:
        stated = self.metadata.get("type") if isinstance(self.metadata, dict) else None
        boxes = self.value.get("annotations") if isinstance(self.value, dict) else None
        object.__setattr__(self, "type", _TYPES.get(stated) if isinstance(stated, str) else None)
        object.__setattr__(self, "boxes", boxes if isinstance(boxes, list) else ())
        object.__setattr__(self, "bad_boxes", _bad_boxes(self.boxes))

    @property
    def class_map(self) -> Mapping[str, Any]:
        names = self.metadata.get("class-map") if isinstance(self.metadata, dict) else None
        return names if isinstance(names, dict) else {}

    @property
    def labels(self) -> list[str]:
        """The labels that the attribute puts on the image. Requires a valid schema."""
        match self.type:
            case Type.IMAGE_LEVEL:
                return [self.metadata["class-name"]]
            case Type.BOXES:
                names = self.class_map
                return [names[str(int(box["class_id"]))] for box in self.boxes]
            case None:
                return []


def value_format(attribute: Attribute) -> Iterator[Problem]:
    """Check ERROR_INVALID_LABEL_ATTRIBUTE_FORMAT: the value has the shape that its type requires."""
    match attribute.type:
        case Type.IMAGE_LEVEL:
            if not (is_integer(attribute.value) or is_integer_text(attribute.value)):
                yield _bad_value(f"'{attribute.name}' must be an integer", attribute.value)
        case Type.BOXES if not isinstance(attribute.value, dict):
            yield _bad_value(f"'{attribute.name}' must be an object", attribute.value)
        case Type.BOXES:
            yield from _image_size_format(attribute)
            yield from _annotations_format(attribute)


def metadata_format(attribute: Attribute) -> Iterator[Problem]:
    """Check ERROR_INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT: required keys are present, values are valid."""
    where, metadata = attribute.name + METADATA, attribute.metadata
    if not isinstance(metadata, dict):
        yield _bad_metadata(f"'{where}' must be an object, not {quoted(metadata)}")
        return
    for key, wanted in _SCHEMAS[attribute.type].items():
        if key in metadata and not wanted.fits(metadata[key]):
            yield _bad_metadata(f"'{where}/{key}' must be {wanted.text}, not {quoted(metadata[key])}")
        elif key not in metadata and wanted.required:
            yield _bad_metadata(f"'{where}' lacks '{key}', {wanted.text}")


def confidences(attribute: Attribute) -> Iterator[Problem]:
    """Check ERROR_MISSING_BOUNDING_BOX_CONFIDENCE: one confidence for each box, aligned by index."""
    if attribute.type is not Type.BOXES:
        return
    where, objects = attribute.name + METADATA + "/objects", attribute.metadata.get("objects", [])
    if not _is_objects(objects):
        yield _bad_metadata(f"'{where}' must be an array of objects with a confidence from 0 to 1")
        return
    given = [item.get("confidence") is not None for item in objects]
    present = sum(given[: len(attribute.boxes)])
    if present < len(attribute.boxes):
        text = f"'{where}' must hold a confidence for each box: {len(attribute.boxes)}, not {present}"
        yield error(Code.MISSING_BOX_CONFIDENCE, text)
    elif "objects" not in attribute.metadata:
        yield _bad_metadata(f"'{attribute.name}{METADATA}' lacks 'objects', an array")


def class_ids(attribute: Attribute) -> Iterator[Problem]:
    """Check ERROR_MISSING_CLASS_MAP_ID: each class_id, written as a string, is a key of class-map."""
    if attribute.type is not Type.BOXES or not _is_class_map(attribute.metadata.get("class-map")):
        return
    bad = frozenset(attribute.bad_boxes)
    sound = [box for index, box in enumerate(attribute.boxes) if index not in bad]
    used = dict.fromkeys([str(int(box["class_id"])) for box in sound])
    names = attribute.class_map
    if missing := [number for number in used if number not in names]:
        text = f"class_id {', '.join(missing[:5])} is not in '{attribute.name}{METADATA}/class-map'"
        yield error(Code.MISSING_CLASS_MAP_ID, text)


SCHEMA_RULES: Final = (value_format, metadata_format, confidences, class_ids)


def is_number(value: object) -> bool:
    """Return whether a value of JSON is a number within the range of floats."""
    kind = type(value)
    return kind is int or (kind is float and math.isfinite(value))  # type: ignore[arg-type]


def is_integer(value: object) -> bool:
    """Return whether *value* is a whole number, written as an integer or as a float."""
    return type(value) is int or (is_number(value) and value == int(value))  # type: ignore[call-overload]


def is_integer_text(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch("-?[0-9]+", value) is not None


def places(attribute: Attribute, indices: Sequence[int]) -> str:
    """List boxes by their path, at most three of them."""
    named = ", ".join(f"{attribute.name}/annotations/{index}" for index in indices[:3])
    return named if len(indices) <= 3 else f"{named} and {len(indices) - 3} more"


class _Field(NamedTuple):
    fits: Callable[[Any], bool]
    text: str
    required: bool = True


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_share(value: object) -> bool:
    return is_number(value) and 0 <= value <= 1  # type: ignore[operator]


def _is_class_map(value: object) -> bool:
    return isinstance(value, dict) and set(map(type, value.values())) <= {str}


def _is_objects(value: object) -> bool:
    if not isinstance(value, list) or not set(map(type, value)) <= {dict}:
        return False
    return all(given is None or _is_share(given) for given in [item.get("confidence") for item in value])


_UNTYPED: Final = {"type": _Field(_is_text, "a string")}
_SHARED: Final = _UNTYPED | {
    "human-annotated": _Field(lambda value: value in ("yes", "no"), "'yes' or 'no'"),
    "creation-date": _Field(_is_text, "a string"),
    "job-name": _Field(_is_text, "a string", required=False),
}
_SCHEMAS: Final[Mapping[Type | None, Mapping[str, _Field]]] = {
    None: _UNTYPED,
    Type.IMAGE_LEVEL: _SHARED
    | {
        "class-name": _Field(_is_text, "a string"),
        "confidence": _Field(_is_share, "a number from 0 to 1"),
    },
    Type.BOXES: _SHARED | {"class-map": _Field(_is_class_map, "an object whose values are label names")},
}


def _image_size_format(attribute: Attribute) -> Iterator[Problem]:
    where, sizes = f"{attribute.name}/image_size", attribute.value.get("image_size")
    if not (isinstance(sizes, list) and len(sizes) == 1 and isinstance(sizes[0], dict)):
        yield _bad_value(f"'{where}' must be an array of exactly one object", sizes)
        return
    for key in ("width", "height", "depth"):
        if not is_integer(sizes[0].get(key)):
            yield _bad_value(f"'{where}/0/{key}' must be an integer", sizes[0].get(key))


def _annotations_format(attribute: Attribute) -> Iterator[Problem]:
    """Check the annotations, if any; a separate rule warns of absent ones."""
    boxes = attribute.value.get("annotations", [])
    if not isinstance(boxes, list):
        yield _bad_value(f"'{attribute.name}/annotations' must be an array", boxes)
        return
    if bad := attribute.bad_boxes:
        text = "must have an integer class_id and numbers left, top, width and height"
        yield _bad_value(f"{places(attribute, bad)} {text}", boxes[bad[0]])


def _bad_boxes(boxes: Sequence[Any]) -> Sequence[int]:
    # Nearly all boxes hold only integers, and asking that of all at once costs a fifth.
    try:
        if {int}.issuperset(map(type, chain.from_iterable(map(numbers_of, boxes)))):
            return ()
    except (LookupError, TypeError):
        pass
    return [index for index, box in enumerate(boxes) if not _is_box(box)]


def _is_box(box: Any) -> bool:
    try:
        class_id, *shape = numbers_of(box)
    except (LookupError, TypeError):
        return False
    return isinstance(box, dict) and is_integer(class_id) and all(map(is_number, shape))


def _bad_value(text: str, found: object) -> Problem:
    return error(Code.INVALID_ATTRIBUTE_FORMAT, f"{text}, not {quoted(found)}")


def _bad_metadata(text: str) -> Problem:
    return error(Code.INVALID_METADATA_FORMAT, text)
