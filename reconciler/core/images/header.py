"""
Read format, size and orientation of an image from its first bytes, without an image library such as Pillow.

PNG: ISO/IEC 15948, 11.2.2. JPEG: ITU-T T.81, annex B. Orientation: EXIF 2.3, tag 0x0112. HEIC and AVIF: ISO/IEC
14496-12, 4.3. JPEG XL: ISO/IEC 18181-2. JPEG 2000: ISO/IEC 15444-1, annex I.
"""

from __future__ import annotations

import struct
from typing import BinaryIO, Final, NamedTuple

PNG: Final = "PNG"
JPEG: Final = "JPEG"
TAKEN: Final = frozenset({PNG, JPEG})
"""The formats that Custom Labels takes (developer guide, guidelines and quotas)."""

OTHER: Final = "of another format"
EMPTY: Final = "empty"
BROKEN: Final = "broken"
"""Begins as a PNG or JPEG, and states no size."""

_PNG: Final = b"\x89PNG\r\n\x1a\n"
_JPEG: Final = b"\xff\xd8"
_STARTS: Final = {
    b"GIF8": "GIF",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"\xff\x0a": "JPEG XL",
    b"\0\0\0\x0cJXL ": "JPEG XL",
    b"\0\0\0\x0cjP  ": "JPEG 2000",
    b"%PDF": "PDF",
    b"<": "HTML or XML",
    b"version https://gi": "a pointer of Git LFS",
}
_BRANDS: Final = {b"avif": "AVIF", b"avis": "AVIF"}  # any other brand of this family is HEIC
_HEAD_BYTES: Final = 24

# Start-of-frame markers; C4 and CC define tables, and C8 is reserved.
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_BARE: Final = frozenset({0x01, *range(0xD0, 0xD8)})
_APP1: Final = 0xE1
_EXIF: Final = b"Exif\0\0"
_ORIENTATION: Final = 0x0112
_SWAPPED: Final = frozenset({5, 6, 7, 8})


class Header(NamedTuple):
    """
    What the first bytes of a file say.

    Attributes:
        form: The name of the format, such as ``JPEG`` or ``WebP``; `EMPTY`, `BROKEN` or `OTHER` if it has none.
        width, height: As stored, in pixels; 0 unless the format is one of `TAKEN`.
        orientation: Of EXIF, 1 to 8; 1 is upright.
    """

    form: str
    width: int = 0
    height: int = 0
    orientation: int = 1

    @property
    def turned(self) -> bool:
        """Return whether width and height swap when the image is shown."""
        return self.orientation in _SWAPPED

    @property
    def shown(self) -> tuple[int, int]:
        """Return width and height of the image as it is shown."""
        return (self.height, self.width) if self.turned else (self.width, self.height)


def read_header(stream: BinaryIO) -> Header:
    """
    Read the header of an image; large segments are skipped by `seek`.

    Args:
        stream: At its start.

    Raises:
        ValueError: It begins as a PNG or JPEG, and is cut or broken.
    """
    head = stream.read(_HEAD_BYTES)
    try:
        if head.startswith(_PNG):
            if head[12:16] != b"IHDR":
                raise ValueError("no IHDR")
            return _sound(PNG, *struct.unpack(">II", head[16:24]))
        if head.startswith(_JPEG):
            stream.seek(len(_JPEG))
            return _jpeg(stream)
    except struct.error as exc:
        raise ValueError("the file ends") from exc
    return Header(_other(head))


def identify(stream: BinaryIO) -> Header:
    """Do the same as `read_header`, with `BROKEN` in place of an error."""
    try:
        return read_header(stream)
    except ValueError:
        return Header(BROKEN)


def _other(head: bytes) -> str:
    if not head:
        return EMPTY
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], "HEIC")
    return next((name for start, name in _STARTS.items() if head.startswith(start)), OTHER)


def _jpeg(stream: BinaryIO) -> Header:
    """Return the size from the frame header, which follows other segments."""
    orientation = 1
    while True:
        marker = _marker(stream)
        if marker in _BARE:
            continue
        (length,) = struct.unpack(">H", stream.read(2))
        if marker in _FRAMES:
            _, height, width = struct.unpack(">BHH", stream.read(5))
            return _sound(JPEG, width, height, orientation)
        if length < 2:
            raise ValueError("a segment without a length")
        if marker == _APP1 and orientation == 1:
            orientation = _orientation(stream.read(length - 2))
        else:
            stream.seek(length - 2, 1)


def _marker(stream: BinaryIO) -> int:
    """Return the code of the next marker, after any number of fill bytes."""
    if stream.read(1) != b"\xff":
        raise ValueError("no marker")
    while (code := stream.read(1)) == b"\xff":
        pass
    if not code:
        raise ValueError("the file ends")
    return code[0]


def _sound(form: str, width: int, height: int, orientation: int = 1) -> Header:
    if not (width and height):
        raise ValueError("no size")
    return Header(form, width, height, orientation)


def _orientation(segment: bytes) -> int:
    """Return the EXIF orientation; 1 (upright) if it is missing or none that is defined."""
    if not segment.startswith(_EXIF):
        return 1
    tiff = segment[len(_EXIF) :]
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return 1
    try:
        (at,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, at)
        for number in range(count):
            tag, _, _, value = struct.unpack_from(f"{order}HHIH", tiff, at + 2 + 12 * number)
            if tag == _ORIENTATION:
                return int(value) if 1 <= value <= 8 else 1
    except struct.error:
        return 1
    return 1
