"""
Compose the lines of usual images, of which it is known that validation finds nothing, without validating each.

The verdict of validation on a line that `located` composes depends on its address, the date, each label, the
number of boxes, and the size of the image with the shortest side of a box. So each of these is validated once, in
a line of its own, and its verdict is remembered.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

import orjson

from reconciler.convert.images import is_ordinary
from reconciler.convert.record import LabelledBox, LabelledImage, Options
from reconciler.core.entries.entry import SOURCE_REF
from reconciler.core.runtime import quotas
from reconciler.core.spec.labelling import address, located
from reconciler.core.validation.line import check_line

_REF: Final = "s3://bucket/a.jpg"
_LABEL: Final = "label"
_SIZE: Final = (640, 480)
_DATE: Final = "2026-03-01T12:00:00"
_LONG: Final = 16  # longer sides are long enough at any size that an image may have


class ComposedLine(NamedTuple):
    """
    A line, and what was learnt while it was composed.

    Attributes:
        ref: Its source-ref, if it has one.
        boxes: Their number.
    """

    ref: str | None
    raw: bytes
    boxes: int


def clean_line(image: LabelledImage, options: Options) -> ComposedLine | None:
    """Compose the line of an image whose reader knows its boxes to be valid; None unless it is surely clean."""
    boxes, size, created_at = image.rounded, image.size, image.created_at or options.created_at
    if (
        not (boxes and size and created_at)
        or image.boxes
        or image.labels
        or len(boxes) > quotas.MAX_BOXES_PER_IMAGE
        or not is_ordinary(image.name, options)
        or not _is_clean_base(options.base)
        or not _is_clean_date(created_at)
        or not _is_clean_size(tuple(size), min(_LONG, *[min(box.width, box.height) for box in boxes]))
        or not all(map(_is_clean_label, {box.label for box in boxes}))
    ):
        return None
    ref = address(image.name, options.base)
    raw = orjson.dumps({SOURCE_REF: ref, **located(boxes, size, created_at)})
    return ComposedLine(ref, raw, len(boxes)) if len(raw) <= quotas.MAX_LINE_CHARS else None


@lru_cache
def _is_clean_base(base: str | None) -> bool:
    return _is_clean(ref=address("a.jpg", base))


@lru_cache(maxsize=4096)
def _is_clean_date(created_at: str) -> bool:
    return _is_clean(created_at=created_at)


@lru_cache(maxsize=4096)
def _is_clean_size(size: tuple[int, ...], shortest: int) -> bool:
    return _is_clean(size=size, shortest=shortest)


@lru_cache(maxsize=4096)
def _is_clean_label(label: str) -> bool:
    return _is_clean(label=label)


def _is_clean(
    ref: str = _REF,
    label: str = _LABEL,
    size: Sequence[int] = _SIZE,
    created_at: str = _DATE,
    shortest: int = _LONG,
) -> bool:
    box = LabelledBox(label, 0, 0, shortest, shortest)
    try:
        raw = orjson.dumps({SOURCE_REF: ref, **located([box], size, created_at)})
    except TypeError:  # half a character
        return False
    return not check_line(raw).problems
