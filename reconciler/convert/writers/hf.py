"""
Hugging Face: ``train/metadata.jsonl`` of an image folder, one object a line, beside the images.

The layout of the `datasets` library ("Create an image dataset", ImageFolder with metadata), and for boxes the one
of its object detection sets: ``objects`` with parallel lists, ``bbox`` as left, top, width and height. An image in
which nothing is has empty lists, one that was not annotated no ``objects``. The library takes the type of each
column from the first rows: so rows with a box and with a label come first, and numbers are floats everywhere.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, BinaryIO, Final

import orjson

from reconciler.convert.export.format import Add, ExportedImage, Format, WriterContext
from reconciler.convert.export.losses import LossKind, Lost
from reconciler.core.entries.entry import DETECTION, METADATA, SOURCE_REF
from reconciler.core.spec.labelling import BOXES
from reconciler.private import temporary_file

METADATA_FILE: Final = "{split}/metadata.jsonl"


@contextmanager
def split(context: WriterContext) -> Iterator[Add]:
    """Write the rows of one split."""
    first: dict[str, bytes] = {}
    with context.files.create(METADATA_FILE.format(split=context.split)) as out, temporary_file() as others:
        yield partial(_add, first, others)
        out.writelines(first.values())
        others.seek(0)
        shutil.copyfileobj(others, out)


def _add(first: dict[str, bytes], others: BinaryIO, image: ExportedImage) -> Sequence[Lost]:
    content = image.content
    row: dict[str, Any] = {"file_name": image.name, SOURCE_REF: image.source_ref}
    if content.created_at is not None:
        row["creation_date"] = content.created_at
    if content.labels:
        row["labels"] = {
            "label": [label.label for label in content.labels],
            "confidence": [float(label.confidence) for label in content.labels],
            "attribute": [label.attribute for label in content.labels],
        }
    if content.boxes is not None and content.size is not None:
        row["width"], row["height"], row["depth"] = content.size
        row["objects"] = {
            "bbox": [
                [float(box.left), float(box.top), float(box.width), float(box.height)]
                for box in content.boxes
            ],
            "categories": [box.label for box in content.boxes],
            "confidence": [float(box.confidence) for box in content.boxes],
            "attribute": [box.attribute for box in content.boxes],
        }
    raw = orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
    if content.boxes and "objects" not in first:
        first["objects"] = raw
    elif content.labels and "labels" not in first:
        first["labels"] = raw
    else:
        others.write(raw)
    return _nameless(image) if content.boxes is not None and content.lost else ()


def _nameless(image: ExportedImage) -> list[Lost]:
    """Return the attributes without a box, whose names are in no row; the usual one alone needs none."""
    drawn = {box.attribute for box in image.content.boxes or ()}
    found = [
        key.removesuffix(METADATA)
        for key, metadata in image.fields.items()
        if type(metadata) is dict and metadata.get("type") == DETECTION
    ]
    return [
        Lost(LossKind.ATTRIBUTE, name)
        for name in found
        if name not in drawn and (len(found) > 1 or name != BOXES)
    ]


CARRIES: Final = frozenset(
    {
        LossKind.UNLABELLED,
        LossKind.LABEL,
        LossKind.SIZE,
        LossKind.DEPTH,
        LossKind.FRACTION,
        LossKind.CONFIDENCE,
        LossKind.DATE,
        LossKind.ATTRIBUTE,
        LossKind.BUCKET,
    }
)
HF: Final = Format(split, CARRIES)
