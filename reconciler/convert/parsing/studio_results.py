"""
Read the results of one annotation of Label Studio as boxes and labels of the whole image.

Coordinates are percentages of the image. A box may be turned clockwise around its upper left corner.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from reconciler.convert.parsing.shapes import (
    cornered,
    enclosing,
    not_upright,
    rounded,
    turned,
    unusable_shape,
)
from reconciler.convert.pixels import number, scaled, sides
from reconciler.convert.record import LabelledImage, Notes, Options, Rectangle, wrong
from reconciler.core.validation import spec_codes as codes
from reconciler.core.validation.problem import Problem

_CORNER: Final = ("x", "y", "width", "height")
_ELLIPSE: Final = ("x", "y", "radiusX", "radiusY")
_CHOICES: Final = "choices"
_HUNDREDTH: Final = Decimal("0.01")


def labelled(
    image: LabelledImage, results: Sequence[Mapping[str, Any]], options: Options, notes: Notes
) -> LabelledImage:
    """Return an annotated image with its boxes, as fractions if no result states the size of the image."""
    stated = (sides(result.get("original_width"), result.get("original_height")) for result in results)
    sizes = set(filter(None, stated))
    size = next(iter(sizes)) if len(sizes) == 1 else None
    found = list(_found(results, image, size, options, notes))
    if len(sizes) > 1:
        found.append(wrong(codes.BAD_RECORD, "the results state several sizes of the image", image.origin))
    if any(number(result.get("image_rotation") or 0) != 0 for result in results):
        message = "the image was turned in the editor (image_rotation), and its boxes with it"
        found.append(wrong(codes.NO_BOX, message, image.origin))
    return LabelledImage.of(image.name, image.origin, found, size=size, shares=size is None)


def _found(
    results: Sequence[Mapping[str, Any]],
    image: LabelledImage,
    size: tuple[int, int] | None,
    options: Options,
    notes: Notes,
) -> Iterator[Rectangle | Problem | str]:
    named = {result["id"] for result in results if isinstance(result.get("id"), str) and _labels(result)}
    for result in results:
        value, labels = result.get("value"), _labels(result)
        if not isinstance(value, dict):
            yield wrong(codes.BAD_RECORD, "a result has no value", image.origin)
        elif result.get("type") == _CHOICES and "x" not in value:
            yield from labels
        elif labels and result.get("type") != _CHOICES and "parentID" not in result:
            for label in labels:
                yield _box(label, value, image, size, options)
        elif labels or str(result.get("id")) in named or not value.keys() & {"x", "points", "rle"}:
            if result.get("type") not in ("rectangle", "polygon", "labels"):
                what = str(result.get("type"))[:40]
                notes.add(f"results of the type {what} are no boxes of objects, and left out", image.origin)
        else:
            yield wrong(codes.NO_CLASS, f"a {str(result.get('type'))[:40]} has no label", image.origin)


def _labels(result: Mapping[str, Any]) -> list[str]:
    """Return the labels of a region or the choices of an image: a list that is called as the type is."""
    value, kind = result.get("value"), str(result.get("type"))
    found = value.get(kind) if isinstance(value, dict) and kind.endswith(("labels", _CHOICES)) else None
    return [label for label in found if isinstance(label, str)] if isinstance(found, list) else []


def _box(
    label: str,
    value: Mapping[str, Any],
    image: LabelledImage,
    size: tuple[int, int] | None,
    options: Options,
) -> Rectangle | Problem:
    box = _percent(label, value, image, options)
    if isinstance(box, Problem):
        return box
    box = scaled(box, 1, 1, by=_HUNDREDTH) if size is None else scaled(box, *size, by=_HUNDREDTH)
    degrees = number(value.get("rotation") or 0)
    if not degrees:
        return box
    if problem := not_upright(label, f"box turned by {degrees}°", image.origin, options):
        return problem
    if size is None:
        message = f"the turned box “{label}” needs original_width and original_height of its image"
        return wrong(codes.NO_SIZE, message, image.origin)
    return turned(box, degrees, box.left, box.top)


def _percent(
    label: str, value: Mapping[str, Any], image: LabelledImage, options: Options
) -> Rectangle | Problem:
    if value.keys() >= set(_CORNER) and "keypointlabels" not in value:
        return cornered(label, (value[key] for key in _CORNER), image.origin)
    if "points" in value and "vertices" not in value:
        return not_upright(label, "polygon", image.origin, options) or enclosing(
            label, value["points"], image.origin, fewest=3
        )
    if value.keys() >= set(_ELLIPSE):
        ellipse = rounded(label, (value[key] for key in _ELLIPSE), image.origin)
        return not_upright(label, "ellipse", image.origin, options) or ellipse
    kind = next(
        (key for key in ("rle", "keypointlabels", "text", "videolabels") if key in value), "other shape"
    )
    return unusable_shape(label, kind, image.origin)
