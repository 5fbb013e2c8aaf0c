"""Read a region of the VGG Image Annotator (VIA 1 and 2): its shape, and the attribute that is its label."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from reconciler.convert.parsing.shapes import cornered, enclosing, exact, not_upright, unusable
from reconciler.convert.pixels import number
from reconciler.convert.record import Options, Rectangle, wrong
from reconciler.core.validation import spec_codes as codes
from reconciler.core.validation.problem import Origin, Problem

_AROUND: Final = ("polygon", "polyline", "circle", "ellipse")


def region(
    shape: Mapping[str, Any], attributes: Mapping[str, Any], origin: Origin, options: Options
) -> Rectangle | Problem:
    """Return the box of a region with ``shape_attributes`` and ``region_attributes``, or its problem."""
    label, kind = chosen(attributes, origin, options), str(shape.get("name"))
    if isinstance(label, Problem):
        return label
    if kind == "rect":
        return cornered(label, (shape.get(key) for key in ("x", "y", "width", "height")), origin)
    if kind not in _AROUND:
        return unusable(label, kind, origin)
    if problem := not_upright(label, kind, origin, options):
        return problem
    if kind in ("circle", "ellipse"):
        return _round(label, shape, origin)
    xs, ys = shape.get("all_points_x"), shape.get("all_points_y")
    if isinstance(xs, list) and isinstance(ys, list) and len(xs) == len(ys):
        return enclosing(label, [list(pair) for pair in zip(xs, ys, strict=True)], origin, fewest=3)
    return wrong(codes.BAD_RECORD, f"the {kind} lacks numbers", origin)


def chosen(attributes: Mapping[str, Any], origin: Origin, options: Options) -> str | Problem:
    """Return the label from the attributes of a region or a file, or a problem if it is ambiguous."""
    wanted = options.attributes
    named = [key for key in attributes if not wanted or key in wanted]
    found = {key: ticked(attributes[key], number_too=key in wanted) for key in named}
    found = {key: value for key, value in found.items() if value}
    if len(found) == 1:
        return next(iter(found.values()))
    names = ", ".join(f"“{key}”" for key in attributes)[:120] or "none"
    message = f"the attribute that is the label is not clear (there are: {names}): name it with --attribute"
    return wrong(codes.NO_CLASS, message, origin)


def ticked(value: object, *, number_too: bool) -> str:
    """Return a text, or the name of the only checkbox that is set; empty for all else."""
    if isinstance(value, dict):
        names = [key for key, is_set in value.items() if is_set is True]
        return names[0] if len(names) == 1 else ""
    return value if isinstance(value, str) and (number_too or number(value) is None) else ""


def _round(label: str, shape: Mapping[str, Any], origin: Origin) -> Rectangle | Problem:
    """Return the box around a circle, or around an ellipse that is not turned."""
    radii = ("r", "r") if "r" in shape else ("rx", "ry")
    match exact(shape.get(key) for key in ("cx", "cy", *radii)):
        case [x, y, across, down] if number(shape.get("theta", 0)) == 0:
            return Rectangle(label, x - across, y - down, x + across, y + down, origin)
    return unusable(label, f"turned {shape.get('name')}", origin)
