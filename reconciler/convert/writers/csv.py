"""
CSV: ``train.csv`` with a row for each box, and ``train-labels.csv`` with a row for each label of an image.

Boxes are in the columns of the TensorFlow Object Detection API. An image in which nothing is has one row with its
size and empty cells, and one that was not annotated a row without a label. As no table holds both kinds, an image
with boxes is in that of boxes alone.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, Final

from reconciler.convert.export.format import Add, ExportedImage, Files, Format, WriterContext
from reconciler.convert.export.losses import LossKind, Lost

_BOXES: Final = ("filename", "width", "height", "class", "xmin", "ymin", "xmax", "ymax")
_LABELS: Final = ("image", "label")

_Write = Callable[[Sequence[Any]], object]


@contextmanager
def _split(context: WriterContext) -> Iterator[Add]:
    """Begin each table with its first row: most datasets have rows of one kind only."""
    with ExitStack() as stack:
        tables: dict[Sequence[str], _Write] = {}

        def write(header: Sequence[str], row: Sequence[Any]) -> None:
            if header not in tables:
                name = f"{context.split}{'-labels' * (header is _LABELS)}.csv"
                tables[header] = stack.enter_context(_table(context.files, name))
                tables[header](header)
            tables[header](row)

        yield partial(_add, partial(write, _BOXES), partial(write, _LABELS))


@contextmanager
def _table(files: Files, name: str) -> Iterator[_Write]:
    with files.create(name) as out:
        text = io.TextIOWrapper(out, encoding="utf-8", newline="")
        yield csv.writer(text).writerow
        text.flush()
        text.detach()


def _add(write_box: _Write, write_label: _Write, image: ExportedImage) -> Sequence[Lost]:
    boxes, labels = image.content.boxes, [label.label for label in image.content.labels]
    if boxes is None:
        for label in labels or [""]:
            write_label((image.name, label))
        return ()
    width, height, _ = image.content.size or (0, 0, 0)
    for box in boxes:
        write_box((image.name, width, height, box.label, box.left, box.top, box.right, box.bottom))
    if not boxes:
        write_box((image.name, width, height, "", "", "", "", ""))
    return [Lost(LossKind.LABEL, label) for label in labels]


CSV: Final = Format(
    _split, frozenset({LossKind.UNLABELLED, LossKind.LABEL, LossKind.SIZE}), images="images/{split}"
)
