"""
Boxes, from the numbers and shapes of an input to whole pixels, or why a shape cannot become a box.

The developer guide documents coordinates as integers, and does not say how fractions are treated. So each
*edge* is rounded to the nearest pixel, halves away from zero. Rounding edges, not lengths, keeps adjacent
boxes adjacent and boxes within their image. Numbers are exact decimals, so that no result depends on binary
fractions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any, Final

from reconciler.convert.record import LabelledBox, Options, Rectangle, wrong
from reconciler.core.validation import codes
from reconciler.core.validation.problem import Origin, Problem

Edges = tuple[Decimal, Decimal, Decimal, Decimal]
"""Left, top, right and bottom."""

_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_LONGEST: Final = 64
_BEYOND: Final = Decimal(10) ** 9  # larger than any image
_TWO = Decimal(2)
_PI = Decimal("3.141592653589793238462643383279502884197")
_DIGITS = 40
_OF_VIA: Final = ("polygon", "polyline", "circle", "ellipse")


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


def exact(values: Iterable[object]) -> list[Decimal]:
    """Return the exact values of numbers; an empty list if one of the values is not a number."""
    found = [number(value) for value in values]
    known = [value for value in found if value is not None]
    return known if len(known) == len(found) else []


def from_edges(left: Decimal, top: Decimal, right: Decimal, bottom: Decimal) -> Edges:
    return left, top, right, bottom


def from_corner(left: Decimal, top: Decimal, width: Decimal, height: Decimal) -> Edges:
    return left, top, left + width, top + height


def from_centre(x: Decimal, y: Decimal, width: Decimal, height: Decimal) -> Edges:
    across, down = width / _TWO, height / _TWO
    return x - across, y - down, x + across, y + down


def edged(label: str, values: Iterable[object], origin: Origin) -> Rectangle | Problem:
    """Return the box with these left, top, right and bottom edges."""
    known = exact(values)
    return Rectangle(label, *from_edges(*known), origin) if len(known) == 4 else _no_numbers(label, origin)


def cornered(label: str, values: Iterable[object], origin: Origin) -> Rectangle | Problem:
    """Return the box with this left and top edge, width and height."""
    known = exact(values)
    return Rectangle(label, *from_corner(*known), origin) if len(known) == 4 else _no_numbers(label, origin)


def centred(label: str, values: Iterable[object], origin: Origin) -> Rectangle | Problem:
    """Return the box with this centre, width and height."""
    known = exact(values)
    return Rectangle(label, *from_centre(*known), origin) if len(known) == 4 else _no_numbers(label, origin)


def rounded(label: str, values: Iterable[object], origin: Origin) -> Rectangle | Problem:
    """Return the box around the ellipse with this centre, and these radii across and down."""
    match exact(values):
        case [x, y, across, down]:
            return Rectangle(label, x - across, y - down, x + across, y + down, origin)
    return _no_numbers(label, origin)


def enclosing(label: str, points: object, origin: Origin, *, fewest: int = 2) -> Rectangle | Problem:
    """Return the box around points [[x, y], …], of which there are at least *fewest*."""
    pairs = points if isinstance(points, list) else []
    if all(isinstance(pair, list) and len(pair) == 2 for pair in pairs) and len(pairs) >= fewest:
        found = exact(value for pair in pairs for value in pair)
        if found:
            return around(label, found, origin)
    return _no_numbers(label, origin)


def turned(box: Rectangle, degrees: Decimal, x: Decimal, y: Decimal) -> Rectangle:
    """Return the upright box around *box* after it is turned clockwise around the point x, y."""
    sine, cosine = _sine(degrees), _sine(degrees + 90)
    corners = [
        value
        for across in (box.left - x, box.right - x)
        for down in (box.top - y, box.bottom - y)
        for value in (x + across * cosine - down * sine, y + across * sine + down * cosine)
    ]
    return around(box.label, corners, box.origin)


def not_upright(label: str, kind: str, origin: Origin, options: Options) -> Problem | None:
    """Return the problem of a shape that is not an upright box; None if `--polygons box` accepts it."""
    if options.polygons:
        return None
    what = f"the object “{label}” is {_a(kind)}, which a line cannot hold"
    return wrong(codes.NO_BOX, f"{what}; --polygons box takes the box around it", origin)


def unusable_shape(label: str, kind: str, origin: Origin) -> Problem:
    """Return the problem of a shape around which there is no box."""
    return wrong(codes.NO_BOX, f"the object “{label}” is {_a(kind[:40])}, which a line cannot hold", origin)


def is_predicted(confidence: object) -> bool:
    """Return whether a confidence is that of a prediction: labels have none, or 1."""
    return number(confidence) not in (None, 1)


def prediction(label: str, confidence: object, origin: Origin, way: str = "") -> Problem:
    """Return the problem of a box with a confidence; *way* is how to take it all the same."""
    message = f"the box “{label}” has the confidence {str(confidence)[:20]}: a prediction, not a label{way}"
    return wrong(codes.NO_BOX, message, origin)


def region_of_via(
    shape: Mapping[str, Any], attributes: Mapping[str, Any], origin: Origin, options: Options
) -> Rectangle | Problem:
    """Return the box of a region of VIA 1 or 2, by its ``shape_attributes`` and ``region_attributes``."""
    label, kind = chosen(attributes, origin, options), str(shape.get("name"))
    if isinstance(label, Problem):
        return label
    if kind == "rect":
        return cornered(label, (shape.get(key) for key in ("x", "y", "width", "height")), origin)
    if kind not in _OF_VIA:
        return unusable_shape(label, kind, origin)
    if problem := not_upright(label, kind, origin, options):
        return problem
    if kind in ("circle", "ellipse"):
        return _round_region(label, shape, origin)
    xs, ys = shape.get("all_points_x"), shape.get("all_points_y")
    if isinstance(xs, list) and isinstance(ys, list) and len(xs) == len(ys):
        return enclosing(label, [list(pair) for pair in zip(xs, ys, strict=True)], origin, fewest=3)
    return wrong(codes.BAD_RECORD, f"the {kind} lacks numbers", origin)


def chosen(attributes: Mapping[str, Any], origin: Origin, options: Options) -> str | Problem:
    """Return the label from the attributes of a region or a file, or a problem if it is ambiguous."""
    wanted = options.attributes
    named = [key for key in attributes if not wanted or key in wanted]
    found = {key: _ticked(attributes[key], number_too=key in wanted) for key in named}
    found = {key: value for key, value in found.items() if value}
    if len(found) == 1:
        return next(iter(found.values()))
    if not attributes:
        message = (
            "the region has no attribute, and so no label: give it one in VIA (Attributes, Region Attributes)"
        )
        return wrong(codes.NO_CLASS, message, origin)
    names = ", ".join(f"“{key}”" for key in attributes)[:120]
    message = f"the attribute that is the label is not clear (there are: {names}): name it with --attribute"
    return wrong(codes.NO_CLASS, message, origin)


def _ticked(value: object, *, number_too: bool) -> str:
    """Return a text, or the name of the only checkbox that is set; empty for all else."""
    if isinstance(value, dict):
        names = [key for key, is_set in value.items() if is_set is True]
        return names[0] if len(names) == 1 else ""
    return value if isinstance(value, str) and (number_too or number(value) is None) else ""


def _round_region(label: str, shape: Mapping[str, Any], origin: Origin) -> Rectangle | Problem:
    """Return the box around a circle, or around an ellipse that is not turned."""
    radii = ("r", "r") if "r" in shape else ("rx", "ry")
    if number(shape.get("theta", 0)) != 0:
        return unusable_shape(label, f"turned {shape.get('name')}", origin)
    return rounded(label, (shape.get(key) for key in ("cx", "cy", *radii)), origin)


def _sine(degrees: Decimal) -> Decimal:
    """Return the sine, exact for quarter turns and the same on every machine."""
    degrees %= 360
    if degrees % 90 == 0:
        return Decimal((0, 1, 0, -1)[int(degrees // 90) % 4])
    with localcontext() as context:
        context.prec = _DIGITS
        angle = degrees * _PI / 180
        total, term, order = angle, angle, 1
        while abs(term) > Decimal(10) ** -_DIGITS:
            term = -term * angle * angle / ((order + 1) * (order + 2))
            total, order = total + term, order + 2
    return total


def _a(kind: str) -> str:
    return f"{'an' if kind.startswith(tuple('aeiou')) else 'a'} {kind}"


def _no_numbers(label: str, origin: Origin) -> Problem:
    return wrong(codes.BAD_RECORD, f"the box of “{label}” has no four numbers as its edges", origin)
