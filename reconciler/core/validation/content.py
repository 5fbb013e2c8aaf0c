"""
Rules for the content of label attributes with a valid schema: types, names, image sizes, boxes.

Each rule takes one attribute, or all attributes of a line, and yields problems. All boxes of an attribute
that are wrong in the same way share one problem.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain
from typing import Any, Final

from reconciler.core.entries.entry import METADATA
from reconciler.core.runtime import quotas
from reconciler.core.validation.attribute import (
    Attribute,
    Type,
    is_integer_text,
    numbers_of,
    places,
    shape_of,
)
from reconciler.core.validation.checked_line import error, quoted, warning
from reconciler.core.validation.codes import Code
from reconciler.core.validation.problem import Problem
from reconciler.core.validation.text import suspicious_label

Shape = tuple[float, float, float, float]
"""Left, top, width and height of a box."""

# Prefixes of attributes in files written by training and evaluation ("evaluation manifest snapshot").
TRAINING_OUTPUT: Final = (
    "rekognition-custom-labels-training-",
    "rekognition-custom-labels-evaluation-",
)


def types(attributes: Sequence[Attribute]) -> Iterator[Problem]:
    """Check that attribute types are supported; one more error if no attribute has a supported type."""
    strange = [attribute for attribute in attributes if attribute.type is None]
    for attribute in strange:
        stated = attribute.metadata["type"]
        text = f"'{attribute.name}{METADATA}/type' is {quoted(stated)}, which Custom Labels does not support"
        yield error(Code.UNSUPPORTED_TYPE, text)
    if len(strange) == len(attributes):
        yield error(Code.NO_VALID_LABEL_ATTRIBUTES, "no label attribute has a supported type")


def label_names(attribute: Attribute) -> Iterator[Problem]:
    """Check length and characters of all label names, whether or not a box uses them."""
    declared = attribute.class_map.values() if attribute.type is Type.BOXES else attribute.labels
    for name in dict.fromkeys(declared):
        if not 1 <= len(name) <= quotas.MAX_LABEL_CHARS:
            text = f"a label name of '{attribute.name}{METADATA}' is {len(name)} characters long"
            allowed = f"allowed are 1 to {quotas.MAX_LABEL_CHARS}"
            yield error(Code.INVALID_LABEL_NAME_LENGTH, f"{text}; {allowed}")
        yield from suspicious_label(name)


def image_size(attribute: Attribute) -> Iterator[Problem]:
    """Check the length of the image's sides, and its aspect ratio, which only training checks."""
    width, height = _frame(attribute)
    short, long = sorted((width, height))
    stated = f"'{attribute.name}/image_size' states {width} x {height} pixels"
    if short < quotas.MIN_IMAGE_SIDE or long > quotas.MAX_IMAGE_SIDE:
        allowed = f"{quotas.MIN_IMAGE_SIDE} to {quotas.MAX_IMAGE_SIDE}"
        yield error(Code.INVALID_IMAGE_DIMENSION, f"{stated}; a side may have {allowed}")
    if 0 < short * quotas.MAX_ASPECT_RATIO < long:
        allowed = f"longer than {quotas.MAX_ASPECT_RATIO} to 1"
        yield error(Code.INVALID_IMAGE, f"{stated}, which is {allowed}")


def boxes(attribute: Attribute) -> Iterator[Problem]:
    """Check the geometry of each box, at full size and at the size to which training scales the image."""
    width, height = _frame(attribute)
    shapes = [*map(shape_of, attribute.boxes)]
    off = _off(shapes, width, height)
    small = _small(shapes, 1)
    scale = min(1, quotas.TRAINING_SIDE / max(width, height, 1))
    shrunk = _small(shapes, scale) if scale < 1 else small
    if off:
        text = f"{places(attribute, off)} reaches beyond the image of {width} x {height} pixels"
        yield error(Code.INVALID_BOX, f"{text}, or is negative")
    if small:
        text = f"{places(attribute, small)} must be longer than one pixel on both sides"
        yield error(Code.BOX_TOO_SMALL, text)
    if only_shrunk := sorted(set(shrunk) - set(small)):
        text = f"{places(attribute, only_shrunk)} will not be longer than one pixel on both sides"
        limit = f"once training has scaled the image to {quotas.TRAINING_SIDE} pixels"
        yield warning(Code.BOX_TOO_SMALL, f"{text} {limit}")
    if attribute.boxes and len({*off, *small}) == len(attribute.boxes):
        text = f"no box of '{attribute.name}' is valid"
        yield error(Code.NO_VALID_ANNOTATIONS, text)


def box_count(attributes: Sequence[Attribute]) -> Iterator[Problem]:
    """Check ERROR_TOO_MANY_BOUNDING_BOXES over all attributes of the image."""
    count = sum(len(attribute.boxes) for attribute in attributes)
    if count > quotas.MAX_BOXES_PER_IMAGE:
        text = f"{count} bounding boxes; at most {quotas.MAX_BOXES_PER_IMAGE} are allowed on an image"
        yield error(Code.TOO_MANY_BOXES, text)


def label_count(attributes: Sequence[Attribute]) -> Iterator[Problem]:
    if sum(len(attribute.boxes) or 1 for attribute in attributes) <= quotas.MAX_LABELS_PER_IMAGE:
        return  # nearly always, and each has one label at the most
    count = len({label for attribute in attributes for label in attribute.labels})
    if count > quotas.MAX_LABELS_PER_IMAGE:
        text = f"{count} labels; at most {quotas.MAX_LABELS_PER_IMAGE} are allowed on an image"
        yield error(Code.TOO_MANY_LABELS_ON_IMAGE, text)


def empty_annotations(attributes: Sequence[Attribute]) -> Iterator[Problem]:
    """Warn of attributes that a person annotated without drawing a box; empty machine results are normal."""
    empty = [
        attribute.name
        for attribute in attributes
        if attribute.type is Type.BOXES
        and not attribute.boxes
        and attribute.metadata["human-annotated"] == "yes"
    ]
    if empty:
        yield from no_boxes(empty, no_label=not any(attribute.labels for attribute in attributes))


def no_boxes(names: Sequence[str], *, no_label: bool) -> Iterator[Problem]:
    """Warn of attributes without a box; also warn of the line if they leave it without any label."""
    for name in names:
        yield warning(Code.NO_ATTRIBUTE_ANNOTATIONS, f"'{name}' holds no bounding box")
    if names and no_label:
        yield warning(Code.NO_ANNOTATIONS, "no label attribute of the line holds a bounding box")


def adjusted_twice(attributes: Sequence[Attribute]) -> Iterator[Problem]:
    """Warn of boxes that count twice: an adjustment job keeps the attribute that it adjusted."""
    drawn = [attribute for attribute in attributes if attribute.type is Type.BOXES]
    adjusted = [item.name for item in drawn if "adjustment-status" in item.metadata]
    yield from counted_twice([attribute.name for attribute in drawn], adjusted)


def counted_twice(drawn: Sequence[str], adjusted: Sequence[str]) -> Iterator[Problem]:
    """Warn of several attributes with boxes of which some are adjustments."""
    if adjusted and len(drawn) > 1:
        names = ", ".join(f"'{name}'" for name in drawn)
        text = f"{names} all count, and '{adjusted[-1]}' is an adjustment of another: keep one"
        yield warning(Code.ADJUSTED_TWICE, text)


def training_output(attributes: Sequence[Attribute]) -> Iterator[Problem]:
    if names := [item.name for item in attributes if item.name.startswith(TRAINING_OUTPUT)]:
        text = f"'{names[0]}' was written by training or evaluation: not a person's label"
        yield warning(Code.TRAINING_OUTPUT, text)


def number_style(attribute: Attribute) -> Iterator[Problem]:
    """Warn of integers written as floats or in quotes."""
    if is_integer_text(attribute.value):
        yield string_value(attribute.name, attribute.value)
    yield from floats(attribute.name, list(map(type, _integers(attribute))).count(float))


def string_value(name: str, value: str) -> Problem:
    """Return the warning that the value of an attribute is an integer in quotes."""
    text = f"'{name}' is {quoted(value)}, a string; the guide asks for an integer"
    return warning(Code.STRING_LABEL_VALUE, text)


def floats(name: str, count: int) -> Iterator[Problem]:
    """Warn of the floats in an attribute, unless *count* is 0."""
    if count:
        text = f"{count} numbers of '{name}' are floats; the guide asks for integers"
        yield warning(Code.FLOAT_NUMBERS, text)


def creation_date(attribute: Attribute) -> Iterator[Problem]:
    yield from odd_date(attribute.name, attribute.metadata["creation-date"])


def odd_date(name: str, stated: str) -> Iterator[Problem]:
    """Warn of an attribute's creation date if it is not an ISO 8601 date."""
    try:
        datetime.fromisoformat(stated.upper())  # RFC 3339 allows "t" and "z"
    except ValueError:
        text = f"'{name}{METADATA}/creation-date' is {quoted(stated)}, not an ISO 8601 date"
        yield warning(Code.CREATION_DATE, text)


def extra_keys(names: Sequence[str]) -> Iterator[Problem]:
    """Warn of keys that may be labels without metadata, if there are any."""
    if names:
        keys = ", ".join(f"'{name}'" for name in names[:5])
        yield warning(Code.EXTRA_KEY, f"no label attribute: {keys}; kept, and sent")


SERVICE_KEYS: Final = warning(
    Code.SERVICE_KEYS, "the line carries keys that the service writes by itself; they are never sent"
)

LINE_RULES: Final = (
    types,
    box_count,
    label_count,
    empty_annotations,
    adjusted_twice,
    training_output,
)
ATTRIBUTE_RULES: Final = (label_names, number_style, creation_date)
BOX_RULES: Final = (image_size, boxes)


def _frame(attribute: Attribute) -> tuple[float, float]:
    (size,) = attribute.value["image_size"]
    return size["width"], size["height"]


def _off(shapes: Iterable[Shape], width: float, height: float) -> list[int]:
    return [
        index
        for index, (left, top, wide, high) in enumerate(shapes)
        if left < 0 or top < 0 or wide < 0 or high < 0 or left + wide > width or top + high > height
    ]


def _small(shapes: Iterable[Shape], scale: float) -> list[int]:
    return [
        index
        for index, (_, _, wide, high) in enumerate(shapes)
        if 0 <= wide * scale <= 1 or 0 <= high * scale <= 1
    ]


def _integers(attribute: Attribute) -> list[Any]:
    """Return all numbers that are documented as integers."""
    if attribute.type is Type.IMAGE_LEVEL:
        return [attribute.value]
    (size,) = attribute.value["image_size"]
    of_boxes = chain.from_iterable(map(numbers_of, attribute.boxes))
    return [size["width"], size["height"], size["depth"], *of_boxes]
