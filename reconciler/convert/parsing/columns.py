"""
Determine the meaning of columns: from the header, from --columns, or from the cells of a known layout.

Nothing is guessed. An unknown layout is one error with the recognized columns and a correct --columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from reconciler.convert.geometry import number
from reconciler.convert.images import is_image
from reconciler.convert.parsing.headers import INDEX, KNOWN, MORE_LABELS, WITHOUT_LABELS, Role
from reconciler.convert.record import BadFile
from reconciler.core.validation import codes
from reconciler.core.validation.problem import Origin
from reconciler.errors import UsageError

CORNERS: Final = (Role.XMIN, Role.YMIN, Role.XMAX, Role.YMAX)
LENGTHS: Final = (Role.X, Role.Y, Role.WIDTH, Role.HEIGHT)
CENTERED: Final = (Role.X_CENTER, Role.Y_CENTER, Role.WIDTH, Role.HEIGHT)
BOX_FORMS: Final = (CORNERS, LENGTHS, CENTERED, (Role.BBOX,), (Role.SHAPE, Role.ATTRIBUTES))
_MARKS: Final = ("0", "1")  # most cells of a table with a column for each class
_OF_BOXES: Final = frozenset(role for form in BOX_FORMS for role in form)


@dataclass(frozen=True, slots=True)
class Layout:
    """
    The roles of the columns of a table.

    Attributes:
        at: Role -> indices of its columns, from 0.
        names: The header, if there is one.
        open_ended: Whether cells beyond the last column are labels, too.
        unread: Columns with unknown names.
        declared: Whether the layout comes from --columns, which permits numbers as labels.
        shares: Whether boxes are always fractions of the image; otherwise their numbers decide.
        extension: The suffix that names of images lack in this layout.
    """

    at: Mapping[Role, Sequence[int]]
    names: Sequence[str] = ()
    open_ended: bool = False
    unread: Sequence[str] = ()
    declared: bool = False
    shares: bool = False
    extension: str = ""

    @property
    def box_form(self) -> Sequence[Role]:
        """The roles that describe a box; empty in a table of image-level labels."""
        return next((form for form in BOX_FORMS if self.at.keys() >= set(form)), ())

    @property
    def spelled(self) -> str:
        """The known roles in the syntax of --columns."""
        return ",".join(
            f"{role}={self._called(at[0])}" for role, at in self.at.items() if role is not Role.CLASS
        )

    def _called(self, column: int) -> str:
        return self.names[column] if self.names else str(column + 1)


def layout_of(rows: Sequence[Sequence[str]], origin: Origin) -> Layout:
    """
    Return the layout of a table that has at least one row.

    Raises:
        BadFile: The layout is not known.
    """
    first = rows[0]
    found = _by_header(first, origin)
    content = next((row for row in rows[found is not None :] if any(cell.strip() for cell in row[1:])), ())
    if found is None:
        return _by_cells(first, content or first, origin)
    if Role.CLASS in found.at:
        names = [found.names[column] for column in found.at[Role.CLASS]]
        if repeated := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
            raise _unknown(found, repeated, origin)
        cells = [content[column] if column < len(content) else "" for column in found.at[Role.CLASS]]
        if content and any(mark(cell) is None for cell in cells):
            raise _unknown(found, names, origin)
        if any(_is_code(row[at]) for row in rows[1:] for at in found.at[Role.CLASS] if at < len(row)):
            raise _unknown(found, names, origin)
    return found


def declared(columns: Mapping[str, Sequence[str]], first: Sequence[str], origin: Origin) -> Layout:
    """
    Return the layout that --columns describes.

    Raises:
        UsageError: A column does not exist, or a box lacks a side.
    """
    names = [cell.strip() for cell in first]
    has_header = not all(
        value.isascii() and value.isdigit() for values in columns.values() for value in values
    )
    known = names if has_header else []
    at = {
        Role(role): [_column(value, known, len(names), origin) for value in values]
        for role, values in columns.items()
    }
    layout = Layout(at, names if has_header else (), declared=True)
    if at.keys() & _OF_BOXES and not layout.box_form:
        raise UsageError(f"--columns: a box needs {_alternatives()}")
    if layout.box_form and not (Role.LABEL in at or Role.ATTRIBUTES in at):
        raise UsageError("--columns: a box needs a label")
    if Role.CLASS in at and not has_header:
        raise UsageError("--columns: a class is the name of its column: give names, not numbers")
    return layout


def mark(cell: str) -> bool | None:
    """Return the value of a cell in a class column; None if it is neither 0 nor 1."""
    text = cell.strip().lower()
    found = {"true": 1, "false": 0}.get(text, number(text))
    return bool(found) if found in (0, 1) else None


def _column(value: str, names: Sequence[str], count: int, origin: Origin) -> int:
    if value in names:
        return names.index(value)
    if value.isascii() and value.isdigit() and 1 <= int(value) <= count:
        return int(value) - 1
    listed = ", ".join(f"“{name}”" for name in names[:12]) or f"{count}"
    raise UsageError(f"{origin}: --columns: there is no column “{value[:60]}”; there are {listed[:300]}")


def _plain(cell: str) -> str:
    return re.sub(r"[^a-z0-9]", "", cell.lower())


def _is_code(cell: str) -> bool:
    """Return whether a cell shows that its column is not a class: a number other than 0, 1 and -1 (unsure)."""
    return cell not in _MARKS and number(cell) not in (None, -1, 0, 1)


def _by_header(first: Sequence[str], origin: Origin) -> Layout | None:
    """Return the layout of the header; None if the first row is not a header."""
    plain = [_plain(cell) for cell in first]
    at = {role: [plain.index(name)] for role, names in KNOWN.items() for name in names[::-1] if name in plain}
    if Role.IMAGE not in at or any(is_image(cell) or number(cell) is not None for cell in first):
        return None
    names = [cell.strip() for cell in first]
    form = _keep_one_form(at, plain)
    if not form and (parts := at.keys() & _OF_BOXES):
        sides = [names[at.pop(role)[0]] for role in Role if role in parts]
        raise _unknown(Layout(at, names), list(dict.fromkeys(sides)), origin)
    image, label = at[Role.IMAGE][0], at.get(Role.LABEL)
    images = {column for column, name in enumerate(plain) if name in KNOWN[Role.IMAGE]}
    if label and not form:
        at[Role.LABEL] = label = sorted({label[0], *_more_labels(plain, label[0])} - images)
    taken = {column for columns in at.values() for column in columns}
    left = [
        column
        for column, name in enumerate(plain)
        if column not in taken | images and not (name in INDEX and (column == 0 or not first[column].strip()))
    ]
    others = sorted(images - {image})
    if not form and not label:
        if others and not left:  # an Id beside the image may well be its label
            raise _unknown(Layout(at, names), [names[column] for column in others], origin)
        at |= {Role.CLASS: left} if left else {}
        left = []
    else:
        left = [column for column in left if plain[column] not in WITHOUT_LABELS]
    layout = Layout(
        at,
        names,
        open_ended=bool(label and not form and max(label) == len(first) - 1),
        unread=[names[column] for column in (*others, *left)],
        shares=(is_open := "imageid" in plain and "labelname" in plain),
        extension=".jpg" if is_open and form else "",
    )
    if form and not label and Role.ATTRIBUTES not in form:
        raise _unknown(layout, layout.unread, origin)
    return layout


def _more_labels(plain: Sequence[str], known: int) -> Iterator[int]:
    """Yield the other columns with labels, given one: of its name, numbered, or without a name after it."""
    for column, name in enumerate(plain):
        if name == plain[known] or MORE_LABELS.fullmatch(name) or (not name and column > known):
            yield column


def _keep_one_form(at: dict[Role, list[int]], plain: Sequence[str]) -> Sequence[Role]:
    """Return the roles that describe a box, and drop those of other box forms from *at*."""
    form = next((form for form in reversed(BOX_FORMS) if at.keys() >= set(form)), ())
    if at.keys() >= set(CORNERS) and Role.SHAPE not in form:
        form = CORNERS
    if Role.WIDTH not in form:
        for side, of_image in ((Role.WIDTH, Role.IMAGE_WIDTH), (Role.HEIGHT, Role.IMAGE_HEIGHT)):
            if side in at and plain[at[side][0]] in ("width", "height"):
                at.setdefault(of_image, at.pop(side))
    if form:
        for role in _OF_BOXES - set(form):
            at.pop(role, None)
    return form


def _by_cells(first: Sequence[str], content: Sequence[str], origin: Origin) -> Layout:
    """Return the layout of a table without a header, from the kinds of cells in one row."""
    kinds, starts = "".join(map(_kind, content)), _kind(first[0])
    if starts == "i" and re.fullmatch("i[T-]*", kinds):
        return Layout({Role.IMAGE: [0], Role.LABEL: range(1, len(first))}, open_ended=True)
    if starts == "i" and re.fullmatch("innnnT-*", kinds):  # RetinaNet
        return _numbered({Role.IMAGE: 0, **dict(zip(CORNERS, range(1, 5), strict=True)), Role.LABEL: 5})
    if re.fullmatch("Tnnnninn-*", kinds):  # makesense.ai
        sides = dict(zip(LENGTHS, range(1, 5), strict=True))
        size = {Role.IMAGE_WIDTH: 6, Role.IMAGE_HEIGHT: 7}
        return _numbered({Role.LABEL: 0, **sides, Role.IMAGE: 5, **size})
    known = Layout({Role.IMAGE: [0]} if starts == "i" else {})
    raise _unknown(known, first[len(known.at) :], origin)


def _numbered(columns: Mapping[Role, int]) -> Layout:
    return Layout({role: [column] for role, column in columns.items()})


def _kind(cell: str) -> str:
    """Return i for the name of an image, n for a number, - for an empty cell, and T for other text."""
    if not cell.strip():
        return "-"
    if number(cell) is not None:
        return "n"
    return "i" if is_image(cell) else "T"


def _unknown(layout: Layout, strange: Sequence[str], origin: Origin) -> BadFile:
    cells = ", ".join(f"“{cell.strip()[:40]}”" for cell in strange[:8])
    known = layout.spelled
    strangers = f"{cells} is not" if cells else "no column with labels is"
    message = (
        f"{known or 'no column'} is understood, and {strangers}: name the columns, such as "
        f"--columns {known or 'image=…'},label=… (by header or by number from 1; boxes: {_alternatives()})"
    )
    return BadFile(codes.OTHER_FORMAT, message, origin)


def _alternatives() -> str:
    return " or ".join(",".join(f"{role}=" for role in form) for form in BOX_FORMS[:4])
