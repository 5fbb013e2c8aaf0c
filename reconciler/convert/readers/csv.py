"""
CSV: image-level labels or boxes, in the common layouts.

`columns` determines the meaning of each column, `row_forms` reads a row. Rows of one image are combined.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from reconciler.convert.images import IMAGES, ending_in, is_image, sized
from reconciler.convert.parsing.class_names import names_in
from reconciler.convert.parsing.columns import Layout, declared, layout_of
from reconciler.convert.parsing.headers import Role
from reconciler.convert.parsing.row_forms import (
    Row,
    box,
    is_vertex,
    labels,
    marks,
    vertex,
    vertex_split,
    without_groups,
)
from reconciler.convert.parsing.splits import select_split
from reconciler.convert.recognition import InputFormat
from reconciler.convert.record import BadFile, LabelledImage, Options, Read, display, odd, text_of, wrong
from reconciler.core.validation import codes
from reconciler.core.validation.problem import Origin, has_error
from reconciler.errors import UsageError

_SEPARATORS: Final = ",;\t|"
DESCRIPTIONS: Final = "*class-descriptions*.csv"
"""Names of the classes of Open Images, beside its tables."""

_MIN_PIXELS: Final = 2
"""A box must be longer than one pixel: if no edge reaches this, all are fractions of the image size."""


def read_csv(path: Path, options: Options) -> Iterator[Read]:
    """Read one file."""
    rows, layout = _understood(text_of(path), display(path), options)
    if not rows:
        return
    described = options.classes or next(iter(sorted(path.parent.glob(DESCRIPTIONS))), None)
    names = names_in(described) if described else {}
    rows, notes = select_split(_splits(rows, layout), options, unit="rows")
    images: dict[str, LabelledImage] = {}
    for row in rows:
        found = _image(row, layout, names, options)
        if not found.name:
            yield wrong(codes.BAD_RECORD, "the cell with the name of the image is empty", row.origin)
            continue
        known = images.get(found.name)
        images[found.name] = _added(known, found) if known else found
    if layout is not None and layout.unread:
        listed = ", ".join(f"“{name[:40]}”" for name in layout.unread[:12])
        notes = [
            *notes,
            odd(codes.LEFT_OUT, f"columns that are not known are not read: {listed}", rows[0].origin),
        ]
    if layout is not None and not layout.names and not layout.declared:
        _refuse_lengths(images.values(), layout)
    yield from notes
    directory = options.images or path.parent
    shares = layout is None or layout.shares or _are_shares(images.values())
    complete = [
        _completed(without_groups(image, options), directory, options, shares=shares)
        for image in images.values()
    ]
    if options.extension is None:
        _refuse_ids(complete)
    yield from complete


INPUT: Final = InputFormat(read_csv)


def _understood(text: str, name: str, options: Options) -> tuple[list[Row], Layout | None]:
    """
    Return the rows below the header, if there is one, and their layout; None for Vertex AI files.

    Raises:
        BadFile: No separator yields a known layout.
    """
    text, skipped, named = _without_hint(text)
    first = text.split("\n", 1)[0]
    separators = named or [one for one in _SEPARATORS if one in first] or _SEPARATORS[0]
    refusal: BadFile | UsageError | None = None
    for separator in separators:
        try:
            rows = _rows(text, name, separator, skipped)
            if not rows or is_vertex(rows[0]):
                return rows, None
            layout = _layout(rows, options)
        except (BadFile, UsageError) as exc:
            refusal = refusal or exc
            continue
        return _after_header(rows) if layout.names else rows, layout
    raise refusal or AssertionError


def _without_hint(text: str) -> tuple[str, int, str]:
    """Return the text without a leading ``sep=`` line, the number of lines removed, and the separator."""
    first, _, rest = text.partition("\n")
    hint = first.rstrip("\r").strip('"')
    if hint[:4].lower() == "sep=" and len(hint) == 5:
        return rest, 1, hint[4]
    return text, 0, ""


def _layout(rows: Sequence[Row], options: Options) -> Layout:
    first = rows[0]
    if options.columns:
        return declared(options.columns, first.cells, first.origin)
    return layout_of([row.cells for row in rows], first.origin)


def _after_header(rows: Sequence[Row]) -> list[Row]:
    """Return the rows below the header; strip spaces beside separators, on the sides where the header has them."""
    head, *rest = rows
    several = len(head.cells) > 1
    before = several and all(cell.endswith(" ") for cell in head.cells[:-1])
    after = several and all(cell.startswith(" ") for cell in head.cells[1:])
    if before and after:
        return [Row([cell.strip(" ") for cell in row.cells], row.origin) for row in rest]
    if before:
        return [Row([cell.removesuffix(" ") for cell in row.cells], row.origin) for row in rest]
    if after:
        return [Row([cell.removeprefix(" ") for cell in row.cells], row.origin) for row in rest]
    return rest


def _rows(text: str, name: str, separator: str, skipped: int) -> list[Row]:
    """Return every row that is not blank, with the line on which it starts."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    found: list[Row] = []
    while True:
        origin = Origin(name, reader.line_num + 1 + skipped)
        try:
            cells = next(reader)
        except StopIteration:
            return found
        except csv.Error as exc:
            raise BadFile(codes.OTHER_FORMAT, f"not valid CSV: {exc}", origin) from exc
        if any(cells):
            found.append(Row(cells, origin))


def _splits(rows: Sequence[Row], layout: Layout | None) -> list[tuple[str, Row]]:
    part: Callable[[Row], str] = vertex_split
    if layout is not None:
        part = partial(Row.at, layout=layout, role=Role.SPLIT)
    return [(part(row), row) for row in rows]


def _image(
    row: Row, layout: Layout | None, names: Mapping[int | str, str], options: Options
) -> LabelledImage:
    if layout is None:
        return vertex(row, names)
    if layout.box_form:
        found = box(row, layout, names, options)
    elif Role.CLASS in layout.at:
        found = marks(row, layout)
    else:
        found = labels(row, layout, names)
    if layout.extension and options.extension is None and Path(found.name).suffix.lower() not in IMAGES:
        return replace(found, name=f"{found.name}{layout.extension}")
    return found


def _added(known: LabelledImage, more: LabelledImage) -> LabelledImage:
    problems = (*known.problems, *more.problems)
    if known.size and more.size and known.size != more.size:
        message = f"width and height differ from those at {known.origin}"
        problems = (*problems, wrong(codes.BAD_RECORD, message, more.origin))
    boxes = None if known.boxes is more.boxes is None else (*(known.boxes or ()), *(more.boxes or ()))
    labels = (*known.labels, *more.labels)
    return replace(known, labels=labels, boxes=boxes, size=known.size or more.size, problems=problems)


def _refuse_lengths(images: Iterable[LabelledImage], layout: Layout) -> None:
    """
    Reject numbers that cannot be corners, in a table without a header.

    Raises:
        BadFile: A box ends before it starts: the last two numbers may be lengths.
    """
    for item in (item for image in images for item in image.boxes or ()):
        if item.right < item.left or item.bottom < item.top:
            message = (
                "the box ends before it starts, so its numbers are not corners: say what they are, such as "
            )
            lengths = f"--columns {layout.spelled}".replace("xmin=", "x=").replace("ymin=", "y=")
            lengths = lengths.replace("xmax=", "width=").replace("ymax=", "height=")
            raise BadFile(codes.OTHER_FORMAT, f"{message}{lengths}", item.origin)


def _refuse_ids(images: Sequence[LabelledImage]) -> None:
    """
    Reject a table in which no name has an image suffix.

    Raises:
        BadFile: The names are ids, as in competition data sets.
    """
    if not images or any(is_image(image.name) for image in images):
        return
    first = images[0]
    message = (
        f"no name ends as that of an image, such as “{first.name[:40]}”: --extension .jpg completes the names, "
        "--images DIR finds their endings, and --extension none takes them as they are"
    )
    raise BadFile(codes.IMAGE_ADDRESS, message, first.origin)


def _are_shares(images: Iterable[LabelledImage]) -> bool:
    """Return whether the boxes must be fractions of the image: in pixels, none would be valid."""
    edges = [edge for image in images for item in image.boxes or () for edge in (item.right, item.bottom)]
    return bool(edges) and max(edges) < _MIN_PIXELS


def _completed(image: LabelledImage, directory: Path, options: Options, *, shares: bool) -> LabelledImage:
    """
    Return the image with its suffix and its size.

    Args:
        shares: Whether its boxes are fractions.

    Raises:
        UsageError: Its size is not known, and no directory of images was given.
    """
    if options.extension is None and (ending := ending_in(directory, image.name)):
        image = replace(image, name=f"{image.name}{ending}")
    if image.boxes is None or has_error(image.problems):
        return image
    image = replace(sized(image, options), shares=shares)
    is_searched = options.images or options.in_s3
    if image.size is None and not is_searched and not has_error(image.problems):
        text = f"{image.origin}: the size of “{image.name[:80]}” is not stated"
        raise UsageError(f"{text}: give --images, where the images are")
    return image
