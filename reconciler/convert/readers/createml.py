"""
CreateML: a JSON array with an object for each image (developer.apple.com, object detector data source).

``coordinates`` are the centre and the size of a box, in pixels or, if all are below 2, as fractions of the image.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Final

from reconciler.convert.geometry import centred, is_predicted, prediction
from reconciler.convert.parsing.json_records import Record, elements, mapping_of
from reconciler.convert.parsing.splits import resolve_missing_boxes, split_off_problems
from reconciler.convert.recognition import InputFormat
from reconciler.convert.record import LabelledImage, Options, Read, Rectangle, display, text_of, wrong
from reconciler.core.validation import codes
from reconciler.core.validation.problem import Origin, Problem
from reconciler.errors import UsageError

ROBOFLOW: Final = "_annotations.createml.json"
_NAMES: Final = ("image", "imagefilename", "imageURI", "filename")
_LISTS: Final = ("annotations", "annotation")
_SIDES: Final = ("x", "y", "width", "height")
_MIN_PIXELS: Final = Decimal(2)


def read_createml(path: Path, _: Options) -> Iterator[Read]:
    """Read one file, or the one that Roboflow writes in a directory."""
    file = path / ROBOFLOW if path.is_dir() else path
    if not file.is_file():
        raise UsageError(f"{path}: holds no {ROBOFLOW}: name the JSON file")
    images = yield from split_off_problems(map(_image, elements(text_of(file), display(file))))
    edges = [edge for image in images for box in image.boxes or () for edge in (box.right, box.bottom)]
    shares = bool(edges) and max(edges) < _MIN_PIXELS
    yield from resolve_missing_boxes([replace(image, shares=shares) for image in images])


INPUT: Final = InputFormat(read_createml, element_keys=("image annotations", "imagefilename annotation"))


def _image(record: Record) -> LabelledImage | Problem:
    value = mapping_of(record.value)
    name = next((value[key] for key in _NAMES if isinstance(value.get(key), str)), "")
    found = next((value[key] for key in _LISTS if isinstance(value.get(key), list)), None)
    if not name or found is None:
        message = "an image must be an object with image and a list of annotations"
        return wrong(codes.BAD_RECORD, message, record.origin)
    boxes = [_box(item, f"annotations[{number}]", record.origin) for number, item in enumerate(found)]
    return LabelledImage.of(name, record.origin, boxes)


def _box(item: object, called: str, origin: Origin) -> Rectangle | Problem:
    match item:
        case {"label": str(label), "confidence": score} if is_predicted(score):
            return prediction(label, score, origin)
        case {"label": str(label), "coordinates": dict(sides)}:
            return centred(label, (sides.get(key) for key in _SIDES), origin)
    return wrong(codes.BAD_RECORD, f"{called} must be an object with label and coordinates", origin)
