"""
Correct one label attribute of a Ground Truth manifest.

A multi-label attribute becomes one attribute per label, as in the developer guide ("Transforming a
multi-label SageMaker Ground Truth manifest file"), but with a supported ``type``: the script of the guide
copies an unsupported one. Numbers documented as integers become integers. Validation reports all other
problems.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from reconciler.convert.parsing.json_records import mapping_of
from reconciler.convert.pixels import number, sides, whole
from reconciler.convert.record import Rectangle, wrong
from reconciler.core.entries.entry import METADATA, Fields
from reconciler.core.validation import spec_codes as codes
from reconciler.core.validation.attribute import SHAPE_KEYS, Attribute, Type
from reconciler.core.validation.codes import Code
from reconciler.core.validation.problem import Origin, Problem, Severity

MULTI_LABEL: Final = "groundtruth/image-classification-multilabel"


def mended(
    attribute: Attribute, taken: Collection[str], origin: Origin, *, clip: bool
) -> tuple[Fields, Sequence[Problem]]:
    """
    Return the keys that replace an attribute, and the problems that validation cannot detect.

    Args:
        taken: All keys of the line.
        clip: Whether to clip boxes to their image.
    """
    metadata = attribute.metadata
    if isinstance(metadata, dict) and metadata.get("type") == MULTI_LABEL:
        return _one_each(attribute, taken, origin)
    value = attribute.value
    match attribute.type:
        case Type.IMAGE_LEVEL:
            value = _integer(value)
        case Type.BOXES if isinstance(value, dict):
            value = _boxes(value, origin, clip=clip)
    return {attribute.name: value, attribute.name + METADATA: metadata}, ()


def _one_each(
    attribute: Attribute, taken: Collection[str], origin: Origin
) -> tuple[Fields, Sequence[Problem]]:
    metadata = attribute.metadata
    names, shares = mapping_of(metadata.get("class-map")), mapping_of(metadata.get("confidence-map"))
    if not isinstance(attribute.value, list):
        message = f"“{attribute.name}” must be a list of class ids"
        return {}, [wrong(codes.BAD_RECORD, message, origin)]
    fields: Fields = {}
    problems: list[Problem] = []
    for index, class_id in enumerate(attribute.value):
        name, key = f"{attribute.name}{index}", str(class_id)
        if name in taken or name + METADATA in taken:
            message = (
                f"the label {index} of “{attribute.name}” would be called “{name}”, which is there already"
            )
            problems.append(wrong(codes.BAD_RECORD, message, origin))
        elif key not in names:
            message = f"class {key} is not in '{attribute.name}{METADATA}/class-map'"
            problems.append(Problem(Severity.ERROR, Code.MISSING_CLASS_MAP_ID, message, origin))
        else:
            fields[name] = index
            fields[name + METADATA] = dict(_metadata(metadata, names[key], shares.get(key)))
    return fields, problems


def _metadata(common: Mapping[str, Any], label: object, confidence: object) -> Iterator[tuple[str, object]]:
    """Return the metadata of one label in the order of the guide; validation reports missing keys."""
    stated = {**common, "confidence": confidence, "class-name": label, "type": Type.IMAGE_LEVEL.value}
    for key in ("confidence", "job-name", "class-name", "human-annotated", "creation-date", "type"):
        if stated.get(key) is not None:
            yield key, stated[key]


def _boxes(value: Mapping[str, Any], origin: Origin, *, clip: bool) -> Fields:
    sizes, boxes = value.get("image_size"), value.get("annotations")
    changed = dict(value)
    size: Sequence[int] | None = None
    if isinstance(sizes, list) and len(sizes) == 1 and isinstance(sizes[0], dict):
        changed["image_size"] = [{key: _integer(number) for key, number in sizes[0].items()}]
        size = sides(sizes[0].get("width"), sizes[0].get("height"))
    if isinstance(boxes, list):
        changed["annotations"] = [_box(box, origin, size, clip=clip) for box in boxes]
    return changed


def _box(box: object, origin: Origin, size: Sequence[int] | None, *, clip: bool) -> object:
    """Return the box in whole pixels, with its keys in order; unchanged if it is not a box."""
    if not isinstance(box, dict):
        return box
    match [number(box.get(key)) for key in SHAPE_KEYS]:
        case [Decimal() as left, Decimal() as top, Decimal() as width, Decimal() as height]:
            exact = Rectangle("", left, top, left + width, top + height, origin)
            rounded = whole(exact, size or (0, 0), clip=clip and size is not None)._asdict()
            shape = {key: rounded[key] for key in SHAPE_KEYS}
        case _:
            shape = {}
    return {**box, **shape} | ({"class_id": _integer(box["class_id"])} if "class_id" in box else {})


def _integer(value: Any) -> Any:
    """Return a whole number that is written as a float or in quotes as an integer; other values unchanged."""
    found = number(value)
    return int(found) if found is not None and found == found.to_integral_value() else value
