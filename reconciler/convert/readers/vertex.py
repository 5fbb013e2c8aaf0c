"""
Vertex AI: the import and export files of image datasets as JSON Lines or, by `csv`, CSV, also of AutoML Vision.

Boxes are fractions of the image. Addresses start with ``gs://``; the base takes the place of the bucket.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from reconciler.convert.geometry import edged
from reconciler.convert.parsing.json_records import Record, elements, list_of, mapping_of
from reconciler.convert.parsing.splits import select_split, split_off_problems
from reconciler.convert.recognition import InputFormat
from reconciler.convert.record import LabelledImage, Options, Read, Rectangle, display, text_of, wrong
from reconciler.core.validation import codes
from reconciler.core.validation.problem import Origin, Problem

_BOXES: Final = "boundingBoxAnnotations"
_LABELS: Final = ("classificationAnnotation", "classificationAnnotations")
_OTHERS: Final = ("polygonAnnotations", "polylineAnnotations", "segmentationAnnotation", "maskAnnotation")
_SPLIT: Final = "aiplatform.googleapis.com/ml_use"
_EDGES: Final = ("xMin", "yMin", "xMax", "yMax")


def read_vertex(path: Path, options: Options) -> Iterator[Read]:
    """Read one file."""
    images = yield from split_off_problems(map(_image, elements(text_of(path), display(path))))
    kept, notes = select_split(images, options, unit="images")
    yield from notes
    yield from kept


INPUT: Final = InputFormat(read_vertex, keys=("imageGcsUri",), element_keys=("imageGcsUri",), has_tables=True)


def _image(record: Record) -> tuple[str, LabelledImage] | Problem:
    """Return an image with the name of its split."""
    value = mapping_of(record.value)
    name = value.get("imageGcsUri")
    if not isinstance(name, str) or not name:
        return wrong(codes.BAD_RECORD, "an image must be an object with imageGcsUri", record.origin)
    notes = value.get(_BOXES)
    found = [
        *(_box(note, record.origin) for note in list_of(notes)),
        *(
            wrong(codes.NO_BOX, f"the image has {key}, which a line cannot hold", record.origin)
            for key in _OTHERS
            if value.get(key)
        ),
        *(_label(note, record.origin) for note in _listed(value)),
    ]
    split = mapping_of(value.get("dataItemResourceLabels")).get(_SPLIT, "")
    image = LabelledImage.of(name, record.origin, found, has_boxes=notes is not None, shares=True)
    return str(split), image


def _listed(value: Mapping[str, Any]) -> list[Any]:
    """Return the annotations of the whole image: one, or a list."""
    found: Any = next((value[key] for key in _LABELS if value.get(key)), [])
    return found if isinstance(found, list) else [found]


def _label(note: object, origin: Origin) -> str | Problem:
    name = mapping_of(note).get("displayName")
    if isinstance(name, str) and name:
        return name
    return wrong(codes.BAD_RECORD, "an annotation must be an object with displayName", origin)


def _box(note: object, origin: Origin) -> Rectangle | Problem:
    label = _label(note, origin)
    if isinstance(label, Problem):
        return label
    return edged(label, (mapping_of(note).get(key) for key in _EDGES), origin)
