"""Read one row of a table as an image with labels or boxes, for each layout."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final, NamedTuple

from reconciler.convert.geometry import (
    around,
    exact,
    from_centre,
    from_corner,
    from_edges,
    is_predicted,
    number,
    prediction,
    region_of_via,
    sides,
)
from reconciler.convert.images import is_image
from reconciler.convert.parsing.class_names import MID
from reconciler.convert.parsing.columns import CENTERED, CORNERS, Layout, mark
from reconciler.convert.parsing.headers import Role
from reconciler.convert.record import BadFile, Crowd, LabelledImage, Options, Rectangle, odd, wrong
from reconciler.core.validation import codes
from reconciler.core.validation.problem import Origin

_GROUP: Final = "a box around a group of objects is left out; --crowd box keeps it"
_PARTS: Final = frozenset({"TRAIN", "TRAINING", "VALIDATION", "VALIDATE", "TEST", "UNASSIGNED"})
_UNLABELLED: Final = ("unlabeled", "unlabelled")


class Row(NamedTuple):
    cells: Sequence[str]
    origin: Origin

    def at(self, layout: Layout, role: Role) -> str:
        """Return the first cell of a role; empty if the row has no such cell."""
        columns = layout.at.get(role, ())
        return self.cells[columns[0]] if columns and columns[0] < len(self.cells) else ""


def is_vertex(row: Row) -> bool:
    """Return whether a row is from an import file of Google's AutoML or Vertex AI."""
    uri = row.cells[_uri(row)] if len(row.cells) > _uri(row) else ""
    return bool(_uri(row) and is_image(uri)) or (uri.startswith("gs://") and is_image(uri))


def vertex_split(row: Row) -> str:
    return row.cells[0] if _uri(row) else ""


def vertex(row: Row, names: Mapping[int | str, str]) -> LabelledImage:
    """
    Read ``[ML_USE,]URI,label…`` or ``[ML_USE,]URI,label,x,y,…`` with 2 or 4 corners as fractions.

    Raises:
        BadFile: A label is a number.
    """
    name, *cells = row.cells[_uri(row) :]
    label, points = (cells or [""])[0], [cell.strip() for cell in cells[1:]]
    if not any(number(cell) is not None for cell in points):
        labels = tuple(text for cell in cells if cell.strip() for text in [named(cell, names, row, None)])
        return LabelledImage(name, row.origin, labels=labels)
    pairs = [pair for pair in zip(points[::2], points[1::2], strict=False) if any(pair)]
    known = exact(cell for pair in pairs for cell in pair)
    if len(pairs) not in (2, 4) or not known:
        return _bad(name, row, "after the label two or four corners x,y are expected")
    return LabelledImage(name, row.origin, boxes=(around(named(label, names, row, None), known, row.origin),))


def labels(row: Row, layout: Layout, names: Mapping[int | str, str]) -> LabelledImage:
    """
    Read image-level labels. Empty cells are skipped, as spreadsheets pad rows with them.

    Raises:
        BadFile: A label is a number.
    """
    columns = [column for column in layout.at.get(Role.LABEL, ()) if column < len(row.cells)]
    if layout.open_ended:
        columns += range(max(layout.at[Role.LABEL], default=0) + 1, len(row.cells))
    cells = [row.cells[column] for column in columns if row.cells[column]]
    confidence = number(row.at(layout, Role.CONFIDENCE))
    found = () if confidence == 0 else tuple(named(cell, names, row, layout) for cell in cells)
    return LabelledImage(row.at(layout, Role.IMAGE), row.origin, labels=found)


def marks(row: Row, layout: Layout) -> LabelledImage:
    """Read a row with 0 or 1 for each class. A column named Unlabeled is not a class."""
    name, columns = row.at(layout, Role.IMAGE), layout.at[Role.CLASS]
    found = {layout.names[at]: mark(row.cells[at]) if at < len(row.cells) else None for at in columns}
    if None in found.values() or any(cell.strip() for cell in row.cells[len(layout.names) :]):
        message = f"{len(layout.names)} cells are expected, those of the {len(columns)} classes each 0 or 1"
        return _bad(name, row, message)
    labelled = [label for label, is_set in found.items() if is_set]
    unlabelled = [label for label in labelled if label.lower() in _UNLABELLED]
    if unlabelled and len(labelled) > 1:
        return _bad(name, row, f"the image is “{unlabelled[0]}”, and labelled: {', '.join(labelled)[:60]}")
    return LabelledImage(name, row.origin, labels=() if unlabelled else tuple(labelled))


def box(row: Row, layout: Layout, names: Mapping[int | str, str], options: Options) -> LabelledImage:
    """
    Read one box, or an image without boxes if all cells of the box are empty.

    Raises:
        BadFile: A label is a number.
    """
    name = row.at(layout, Role.IMAGE)
    size = _size(row, layout)
    if isinstance(size, str):
        return _bad(name, row, size)
    image = LabelledImage(name, row.origin, boxes=(), size=size)
    form = layout.box_form
    cells = [row.at(layout, role) for role in (*form, Role.LABEL)]
    if not any(cell.strip() for cell in cells):
        return image
    if Role.SHAPE in form:
        return _region(row, layout, options, image)
    if options.crowd is not Crowd.BOX and number(row.at(layout, Role.GROUP)) == 1:
        return replace(image, boxes=None, problems=(odd(codes.LEFT_OUT, _GROUP, row.origin),))
    words = cells[0].strip(" []()").replace(",", " ").split() if form == (Role.BBOX,) else cells[:-1]
    known = exact(words)
    if len(known) != 4:
        return _bad(name, row, _no_numbers(form, cells[:-1]))
    label = named(cells[-1], names, row, layout)
    if is_predicted(confidence := row.at(layout, Role.CONFIDENCE)):
        return replace(image, problems=(prediction(label, confidence, row.origin, _columns_left(layout)),))
    edges = from_edges if form == CORNERS else from_centre if form == CENTERED else from_corner
    return replace(image, boxes=(Rectangle(label, *edges(*known), row.origin),))


def _no_numbers(form: Sequence[Role], cells: Sequence[str]) -> str:
    """Return the problem of the cells of a box."""
    wanted = "four numbers [x, y, width, height]" if form == (Role.BBOX,) else "numbers"
    cell = next((cell for cell in cells if number(cell) is None), "").strip()
    way = ", with a decimal point" if number(cell.replace(",", ".")) is not None else ""
    return f"{', '.join(form)} must be {wanted}{way}, and one is “{cell[:40]}”"


def named(cell: str, names: Mapping[int | str, str], row: Row, layout: Layout | None) -> str:
    """
    Return the label in a cell; for a class number, its name if names are known.

    Raises:
        BadFile: The cell holds a number or a list that cannot be taken as a label.
    """
    found = number(cell)
    if layout is not None and layout.declared and not names:
        return cell
    if found is None:
        if MID.fullmatch(cell) and cell not in names:
            message = (
                f"the label {cell} is an id: --classes class-descriptions.csv of Open Images has its name"
            )
            raise BadFile(codes.NO_CLASS, message, row.origin)
        if cell.lstrip().startswith(("[", "{")):
            message = (
                f"one label is expected, and the cell holds {cell.strip()[:40]}: give each a cell of its own"
            )
            raise BadFile(codes.OTHER_FORMAT, message, row.origin)
        return names.get(cell, cell)
    if names and found == found.to_integral_value() and int(found) in names:
        return names[int(found)]
    if names:
        raise BadFile(codes.NO_CLASS, f"the class {cell[:20]} has no name; {len(names)} have one", row.origin)
    message = (
        f"a label is expected, and the cell holds the number {cell.strip()[:20]}: --classes FILE names classes, "
        f"and --columns {layout.spelled if layout else 'image=…,label=…'} takes the numbers as labels"
    )
    raise BadFile(codes.OTHER_FORMAT, message, row.origin)


def _uri(row: Row) -> int:
    """Return the index of the URI column: 1 if the first column is the name of a split, else 0."""
    return int(row.cells[0].strip().upper() in _PARTS)


def _bad(name: str, row: Row, message: str) -> LabelledImage:
    return LabelledImage(name, row.origin, problems=(wrong(codes.BAD_RECORD, message, row.origin),))


def _size(row: Row, layout: Layout) -> tuple[int, int] | str | None:
    """Return the size that a row states; None if it states none, or a message if it is invalid."""
    if not layout.at.keys() >= {Role.IMAGE_WIDTH, Role.IMAGE_HEIGHT}:
        return None
    size = sides(row.at(layout, Role.IMAGE_WIDTH), row.at(layout, Role.IMAGE_HEIGHT))
    return size or "width and height must be whole numbers"


def without_groups(image: LabelledImage, options: Options) -> LabelledImage:
    """Add an error to an image whose boxes were all group boxes: it is not an image without objects."""
    groups = [problem for problem in image.problems if problem.message == _GROUP]
    if image.boxes is not None or options.crowd is not None or not groups:
        return image
    message = f"{_GROUP}; the image has no others, and --crowd skip makes it unlabelled"
    return replace(image, problems=(*image.problems, wrong(codes.NO_BOX, message, image.origin)))


def _columns_left(layout: Layout) -> str:
    """Return how to read the boxes of a table without looking at their confidence."""
    kept = replace(layout, at={role: at for role, at in layout.at.items() if role is not Role.CONFIDENCE})
    return f"; --columns {kept.spelled} takes all boxes as labels"


def _region(row: Row, layout: Layout, options: Options, image: LabelledImage) -> LabelledImage:
    """Read a VIA region from JSON. An image without one is unlabelled: it may not be annotated yet."""
    texts = [row.at(layout, role) for role in (Role.SHAPE, Role.ATTRIBUTES)]
    try:
        shape, attributes = (json.loads(text or "{}", parse_float=Decimal) for text in texts)
    except (ValueError, RecursionError):
        return _bad(image.name, row, "region_shape_attributes and region_attributes must be JSON")
    if not isinstance(shape, dict) or not isinstance(attributes, dict):
        return _bad(image.name, row, "region_shape_attributes and region_attributes must be objects")
    if not shape:
        return replace(image, boxes=None)
    box = region_of_via(shape, attributes, row.origin, options)
    return LabelledImage.of(image.name, row.origin, [box], size=image.size)
