"""
YOLO: a text file for each image, below ``labels/train``, with a line ``class x y width height`` for each box.

The layout that Ultralytics documents ("Object Detection Datasets Overview"): images in ``images/train``, centre
and size as shares of the image, ``data.yaml`` with the names of the classes. ``train`` in it is a list of
images, not their directory: Ultralytics treats an image without a label file as an image without objects, and an
image that was not annotated must not become one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from pathlib import PurePosixPath
from typing import BinaryIO, Final

import orjson

from reconciler.convert.export.content import ImageLabels
from reconciler.convert.export.format import Add, AllSplits, ExportedImage, Format, WriterContext
from reconciler.convert.export.losses import LossKind, Lost
from reconciler.convert.geometry import nearest
from reconciler.convert.parsing.class_names import FILES
from reconciler.convert.readers.yolo import IMAGE_DIRECTORY, LABEL_DIRECTORY, SUFFIXES

# What a double-quoted scalar of YAML needs to have escaped, besides what JSON escapes.
_UNPRINTABLE: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


@contextmanager
def _split(context: WriterContext) -> Iterator[Add]:
    with context.files.create(f"{context.split}.txt") as out:
        yield partial(_add, context, out, set())


def _add(context: WriterContext, out: BinaryIO, unlabelled: set[str], image: ExportedImage) -> Sequence[Lost]:
    path = PurePosixPath(image.name)
    labels = path.with_suffix(".txt").as_posix()
    # Ultralytics looks for the labels of images/train/images/a.jpg in images/train/labels.
    if path.suffix.lower() not in SUFFIXES or IMAGE_DIRECTORY in path.parts[:-1] or labels in FILES:
        return (Lost(LossKind.NAME),)
    directory = f"{LABEL_DIRECTORY}/{context.split}"
    if image.content.boxes is None:
        unlabelled.add(labels)
        return (Lost(LossKind.SHARED_FILE),) if context.files.holds(directory, labels) else ()
    rows = "".join(_rows(image.content, context))
    if labels in unlabelled or not context.files.put(directory, labels, rows.encode()):
        return (Lost(LossKind.SHARED_FILE),)
    out.write(f"./{IMAGE_DIRECTORY}/{context.split}/{image.name}\n".encode())
    return ()


def _rows(content: ImageLabels, context: WriterContext) -> Iterator[str]:
    """Yield a row for each box; six digits keep a pixel of any image, by far."""
    wide, high, _ = content.size or (1, 1, 0)
    for box in content.boxes or ():
        (left, width), (top, height) = _pixels(box.left, box.width), _pixels(box.top, box.height)
        x, y = (left + width / 2) / wide, (top + height / 2) / high
        yield f"{context.classes[box.label]} {x:.6f} {y:.6f} {width / wide:.6f} {height / high:.6f}\n"


def _pixels(at: float, length: float) -> tuple[float, float]:
    """Return an edge and a length in whole pixels, rounded as `convert` does: six digits carry no half pixel."""
    if type(at) is type(length) is int:
        return at, length
    start, end = Decimal(repr(at)), Decimal(repr(at)) + Decimal(repr(length))
    return nearest(start), nearest(end) - nearest(start)


def _finish(summary: AllSplits) -> None:
    """Write ``data.yaml``; Ultralytics validates with the test split, as training in Custom Labels does."""
    roles = {"train": ("train",), "test": ("val", "test")}
    lines = [f"{role}: {split}.txt\n" for split in summary.splits for role in roles[split]]
    names = "".join(f"  {number}: {_quoted(label)}\n" for label, number in summary.classes.items())
    with summary.files.create("data.yaml") as out:
        out.write(f"{''.join(lines)}names:{'' if names else ' {}'}\n{names}".encode())


def _quoted(text: str) -> str:
    """Return a label as a double-quoted scalar, so that ``no`` and ``1`` stay text."""
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", orjson.dumps(text).decode())


YOLO: Final = Format(
    _split,
    frozenset({LossKind.UNLABELLED}),
    images=f"{IMAGE_DIRECTORY}/{{split}}",
    numbered=True,
    finish=_finish,
)
