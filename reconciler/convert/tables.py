"""
CSV, in the three forms that are met; a header tells them apart.

* ``image,label[,label…]``, with or without that header: labels of whole images, as AWS's own converter reads them.
* ``filename,width,height,class,xmin,ymin,xmax,ymax``, in any order: a box a row (TensorFlow, Roboflow).
* ``filename,CLASS,CLASS…``: a column a class, its cells 0 or 1 (Roboflow).

Rows of one image add up.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import Final, NamedTuple

from reconciler.convert.pixels import number, side
from reconciler.convert.record import BadFile, Options, Picture, Read, Rectangle, shown, text_of, wrong
from reconciler.core import codes_spec as codes
from reconciler.core.problem import Origin

_EDGES: Final = ("xmin", "ymin", "xmax", "ymax")
_BOX_COLUMNS: Final = frozenset({"filename", "width", "height", "class", *_EDGES})
_LABEL_COLUMNS: Final = frozenset({"label", "labels", "class", ""})
_OTHER_SEPARATORS: Final = ";\t|"


class _Row(NamedTuple):
    cells: Sequence[str]
    origin: Origin


_Form = Callable[[_Row], Picture]


def read_csv(path: Path, _: Options) -> Iterator[Read]:
    """Read one file."""
    rows = _rows(text_of(path), shown(path))
    first = next(rows, None)
    if first is None:
        return
    if len(first.cells) == 1 and (other := next((s for s in _OTHER_SEPARATORS if s in first.cells[0]), None)):
        message = f"the cells seem to be separated by {other!r}; a comma is expected"
        raise BadFile(codes.OTHER_FORMAT, message, first.origin)
    form, is_header = _form(first)
    pictures: dict[str, Picture] = {}
    for row in rows if is_header else chain([first], rows):
        if not row.cells[0]:
            yield wrong(codes.BAD_RECORD, "the first cell, the name of the image, is empty", row.origin)
            continue
        found = form(row)
        known = pictures.get(found.name)
        pictures[found.name] = _added(known, found) if known else found
    yield from pictures.values()


def _rows(text: str, name: str) -> Iterator[_Row]:
    """Give every row that is not blank, with the line on which it starts."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        origin = Origin(name, reader.line_num + 1)
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as exc:
            raise BadFile(codes.OTHER_FORMAT, f"not valid CSV: {exc}", origin) from exc
        if any(cells):
            yield _Row(cells, origin)


def _form(first: _Row) -> tuple[_Form, bool]:
    """Tell how rows are read, and whether the first is a header."""
    names = [cell.strip().lower() for cell in first.cells]
    if set(names) >= _BOX_COLUMNS:
        return (lambda row: _box(row, names)), True
    if names[0] == "filename" and not set(names[1:]) <= _LABEL_COLUMNS:
        classes = [cell.strip() for cell in first.cells[1:]]
        return (lambda row: _columns(row, classes)), True
    return _labels, names[0] in ("image", "filename")


def _labels(row: _Row) -> Picture:
    """Spreadsheets fill rows up with empty cells."""
    name, *labels = row.cells
    return Picture(name, row.origin, labels=tuple(label for label in labels if label))


def _columns(row: _Row, classes: Sequence[str]) -> Picture:
    name, *cells = row.cells
    marks = [cell.strip() for cell in cells]
    if len(marks) != len(classes) or not set(marks) <= {"0", "1"}:
        message = f"the name must be followed by {len(classes)} cells, each 0 or 1"
        return Picture(name, row.origin, problems=(wrong(codes.BAD_RECORD, message, row.origin),))
    labels = (label for label, mark in zip(classes, marks, strict=True) if mark == "1")
    return Picture(name, row.origin, labels=tuple(labels))


def _box(row: _Row, names: Sequence[str]) -> Picture:
    cells = dict(zip(names, row.cells, strict=False))
    name, label = cells["filename"], cells.get("class", "")
    width, height = side(cells.get("width")), side(cells.get("height"))
    match [number(cells.get(key)) for key in _EDGES]:
        case [Decimal() as left, Decimal() as top, Decimal() as right, Decimal() as bottom] if (
            width and height
        ):
            box = Rectangle(label, left, top, right, bottom, row.origin)
            return Picture(name, row.origin, boxes=(box,), size=(width, height))
    message = f"width and height must be whole numbers, and {', '.join(_EDGES)} numbers"
    return Picture(name, row.origin, problems=(wrong(codes.BAD_RECORD, message, row.origin),))


def _added(known: Picture, more: Picture) -> Picture:
    problems = (*known.problems, *more.problems)
    if known.size and more.size and known.size != more.size:
        message = f"width and height differ from those at {known.origin}"
        problems = (*problems, wrong(codes.BAD_RECORD, message, more.origin))
    boxes = None if known.boxes is more.boxes is None else (*(known.boxes or ()), *(more.boxes or ()))
    labels = (*known.labels, *more.labels)
    return replace(known, labels=labels, boxes=boxes, size=known.size or more.size, problems=problems)
