"""
COCO: one JSON file for each split, with ``images``, ``annotations`` and ``categories``.

The layout of the 2017 files (cocodataset.org, data format): ``annotations/instances_train.json``, images in
``train``. ``date_captured`` takes the creation date, as in AWS's own converter. An image without annotations is
one in which nothing is, so that images that were not annotated with boxes are left out.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import count
from typing import BinaryIO, Final

import orjson

from reconciler.convert.export.format import Add, Context, Format, Image, spool
from reconciler.convert.export.losses import LossKind, Lost
from reconciler.convert.parsing.json_records import moment

_FIRST: Final = 1


@contextmanager
def _split(context: Context) -> Iterator[Add]:
    """Write the images at once, and the annotations behind them, by way of a temporary file."""
    with context.files.create(f"annotations/instances_{context.split}.json") as out, spool() as notes:
        info = {"description": f"{context.project}, {context.split}"}
        out.write(b'{"info":%b,"licenses":[],"images":[' % orjson.dumps(info))
        yield partial(_add, out, notes, count(_FIRST), count(_FIRST), context.classes)
        out.write(b'],\n"annotations":[')
        notes.seek(0)
        shutil.copyfileobj(notes, out)
        categories = [
            {"id": number + _FIRST, "name": label, "supercategory": ""}
            for label, number in context.classes.items()
        ]
        out.write(b'],\n"categories":%b}\n' % orjson.dumps(categories))


def _add(
    out: BinaryIO,
    notes: BinaryIO,
    numbers: Iterator[int],
    keys: Iterator[int],
    classes: Mapping[str, int],
    image: Image,
) -> Sequence[Lost]:
    content, number = image.content, next(numbers)
    width, height, _ = content.size or (0, 0, 0)
    record = {
        "id": number,
        "file_name": image.name,
        "width": width,
        "height": height,
        "date_captured": content.created_at,
    }
    out.write(_separated(record, number))
    for label, left, top, wide, high, _, _ in content.boxes or ():
        key = next(keys)
        note = {
            "id": key,
            "image_id": number,
            "category_id": classes[label] + _FIRST,
            "bbox": [left, top, wide, high],
            "area": wide * high,
            "iscrowd": 0,
        }
        notes.write(_separated(note, key))
    # `convert` gives dates in one form; those in another would come back changed.
    is_kept = content.created_at is None or moment(content.created_at) == content.created_at
    return () if is_kept else (Lost(LossKind.DATE),)


def _separated(record: object, number: int) -> bytes:
    return (b"\n" if number == _FIRST else b",\n") + orjson.dumps(record)


COCO: Final = Format(_split, frozenset({LossKind.DATE, LossKind.SIZE}), numbered=True)
