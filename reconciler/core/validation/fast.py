"""
The fast path of line validation: accept lines that are certainly clean, leave all others to the rules.

Decoding a line to typed structures checks ranges, values and list lengths; pairing and geometry come after it.
Anything unexpected, such as an extra field, is left to `check_slowly`; a property test compares the results.

Repeated keys are detected without a second parse: every decoded key is in the line at least once, so the line
has at least as many commas as the structure implies, and exactly as many only if no key is repeated or unknown.
The rules know nothing of unknown keys below a field: with them, a second parse must prove that none is repeated.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any, Final, Literal

from msgspec import UNSET, DecodeError, Meta, Struct, UnsetType
from msgspec.json import Decoder

from reconciler.core.entries.entry import METADATA, SOURCE_REF, decode_exactly, names_lists
from reconciler.core.runtime import quotas
from reconciler.core.validation.checked_line import (
    UNLABELLED,
    CheckedLine,
    CheckedLines,
    LabelKinds,
    Outcome,
    warning,
)
from reconciler.core.validation.codes import Code
from reconciler.core.validation.content import TRAINING_OUTPUT, no_boxes
from reconciler.core.validation.problem import Problem
from reconciler.core.validation.text import is_plain, is_suspicious, unlikely_image

# Sides of this length are longer than one pixel, and stay so when training scales down the largest image.
_LONG_ENOUGH: Final = 2
LONG_ENOUGH_SCALED: Final = quotas.MAX_IMAGE_SIDE // quotas.TRAINING_SIDE + 1

_Side = Annotated[int, Meta(ge=quotas.MIN_IMAGE_SIDE, le=quotas.MAX_IMAGE_SIDE)]
Offset = Annotated[int, Meta(ge=0, le=quotas.MAX_IMAGE_SIDE)]
_Length = Annotated[int, Meta(ge=_LONG_ENOUGH, le=quotas.MAX_IMAGE_SIDE)]
Value = Annotated[int, Meta(ge=-(2**31), le=2**31)]
ClassId = Annotated[int, Meta(ge=0, le=999)]
_Whole = Annotated[int, Meta(ge=0, le=2**31)]
Share = Annotated[float, Meta(ge=0, le=1)]
Name = Annotated[str, Meta(min_length=1, max_length=quotas.MAX_LABEL_CHARS)]


class Size(Struct, gc=False):
    width: _Side
    height: _Side
    depth: _Whole


class _Annotation(Struct, gc=False):
    class_id: ClassId
    left: Offset
    top: Offset
    width: _Length
    height: _Length


class Confidence(Struct, gc=False):
    confidence: Share


def renamed(name: str) -> str:
    return name if name in {"image_size", "is_labeled"} else name.replace("_", "-")


class Part(Struct, gc=False, rename=renamed):
    """
    The value of a box attribute, or the metadata of either type; callers tell them apart.

    An absent key is None, and so is a null one of those that must be there; the others are never null.
    """

    image_size: Annotated[list[Size], Meta(min_length=1, max_length=1)] | None = None
    annotations: Annotated[list[_Annotation], Meta(max_length=quotas.MAX_BOXES_PER_IMAGE)] | None = None
    objects: list[Confidence] | None = None
    class_map: dict[str, Name] | None = None
    class_name: Name | None = None
    confidence: Share | None = None
    type: Literal["groundtruth/image-classification", "groundtruth/object-detection"] | None = None
    human_annotated: Literal["yes", "no"] | None = None
    creation_date: datetime | None = None
    job_name: str | UnsetType = UNSET
    adjustment_status: str | UnsetType = UNSET
    is_labeled: None = None  # true or false in the object of the service, whose lines `warned` checks


_parse: Final = Decoder(dict[str, str | Value | Part]).decode
# Matches most source-refs: printable ASCII in an ordinary bucket, with an image file's extension.
is_ordinary: Final = re.compile(
    r"s3://[A-Za-z0-9._-]+/(?:[ -\[\]-~]*/)?[!-.0-\[\]-~][ -.0-\[\]-~]*\.(?:[jJ][pP][eE]?[gG]|[pP][nN][gG])"
).fullmatch
CLEAN_UNLABELLED: Final[Outcome] = LabelKinds.NONE, (warning(Code.UNANNOTATED_RECORD, UNLABELLED),)
CLEAN_BOXES: Final[Outcome] = LabelKinds.BOXES, ()
_CLEAN_BOTH: Final[Outcome] = LabelKinds.BOTH, ()
CLEAN_IMAGE_LEVEL: Final[Outcome] = LabelKinds.IMAGE_LEVEL, ()


class DoubtError(ValueError):
    """The line is not certainly clean."""


# Not JSON, another shape, not UTF-8 or not a date; a missing source-ref, attribute partner or class id.
DOUBTS: Final = (DecodeError, ValueError, LookupError, RecursionError)

DECIMALS: Final = tuple(str(number) for number in range(1000))


def check_together(texts: Iterable[bytes], otherwise: Callable[[bytes], CheckedLine]) -> CheckedLines:
    """
    Check lines, at two thirds of the cost of checking each alone.

    Args:
        otherwise: Checks those that may have a problem beyond those that `check_clean` knows.
    """
    refs: list[str | None] = []
    of_lines: list[Collection[str]] = []
    outcomes: list[Outcome] = []
    for raw in texts:
        labels: dict[str, None] = {}
        try:
            ref, outcome = _check(raw, labels)
        except DOUBTS:
            doubtful = otherwise(raw)
            refs.append(doubtful.source_ref)
            of_lines.append(doubtful.labels)
            outcomes.append((doubtful.kinds, doubtful.problems))
        else:
            refs.append(ref)
            of_lines.append(labels)
            outcomes.append(outcome)
    return CheckedLines(refs, of_lines, outcomes)


def check_clean(raw: bytes) -> CheckedLine | None:
    """Check a line with no problem but an unlikely image name, or no label or box; else return None."""
    labels: dict[str, None] = {}
    try:
        ref, (kinds, problems) = _check(raw, labels)
    except DOUBTS:
        return None
    return CheckedLine(ref, tuple(labels), kinds, problems)


def _check(raw: bytes, labels: dict[str, None]) -> tuple[str, Outcome]:
    """Do the same as `check_clean`, with the labels added to *labels*; raise one of `DOUBTS` instead of None."""
    fields = _parse(raw)
    ref = fields.pop(SOURCE_REF)
    empty: tuple[str, ...] = ()
    commas, parts, level, drawn = len(fields), 0, 0, 0
    for name, value in fields.items():
        kind = type(value)
        if kind is Part:
            parts += 1
            if value.image_size is not None:  # type: ignore[union-attr]
                drawn += 1
                commas += check_boxes(value, metadata := fields[metadata_key(name)], labels)  # type: ignore[arg-type]
                if not value.annotations and metadata.human_annotated == "yes":  # type: ignore[union-attr]
                    empty += (name,)
        elif kind is int:
            level += 1
            commas += check_image_level(fields[metadata_key(name)], labels)
        elif name.endswith(METADATA):
            raise DoubtError
    if (
        parts != level + drawn + drawn
        or type(ref) is not str
        or ((is_odd := not is_ordinary(ref)) and not is_plain(ref))
        or (raw.count(b",") != commas and not is_punctuated(raw, commas + ref.count(","), fields))
        or (drawn > 1 and (b"adjustment-status" in raw or not are_few(fields)))
        or len(raw) > quotas.MAX_LINE_CHARS
        or len(labels) > quotas.MAX_LABELS_PER_IMAGE
        or (fields and not parts)
    ):
        raise DoubtError
    if not fields:
        outcome = CLEAN_UNLABELLED
    else:
        outcome = CLEAN_BOXES if not level else _CLEAN_BOTH if drawn else CLEAN_IMAGE_LEVEL
    if is_odd or empty:
        of_image = tuple(unlikely_image(ref)) if is_odd else ()
        outcome = outcome[0], of_image + outcome[1] + without_boxes(empty, no_label=not labels)
    return ref, outcome


def check_boxes(value: Part, metadata: object, labels: dict[str, None]) -> int:
    """Check a box attribute, add its labels, and return the number of commas in value and metadata."""
    if not isinstance(metadata, Part) or metadata.type != "groundtruth/object-detection":
        raise DoubtError
    sizes, boxes, names = value.image_size, value.annotations, metadata.class_map
    if (
        sizes is None
        or boxes is None
        or names is None
        or metadata.objects is None
        or metadata.human_annotated is None
        or metadata.creation_date is None
    ):
        raise DoubtError
    width, height = sizes[0].width, sizes[0].height
    shortest = _LONG_ENOUGH if max(width, height) <= quotas.TRAINING_SIDE else LONG_ENOUGH_SCALED
    for box in boxes:
        across, down = box.width, box.height
        if box.left + across > width or box.top + down > height or across < shortest or down < shortest:
            raise DoubtError
        labels[names[DECIMALS[box.class_id]]] = None
    return check_beside_boxes(sizes[0], len(boxes), metadata)


def check_beside_boxes(size: Size, boxes: int, metadata: Any) -> int:
    """
    Check what all boxes of an attribute have in common, and return the number of commas in value and metadata.

    The metadata are read by the names of their keys, since in lines alike they have a type of their own.
    """
    names, width, height = metadata.class_map, size.width, size.height
    if (
        len(metadata.objects) != boxes
        or width > quotas.MAX_ASPECT_RATIO * height
        or height > quotas.MAX_ASPECT_RATIO * width
        or not (_unsuspicious.issuperset(names.values()) or are_unsuspicious(names.values()))
    ):
        raise DoubtError
    # An empty list or object has no comma less than one of a single item.
    commas: int = 6 * boxes + len(names) + 4 if boxes else 6 + (len(names) or 1)
    return commas + (metadata.job_name is not UNSET) + (metadata.adjustment_status is not UNSET)


def check_image_level(metadata: object, labels: dict[str, None]) -> int:
    """Check the metadata of an image-level label, add the label, and return the number of commas in it."""
    if not isinstance(metadata, Part) or metadata.type != "groundtruth/image-classification":
        raise DoubtError
    label = metadata.class_name
    if (
        label is None
        or metadata.confidence is None
        or metadata.human_annotated is None
        or metadata.creation_date is None
        or not (label in _unsuspicious or are_unsuspicious((label,)))
    ):
        raise DoubtError
    labels[label] = None
    return 4 + (metadata.job_name is not UNSET) + (metadata.adjustment_status is not UNSET)


def are_few(fields: Mapping[str, object]) -> bool:
    """Return whether there are no more boxes than an image may have."""
    counts = (len(part.annotations or ()) for part in fields.values() if isinstance(part, Part))
    return sum(counts) <= quotas.MAX_BOXES_PER_IMAGE


def is_punctuated(raw: bytes, commas: int, fields: Mapping[str, object]) -> bool:
    """Return whether surplus commas are inside strings, if the line has no escapes, or beside unknown keys."""
    texts = [*fields, *(value for value in fields.values() if type(value) is str)]
    for part in fields.values():
        if isinstance(part, Part):
            texts += (part.class_name or "", part.job_name or "", *(part.class_map or {}).values())
    return (b"\\" not in raw and raw.count(b",") == commas + "".join(texts).count(",")) or is_exact(raw)


def is_exact(raw: bytes) -> bool:
    """Return whether no key is certainly repeated, or one of the service below a field."""
    return not names_lists(raw) and decode_exactly(raw) is not None


# Label names that were found not to be suspicious: most datasets have few.
_unsuspicious: Final[set[str]] = set()
_MAX_NAMES: Final = 4096


def are_unsuspicious(names: Collection[str]) -> bool:
    new = {*names}.difference(_unsuspicious)
    if any(map(is_suspicious, new)):
        return False
    if len(_unsuspicious) + len(new) > _MAX_NAMES:
        _unsuspicious.clear()
    _unsuspicious.update(new)
    return True


@lru_cache(maxsize=1024)
def without_boxes(names: tuple[str, ...], *, no_label: bool) -> tuple[Problem, ...]:
    return tuple(no_boxes(names, no_label=no_label))


@lru_cache(maxsize=1024)
def metadata_key(name: str) -> str:
    """Return the metadata key of an attribute; raise if the attribute's name needs the slow rules."""
    if len(name) > quotas.MAX_LABEL_CHARS or name == "cl" or name.startswith(TRAINING_OUTPUT):
        raise DoubtError
    return name + METADATA
