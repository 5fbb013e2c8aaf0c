"""
The pictures of the demo, drawn from what the specs say of each image.

Where a spec has a box, there is something in the picture; what somebody moves in the console is then seen
to be wrong. The same source-ref gives the same picture, everywhere: a PNG of the standard library alone.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from math import cos, isqrt, pi, sin
from random import Random
from typing import Final

from reconciler.core.entries.training_view import Meaning, TrainingBox

Colour = tuple[int, int, int]

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_EIGHT_BITS_RGB: Final = (8, 2, 0, 0, 0)


class Canvas:
    """
    Pixels, from the upper left corner. What lies outside is not drawn.

    Args:
        ground: Its colour before anything is drawn.
    """

    def __init__(self, width: int, height: int, ground: Colour) -> None:
        self.width = width
        self.height = height
        self._rows = [bytearray(bytes(ground) * width) for _ in range(height)]

    def rect(self, left: float, top: float, width: float, height: float, colour: Colour) -> None:
        """Fill a rectangle."""
        x1, x2 = max(round(left), 0), min(round(left + width), self.width)
        y1, y2 = max(round(top), 0), min(round(top + height), self.height)
        if x1 >= x2 or y1 >= y2:
            return
        line = bytes(colour) * (x2 - x1)
        for row in self._rows[y1:y2]:
            row[3 * x1 : 3 * x2] = line

    def disc(self, x: float, y: float, radius: float, colour: Colour) -> None:
        """Fill a circle around its middle."""
        self.oval(x, y, radius, radius, colour)

    def oval(self, x: float, y: float, across: float, down: float, colour: Colour) -> None:
        """Fill an oval around its middle."""
        high = max(round(down), 1)
        for step in range(-high, high + 1):
            half = across * isqrt(high * high - step * step) / high
            self.rect(x - half, y + step, 2 * half, 1, colour)

    def line(self, x1: float, y1: float, x2: float, y2: float, wide: float, colour: Colour) -> None:
        """Draw a straight line, one square after the other."""
        steps = max(round(max(abs(x2 - x1), abs(y2 - y1))), 1)
        for step in range(steps + 1):
            x, y = x1 + (x2 - x1) * step / steps, y1 + (y2 - y1) * step / steps
            self.rect(x - wide / 2, y - wide / 2, wide, wide, colour)

    def png(self) -> bytes:
        """Return the picture; the same pixels give the same bytes."""
        header = struct.pack(">IIBBBBB", self.width, self.height, *_EIGHT_BITS_RGB)
        pixels = zlib.compress(b"".join(b"\0" + row for row in self._rows), 6)
        return _SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


_SIZE: Final = (640.0, 480.0)

_MASK: Final = (22, 84, 58)
_TRACE: Final = (36, 112, 76)
_COPPER: Final = (196, 160, 92)
_TIN: Final = (186, 190, 194)
_SHADOW: Final = (14, 52, 38)
_BLACK: Final = (30, 31, 34)
_HOLE: Final = (12, 14, 13)

# Pixels between parts of a circuit board.
_APART: Final = 40

# Bands of a resistor.
_BANDS: Final = ((134, 62, 34), (30, 30, 30), (196, 44, 40), (206, 166, 60))

# Ground, petals and heart of each flower; leaves are all alike.
_FLOWERS: Final[Mapping[str, tuple[Colour, Colour, Colour]]] = {
    "camellia": ((54, 66, 58), (222, 92, 128), (246, 206, 96)),
    "glory_of_the_snow": ((88, 80, 66), (116, 132, 222), (240, 240, 250)),
    "jonquil": ((66, 88, 60), (250, 222, 92), (240, 150, 40)),
    "mediterranean_spurge": ((92, 96, 72), (176, 200, 72), (120, 70, 60)),
}
_UNKNOWN: Final = ((80, 80, 80), (180, 180, 180), (230, 230, 230))
_LEAF: Final = (58, 122, 62)
_VEIN: Final = (90, 152, 84)


def picture(source_ref: str, seen: Meaning) -> bytes:
    """Return one image as PNG, of the size that its line states."""
    width, height = seen.sizes[0] if seen.sizes else _SIZE
    chance = Random(source_ref)  # noqa: S311  a drawing, not a secret
    if seen.boxes or seen.sizes:
        return _circuit(Canvas(int(width), int(height), _MASK), seen.boxes, chance)
    return _flower(int(width), int(height), seen.labels, chance)


def _circuit(canvas: Canvas, boxes: tuple[TrainingBox, ...], chance: Random) -> bytes:
    """Draw a circuit board: traces first, then unlabelled parts, then labelled ones."""
    _traces(canvas, chance)
    for x in (57, canvas.width - 60):
        for y in (53, canvas.height - 58):
            _screw(canvas, TrainingBox("screw", x - 16, y - 16, 32, 32))
    for place in _free_places(canvas, boxes, chance):
        _chip(canvas, place)
    for box in boxes:
        _PARTS.get(box.label, _chip)(canvas, box)
    return canvas.png()


def _traces(canvas: Canvas, chance: Random) -> None:
    for _ in range(70):
        x, y = chance.randrange(canvas.width), chance.randrange(canvas.height)
        length, slope = chance.randrange(60, 420), chance.choice((-1, 0, 1))
        run = min(length, 120)
        canvas.line(x, y, x + length, y, 5, _TRACE)
        canvas.line(x + length, y, x + length + run, y + slope * run, 5, _TRACE)
        canvas.disc(x, y, 9, _COPPER)
        canvas.disc(x, y, 4, _HOLE)


def _free_places(canvas: Canvas, boxes: tuple[TrainingBox, ...], chance: Random) -> Iterator[TrainingBox]:
    """Yield places for chips, away from the edge, from every box and from one another."""
    taken = list(boxes)
    for _ in range(14):
        width, height = chance.choice(((190, 110), (120, 120), (90, 200), (150, 60)))
        place = TrainingBox(
            "chip",
            chance.randrange(120, max(canvas.width - width - 120, 121)),
            chance.randrange(90, max(canvas.height - height - 90, 91)),
            width,
            height,
        )
        if not any(_meet(place, other) for other in taken):
            taken.append(place)
            yield place


def _meet(one: TrainingBox, other: TrainingBox) -> bool:
    return (
        one.left < other.left + other.width + _APART
        and other.left < one.left + one.width + _APART
        and one.top < other.top + other.height + _APART
        and other.top < one.top + one.height + _APART
    )


def _chip(canvas: Canvas, box: TrainingBox) -> None:
    left, top, width, height = box[1:]
    for step in range(int(width) // 18):
        canvas.rect(left + 8 + step * 18, top - 7, 8, height + 14, _TIN)
    canvas.rect(left + 3, top + 4, width, height, _SHADOW)
    canvas.rect(left, top, width, height, _BLACK)
    canvas.rect(left + 3, top + 3, width - 6, 2, (58, 60, 64))
    canvas.disc(left + 13, top + 14, 5, (70, 72, 76))


def _resistor(canvas: Canvas, box: TrainingBox) -> None:
    left, top, width, height = box[1:]
    long = width >= height
    lead = 0.14 * max(width, height)
    if long:
        canvas.rect(left, top + height / 2 - 3, width, 6, _TIN)
        canvas.rect(left + lead, top, width - 2 * lead, height, (222, 198, 150))
    else:
        canvas.rect(left + width / 2 - 3, top, 6, height, _TIN)
        canvas.rect(left, top + lead, width, height - 2 * lead, (222, 198, 150))
    for number, colour in enumerate(_BANDS):
        at = 0.24 + 0.16 * number
        if long:
            canvas.rect(left + at * width, top, 0.07 * width, height, colour)
        else:
            canvas.rect(left, top + at * height, width, 0.07 * height, colour)


def _capacitor(canvas: Canvas, box: TrainingBox) -> None:
    x, y = box.left + box.width / 2, box.top + box.height / 2
    canvas.oval(x + 3, y + 4, box.width / 2, box.height / 2, _SHADOW)
    canvas.oval(x, y, box.width / 2 - 1, box.height / 2 - 1, (44, 62, 108))
    canvas.oval(x, y, box.width / 2 - 6, box.height / 2 - 6, (196, 200, 206))
    canvas.rect(x - 1, y - box.height / 4, 3, box.height / 2, (150, 154, 160))
    canvas.rect(x - box.width / 4, y - 1, box.width / 2, 3, (150, 154, 160))


def _cracked_capacitor(canvas: Canvas, box: TrainingBox) -> None:
    """Draw one that has burst: bulged, torn across its top, and leaking."""
    _capacitor(canvas, box)
    x, y = box.left + box.width / 2, box.top + box.height / 2
    canvas.oval(x - 4, y + box.height / 5, box.width / 4, box.height / 5, (126, 84, 40))
    points = [(-0.32, -0.22), (-0.1, 0.02), (0.02, -0.1), (0.16, 0.12), (0.34, 0.02)]
    for (ax, ay), (bx, by) in pairwise(points):
        ends = (x + ax * box.width, y + ay * box.height, x + bx * box.width, y + by * box.height)
        canvas.line(*ends, 4, _HOLE)


def _screw(canvas: Canvas, box: TrainingBox) -> None:
    x, y, radius = box.left + box.width / 2, box.top + box.height / 2, box.width / 2
    canvas.disc(x, y, radius + 6, _COPPER)
    canvas.disc(x, y, radius - 1, _TIN)
    canvas.disc(x, y, radius - 4, (208, 212, 216))
    canvas.rect(x - radius * 0.6, y - 2, radius * 1.2, 4, (92, 96, 100))
    canvas.rect(x - 2, y - radius * 0.6, 4, radius * 1.2, (92, 96, 100))


def _missing_screw(canvas: Canvas, box: TrainingBox) -> None:
    """Draw the hole that is left; a screw that the corner has been given goes."""
    x, y, radius = box.left + box.width / 2, box.top + box.height / 2, box.width / 2
    canvas.disc(x, y, radius + 12, _MASK)
    canvas.disc(x, y, radius + 5, _COPPER)
    canvas.disc(x, y, radius - 1, _HOLE)


_PARTS: Final[Mapping[str, Callable[[Canvas, TrainingBox], None]]] = {
    "resistor": _resistor,
    "capacitor": _capacitor,
    "cracked_capacitor": _cracked_capacitor,
    "missing_screw": _missing_screw,
}


def _flower(width: int, height: int, labels: tuple[str, ...], chance: Random) -> bytes:
    """Draw one blossom, with leaves if it has that label."""
    kind = next((label for label in labels if label in _FLOWERS), "")
    ground, petals, heart = _FLOWERS.get(kind, _UNKNOWN)
    canvas = Canvas(width, height, ground)
    for _ in range(40):
        canvas.disc(
            chance.randrange(width),
            chance.randrange(height),
            chance.randrange(20, 70),
            _shade(ground, chance),
        )
    x, y = width / 2 + chance.randrange(-60, 60), height / 2 + chance.randrange(-40, 40)
    size, turn = chance.randrange(110, 150), chance.random() * pi
    if "with_leaves" in labels:
        for side in (-1, 1):
            canvas.oval(x + side * size * 1.1, y + size * 0.7, size * 0.8, size * 0.36, _LEAF)
            canvas.line(x, y + size * 0.7, x + side * size * 1.8, y + size * 0.7, 3, _VEIN)
    for ring, number in ((1.0, 7), (0.62, 6)):
        for petal in range(number):
            angle = turn + ring + petal * 2 * pi / number
            at = (x + cos(angle) * size * 0.62 * ring, y + sin(angle) * size * 0.62 * ring)
            canvas.disc(*at, size * 0.42 * ring, _shade(petals, chance))
    canvas.disc(x, y, size * 0.2, heart)
    return canvas.png()


def _shade(colour: Colour, chance: Random) -> Colour:
    """Return a colour that is a little lighter or darker."""
    by = chance.randrange(-14, 15)
    red, green, blue = (min(max(part + by, 0), 255) for part in colour)
    return red, green, blue
