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
from functools import lru_cache, partial
from itertools import count
from typing import BinaryIO, Final

import orjson

from reconciler.convert.export.format import Add, ExportedImage, Format, WriterContext
from reconciler.convert.export.losses import LossKind, Lost
from reconciler.convert.parsing.json_records import moment
from reconciler.private import temporary_file

_FIRST: Final = 1


@contextmanager
def _split(context: WriterContext) -> Iterator[Add]:
    """Write the images directly, and the annotations, from a temporary file, behind them."""
    with (
        context.files.create(f"annotations/instances_{context.split}.json") as out,
        temporary_file() as notes,
    ):
        info = {"description": f"{context.project}, {context.split}"}
        out.write(b'{"info":%b,"licenses":[],"images":[' % orjson.dumps(info))
        yield partial(_add, _List(out), _List(notes), count(_FIRST), count(_FIRST), context.classes)
        out.write(b'],\n"annotations":[')
        notes.seek(0)
        shutil.copyfileobj(notes, out)
        categories = [
            {"id": number + _FIRST, "name": label, "supercategory": ""}
            for label, number in context.classes.items()
        ]
        out.write(b'],\n"categories":%b}\n' % orjson.dumps(categories))


class _List:
    """Writes a JSON array that is too long for memory, without its brackets."""

    def __init__(self, stream: BinaryIO) -> None:
        self._write = stream.write
        self._between = b"\n"

    def extend(self, records: Sequence[object]) -> None:
        """Write some records on one line."""
        if records:
            self._write(self._between + orjson.dumps(records)[1:-1])
            self._between = b",\n"


def _add(
    images: _List,
    notes: _List,
    numbers: Iterator[int],
    keys: Iterator[int],
    classes: Mapping[str, int],
    image: ExportedImage,
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
    images.extend([record])
    found = [
        {
            "id": next(keys),
            "image_id": number,
            "category_id": classes[box.label] + _FIRST,
            "bbox": [box.left, box.top, box.width, box.height],
            "area": box.width * box.height,
            "iscrowd": 0,
        }
        for box in content.boxes or ()
    ]
    notes.extend(found)
    return () if _comes_back(content.created_at) else (Lost(LossKind.DATE),)


@lru_cache(maxsize=1024)
def _comes_back(date: str | None) -> bool:
    """Return whether `convert` gives a date as it is: it gives all in one form."""
    return date is None or moment(date) == date


COCO: Final = Format(_split, frozenset({LossKind.DATE, LossKind.SIZE}), numbered=True)
