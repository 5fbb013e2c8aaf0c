"""A canvas to draw a picture on, and the picture as PNG: nothing but the standard library."""

from __future__ import annotations

import struct
import zlib
from math import isqrt
from typing import Final

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
