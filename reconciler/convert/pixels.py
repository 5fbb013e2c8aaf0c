"""
Round box coordinates to whole pixels.

The developer guide documents coordinates as integers, and does not say how fractions are treated. So each
*edge* is rounded to the nearest pixel, halves away from zero. Rounding edges, not lengths, keeps adjacent
boxes adjacent and boxes within their image. Numbers are exact decimals, so that no result depends on binary
fractions.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from reconciler.convert.record import LabelledBox, Rectangle
from reconciler.core.validation.problem import Origin

_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_LONGEST: Final = 64
_BEYOND: Final = Decimal(10) ** 9  # larger than any image


def number(value: object) -> Decimal | None:
    """Return the exact value of a number; None if it is not one, or too large for a coordinate."""
    match value:
        case bool():
            return None
        case int() | Decimal():
            found = Decimal(value)
        case float():
            found = Decimal(repr(value))
        case str() if len(value) <= _LONGEST and _NUMBER.fullmatch(text := value.strip(" \t\r\n")):
            found = Decimal(text)
        case _:
            return None
    return found if found.is_finite() and abs(found) < _BEYOND else None


def side(value: object) -> int | None:
    """Return the width or height of an image; None if it is not a positive whole number."""
    found = number(value)
    return int(found) if found is not None and found > 0 and found == found.to_integral_value() else None


def sides(width: object, height: object) -> tuple[int, int] | None:
    """Return the size of an image; None unless both sides are positive whole numbers."""
    wide, high = side(width), side(height)
    return (wide, high) if wide and high else None


def around(label: str, points: Sequence[Decimal], origin: Origin) -> Rectangle:
    """Return the bounding box of a polygon, given as x, y, x, y …"""
    xs, ys = points[::2], points[1::2]
    return Rectangle(label, min(xs), min(ys), max(xs), max(ys), origin)


def scaled(box: Rectangle, width: int, height: int, *, by: Decimal = Decimal(1)) -> Rectangle:
    """Return a box in pixels, given its edges as fractions of the image size; *by* is 0.01 for percentages."""
    left, right = box.left * width * by, box.right * width * by
    top, bottom = box.top * height * by, box.bottom * height * by
    return replace(box, left=left, top=top, right=right, bottom=bottom)


def whole(rectangle: Rectangle, size: Sequence[int], *, clip: bool) -> LabelledBox:
    """
    Return the box in whole pixels.

    Args:
        clip: Whether to clip it to the image.
    """
    width, height = size[:2]
    left, right = nearest(rectangle.left), nearest(rectangle.right)
    top, bottom = nearest(rectangle.top), nearest(rectangle.bottom)
    if clip:
        left, right = (min(max(edge, 0), width) for edge in (left, right))
        top, bottom = (min(max(edge, 0), height) for edge in (top, bottom))
    return LabelledBox(rectangle.label, left, top, right - left, bottom - top)


def beyond(box: LabelledBox, size: Sequence[int]) -> int:
    """Return the maximum number of pixels by which the box extends beyond the image; 0 if it is within."""
    right, bottom = box.left + box.width, box.top + box.height
    return max(0, -box.left, -box.top, right - size[0], bottom - size[1])


def nearest(edge: Decimal) -> int:
    return int(edge.to_integral_value(ROUND_HALF_UP))
