"""
Where every line of a drawing goes, in pixels of the image.

What git desires is drawn solid, what AWS holds dashed. A move too small to be seen gets a loupe: the corner
that moved most, or the whole of a small box, enlarged until the move is seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import hypot
from typing import Final, NamedTuple

from reconciler.core.drift.boxes import BoxPair
from reconciler.core.drift.kinds import ImageView
from reconciler.core.entries.training_view import Box
from reconciler.reports.drift.words import overlap
from reconciler.reports.visible import shortened

# A drawing is about this many units wide or high where it is shown; letters and arrows are measured in them.
UNITS: Final = 360

# A move of fewer units is magnified; of fewer still, its arrow would be a blot.
_SMALL: Final = 14
_BLOT: Final = 4

# A box of fewer units is magnified, whatever happened to it.
_TINY: Final = 30
_LOUPES: Final = 3

# A box up to this many times larger than its move is shown whole.
_WHOLE: Final = 6
_HEAD: Final = 6.0

# A letter of a note is about this many units wide; a label is cut where its image ends, but not to nothing.
_LETTER: Final = 6.2
_SHORTEST: Final = 3
_WIDEST: Final = 400
_HIGHEST: Final = 420

# What the size of an image takes in words, in units.
_SIZE_WIDE: Final = 70
_SIZE_HIGH: Final = 18
_NO_SIZE: Final = (400.0, 200.0)


class Side(StrEnum):
    """The side that has a box; the style of its line follows from it."""

    GIT = "git"
    AWS = "aws"
    BOTH = "both"


class Rect(NamedTuple):
    """A box as drawn; ``relabelled`` if its label is not the same on both sides."""

    x: float
    y: float
    width: float
    height: float
    side: Side
    relabelled: bool = False
    title: str = ""


class Note(NamedTuple):
    """A few words in a drawing, from their lower left corner."""

    x: float
    y: float
    text: str
    side: Side
    relabelled: bool = False


class Arrow(NamedTuple):
    """A straight line, and the three corners of its head."""

    x1: float
    y1: float
    x2: float
    y2: float
    head: str


class Loupe(NamedTuple):
    """
    A small square of the image, enlarged.

    Attributes:
        half: Half of its side, in pixels of the image.
    """

    x: float
    y: float
    half: float
    rects: tuple[Rect, ...]
    arrow: Arrow
    text: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """
    One image.

    Attributes:
        sized: Whether width and height are those of the image; else they only hold what is drawn.
        unit: Pixels of the image for one unit.
        frame: The sides that have this image.
    """

    width: float
    height: float
    sized: bool
    frame: Side
    rects: tuple[Rect, ...]
    arrows: tuple[Arrow, ...]
    notes: tuple[Note, ...]
    loupes: tuple[Loupe, ...]

    @property
    def unit(self) -> float:
        return max(self.width, self.height) / UNITS

    @property
    def has_room(self) -> bool:
        """Return whether the lower right corner is free for the size of the image in words."""
        width, height = self.width - _SIZE_WIDE * self.unit, self.height - _SIZE_HIGH * self.unit
        return width > 0 and not any(
            rect.x + rect.width > width and rect.y + rect.height > height for rect in self.rects
        )

    @property
    def shown(self) -> tuple[float, float]:
        """Return width and height on the screen, in CSS pixels, where there is room."""
        scale = min(_WIDEST / self.width, _HIGHEST / self.height)
        return round(self.width * scale, 2), round(self.height * scale, 2)


def draw(seen: ImageView, size: tuple[float, float] | None = None, *, pending: bool = False) -> Drawing:
    """
    Lay out one image. Boxes that did not change lie below those that did.

    Args:
        size: Width and height of the image where it could be read; used if its lines state none.
        pending: Whether git alone moved: then arrows lead to where git has a box, for AWS to follow.
    """
    width, height, sized = _extent(seen, size)
    unit = max(width, height) / UNITS
    pairs = sorted(seen.boxes, key=lambda pair: not pair.is_same)
    changed = [pair.turned if pending else pair for pair in pairs if not pair.is_same]
    moved = [pair for pair in changed if pair.is_moved]
    frame = Side.GIT if seen.observed is None else Side.AWS if seen.desired is None else Side.BOTH
    named = [pair for pair in pairs if frame is not Side.BOTH or not pair.is_same]
    return Drawing(
        width=width,
        height=height,
        sized=sized,
        frame=frame,
        rects=tuple(rect for pair in pairs for rect in _rects(pair)),
        arrows=tuple(found for pair in moved if (found := _joining(pair, unit))),
        notes=tuple(_note(pair, unit, width, frame, pending=pending) for pair in named),
        loupes=tuple(loupe for pair in changed if (loupe := _loupe(pair, unit, pending=pending)))[:_LOUPES],
    )


def _extent(seen: ImageView, looked_at: tuple[float, float] | None) -> tuple[float, float, bool]:
    """Return the size of the image, or, where it is not known, of a canvas that holds every box."""
    size = seen.size or looked_at
    if size and min(size) > 0:
        return (*size, True)
    boxes = [box for pair in seen.boxes for box in pair if box]
    if not boxes:
        return (*_NO_SIZE, False)
    right = max(box.left + box.width for box in boxes)
    bottom = max(box.top + box.height for box in boxes)
    return max(right * 1.05, 1.0), max(bottom * 1.05, 1.0), False


def _rects(pair: BoxPair) -> list[Rect]:
    ours, theirs = pair.desired, pair.observed
    if ours is not None and theirs is not None and pair.is_same:
        return [_rect(ours, Side.BOTH, relabelled=False)]
    sides = ((ours, Side.GIT), (theirs, Side.AWS))
    return [_rect(box, side, relabelled=pair.is_relabelled) for box, side in sides if box is not None]


def _rect(box: Box, side: Side, *, relabelled: bool) -> Rect:
    return Rect(box.left, box.top, max(box.width, 0), max(box.height, 0), side, relabelled, box.label)


def _note(pair: BoxPair, unit: float, width: float, frame: Side, *, pending: bool) -> Note:
    """Name a box at its upper left corner, within the canvas."""
    ours, theirs = pair.desired, pair.observed
    box = theirs or ours
    assert box is not None  # noqa: S101  a pair has a side
    side = Side.GIT if theirs is None else Side.AWS
    text, figure = box.label, ""
    if ours is not None and theirs is not None:
        before, after = (theirs, ours) if pending else (ours, theirs)
        text = f"{before.label} → {after.label}" if pair.is_relabelled else after.label
        figure = f"  IoU {overlap(pair.iou or 0.0)}" if pair.is_moved else ""
    elif frame is Side.BOTH:
        text = f"{'+' if bool(theirs) is not pending else '−'} {text}"  # noqa: RUF001  a minus sign, for it is seen
    text = shortened(text, max(int(width / unit / _LETTER) - len(figure) - 2, _SHORTEST)) + figure
    left = min(max(box.left, 0), max(width - _width(text) * unit, 0)) + 2 * unit
    top = min(box.top, ours.top) if ours else box.top
    above = top - 4 * unit
    return Note(left, above if above > 11 * unit else top + 13 * unit, text, side, pair.is_relabelled)


def _width(text: str) -> float:
    """Guess how wide a text is, in units."""
    return _LETTER * len(text) + 4


def _joining(pair: BoxPair, unit: float) -> Arrow | None:
    """Lead from the middle of a box to where it is now, unless it hardly moved."""
    ours, theirs = pair.desired, pair.observed
    if ours is None or theirs is None:
        return None
    x1, y1 = ours.left + ours.width / 2, ours.top + ours.height / 2
    x2, y2 = theirs.left + theirs.width / 2, theirs.top + theirs.height / 2
    return arrow(x1, y1, x2, y2, _HEAD * unit) if hypot(x2 - x1, y2 - y1) > _BLOT * unit else None


def arrow(x1: float, y1: float, x2: float, y2: float, head: float) -> Arrow:
    """Return an arrow whose head takes at most half of it."""
    length = hypot(x2 - x1, y2 - y1)
    if length == 0:
        return Arrow(x1, y1, x2, y2, "")
    size = min(head, length / 2)
    across, along = (x2 - x1) / length, (y2 - y1) / length
    back_x, back_y = x2 - across * size, y2 - along * size
    corners = (
        (x2, y2),
        (back_x - along * size / 2, back_y + across * size / 2),
        (back_x + along * size / 2, back_y - across * size / 2),
    )
    points = " ".join(f"{x:.2f},{y:.2f}" for x, y in corners)
    return Arrow(x1, y1, back_x, back_y, points)


def _loupe(pair: BoxPair, unit: float, *, pending: bool) -> Loupe | None:
    """Enlarge a small move, or a small box that came, went, or has another label."""
    if pair.desired is not None and pair.observed is not None and pair.is_moved:
        found = _enlarged_move(pair.desired, pair.observed, unit)
    else:
        found = _enlarged_box(pair, unit)
    return found and found._replace(rects=tuple(_rects(pair.turned if pending else pair)))


def _enlarged_move(ours: Box, theirs: Box, unit: float) -> Loupe | None:
    before, after = max(
        zip(_corners(ours), _corners(theirs), strict=True),
        key=lambda corner: hypot(corner[1][0] - corner[0][0], corner[1][1] - corner[0][1]),
    )
    by = hypot(after[0] - before[0], after[1] - before[1])
    if not by < _SMALL * unit:
        return None
    half, x, y = 2 * by, (before[0] + after[0]) / 2, (before[1] + after[1]) / 2
    if (whole := 0.9 * max(ours.width, ours.height, theirs.width, theirs.height)) < _WHOLE * by:
        half = max(half, whole)
        x = (ours.left + theirs.left + (ours.width + theirs.width) / 2) / 2
        y = (ours.top + theirs.top + (ours.height + theirs.height) / 2) / 2
    return Loupe(x, y, half, (), arrow(*before, *after, half / 4), f"{by:.3g} px")


def _enlarged_box(pair: BoxPair, unit: float) -> Loupe | None:
    box = pair.desired or pair.observed
    if box is None or not 0 < (side := max(box.width, box.height)) < _TINY * unit:
        return None
    x, y = box.left + box.width / 2, box.top + box.height / 2
    return Loupe(x, y, side, (), arrow(x, y, x, y, 0), f"{box.width:g} × {box.height:g} px")  # noqa: RUF001


def _corners(box: Box) -> tuple[tuple[float, float], ...]:
    right, bottom = box.left + box.width, box.top + box.height
    return (box.left, box.top), (right, box.top), (box.left, bottom), (right, bottom)
