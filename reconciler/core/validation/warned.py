"""
A fast path for lines with the warnings that often all lines of a dataset have, as a tool wrote them.

Numbers are floats or in quotes, dates have another form, boxes were adjusted, fields are no labels, the line was
copied from a listing, or several of these. The line is decoded as in `fast`, to structures that allow for that,
and its labels are checked there. Any other oddity is left to the rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any, Final

from msgspec import UNSET, Meta, Struct
from msgspec.json import Decoder

from reconciler.core.entries.entry import ERROR_LISTS, METADATA, SERVICE_OBJECT, SOURCE_REF
from reconciler.core.runtime import quotas
from reconciler.core.validation.attribute import is_integer_text
from reconciler.core.validation.checked_line import CheckedLine, kind_of
from reconciler.core.validation.content import (
    SERVICE_KEYS,
    TRAINING_OUTPUT,
    counted_twice,
    extra_keys,
    floats,
    no_boxes,
    odd_date,
    string_value,
)
from reconciler.core.validation.fast import (
    DOUBTS,
    DoubtError,
    Part,
    are_few,
    check_boxes,
    check_image_level,
    is_exact,
    is_ordinary,
    is_punctuated,
    metadata_key,
    renamed,
)
from reconciler.core.validation.problem import Problem
from reconciler.core.validation.text import is_plain, unlikely_image

_IN_IMAGE: Final = Meta(ge=0, le=quotas.MAX_IMAGE_SIDE)
_SIDE: Final = Meta(ge=quotas.MIN_IMAGE_SIDE, le=quotas.MAX_IMAGE_SIDE)
_WHOLE: Final = Meta(multiple_of=1)

_CLASS: Final = Meta(ge=0, le=999)
_LARGE: Final = Meta(ge=-(2**31), le=2**31)

_Side = Annotated[int, _SIDE] | Annotated[float, _SIDE, _WHOLE]
_Length = Annotated[int, _IN_IMAGE] | Annotated[float, _IN_IMAGE]
_Number = Annotated[int, _LARGE] | Annotated[float, _LARGE]


class _Size(Struct, gc=False):
    width: _Side
    height: _Side
    depth: Annotated[int, _LARGE] | Annotated[float, _LARGE, _WHOLE]


class _Annotation(Struct, gc=False):
    class_id: Annotated[int, _CLASS] | Annotated[float, _CLASS, _WHOLE]
    left: _Length
    top: _Length
    width: _Length
    height: _Length


class _Part(Part, rename=renamed):
    image_size: Annotated[list[_Size], Meta(min_length=1, max_length=1)] | None = None  # type: ignore[assignment]
    annotations: Annotated[list[_Annotation], Meta(max_length=quotas.MAX_BOXES_PER_IMAGE)] | None = None  # type: ignore[assignment]
    creation_date: str | None = None  # type: ignore[assignment]
    is_labeled: bool | None = None  # type: ignore[assignment]  # of `SERVICE_OBJECT`: elsewhere an unknown key


_parse: Final = Decoder(dict[str, str | bool | _Number | _Part | list[Any] | None]).decode


def check_warned(raw: bytes) -> CheckedLine | None:
    """Check a line with no problems but such warnings and those that `check_clean` knows; else return None."""
    try:
        return _check(raw)
    except DOUBTS:
        return None


Names = tuple[str, ...]


class _Found(Struct):
    """
    What was found in the fields of a line so far.

    Attributes:
        commas: Those that the line has, if no key is repeated or unknown.
        drawn, level: The attributes with boxes, and with a label of the image.
        adjusted: Those with boxes that are an adjustment.
        empty: Those with boxes that a person annotated without any.
        metadata: How many fields are metadata.
        extra: Other fields than labels and texts.
        is_nested: Whether one of those is a list or an object.
        styles: The warnings of attributes.
    """

    commas: int
    labels: dict[str, None] = {}
    drawn: list[str] = []
    level: list[str] = []
    adjusted: list[str] = []
    empty: list[str] = []
    metadata: int = 0
    extra: list[str] = []
    is_nested: bool = False
    styles: list[Problem] = []


def _check(raw: bytes) -> CheckedLine:
    fields = _parse(raw)
    ref = fields.pop(SOURCE_REF)
    found = _Found(len(fields))
    listed = SERVICE_OBJECT in fields
    if listed and getattr(fields.pop(SERVICE_OBJECT), "is_labeled", None) is None:
        raise DoubtError
    for name, value in fields.items():
        _check_field(name, value, fields, found)
    drawn, level = found.drawn, found.level
    if (
        type(ref) is not str
        or not (drawn or level)
        or found.metadata != len(drawn) + len(level)
        or ((is_odd := not is_ordinary(ref)) and not is_plain(ref))
        or (raw.count(b",") != found.commas and not is_punctuated(raw, found.commas + ref.count(","), fields))
        or (found.is_nested and not is_exact(raw))
        or (len(drawn) > 1 and not are_few(fields))
        or len(raw) > quotas.MAX_LINE_CHARS
        or len(found.labels) > quotas.MAX_LABELS_PER_IMAGE
    ):
        raise DoubtError
    of_image = unlikely_image(ref) if is_odd else ()
    of_service = (SERVICE_KEYS,) if listed else ()
    of_line: tuple[Problem, ...] = ()
    if found.extra or found.empty or found.adjusted:
        names = map(tuple, (found.extra, found.empty, drawn, found.adjusted))
        of_line = _of_line(*names, no_label=not found.labels)
    kinds = kind_of(image_level=bool(level), boxes=bool(drawn))
    return CheckedLine(ref, tuple(found.labels), kinds, (*of_image, *of_service, *of_line, *found.styles))


@lru_cache(maxsize=1024)
def _of_line(
    extra: Names, empty: Names, drawn: Names, adjusted: Names, *, no_label: bool
) -> tuple[Problem, ...]:
    return *extra_keys(extra), *no_boxes(empty, no_label=no_label), *counted_twice(drawn, adjusted)


def _check_field(name: str, value: object, fields: Mapping[str, object], found: _Found) -> None:
    if name.endswith(METADATA):
        found.metadata += 1
        if type(value) is not _Part:
            raise DoubtError
    elif type(metadata := fields.get(name + METADATA)) is _Part:
        metadata_key(name)
        _check_attribute(name, value, metadata, found)
    elif type(value) is not str:
        found.extra.append(name)
        found.is_nested = found.is_nested or type(value) in (_Part, list)
        if name in ERROR_LISTS or name.startswith(TRAINING_OUTPUT):
            raise DoubtError


def _check_attribute(name: str, value: object, metadata: _Part, found: _Found) -> None:
    if type(value) is _Part:
        found.drawn.append(name)
        found.styles += _of_floats(name, _whole_class_ids(value))
        found.commas += check_boxes(value, metadata, found.labels)
        if not value.annotations and metadata.human_annotated == "yes":
            found.empty.append(name)
        if metadata.adjustment_status is not UNSET:
            found.adjusted.append(name)
    elif type(value) is int or is_integer_text(value):
        found.styles += [string_value(name, value)] if isinstance(value, str) else []
        found.level.append(name)
        found.commas += check_image_level(metadata, found.labels)
    else:
        raise DoubtError
    found.styles += odd_date(name, str(metadata.creation_date))


@lru_cache(maxsize=1024)
def _of_floats(name: str, count: int) -> tuple[Problem, ...]:
    return tuple(floats(name, count))


def _whole_class_ids(value: _Part) -> int:
    """Write the class ids of boxes as integers, and return how many numbers were floats."""
    if value.image_size is None or value.annotations is None:
        raise DoubtError
    (size,) = value.image_size
    found = (type(size.width) is float) + (type(size.height) is float) + (type(size.depth) is float)
    for box in value.annotations:
        found += (type(box.left) is float) + (type(box.top) is float)
        found += (type(box.width) is float) + (type(box.height) is float)
        if type(box.class_id) is float:
            found += 1
            box.class_id = int(box.class_id)
    return found
