"""
Read the size of a PNG or JPEG from its header, without an image library such as Pillow.

PNG: ISO/IEC 15948, 11.2.2. JPEG: ITU-T T.81, annex B. Orientation: EXIF 2.3, tag 0x0112.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from reconciler.convert.names import IMAGES
from reconciler.convert.record import BadFile, LabelledImage, display, odd
from reconciler.core.validation import spec_codes as codes
from reconciler.core.validation.problem import Origin

_PNG: Final = b"\x89PNG\r\n\x1a\n"
_JPEG: Final = b"\xff\xd8"
_STARTS: Final = {b"GIF8": "GIF", b"BM": "BMP", b"RIFF": "WebP", b"II*\0": "TIFF", b"MM\0*": "TIFF"}

# Start-of-frame markers; C4 and CC define tables, and C8 is reserved.
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_BARE: Final = frozenset({0x01, *range(0xD0, 0xD8)})
_APP1: Final = 0xE1
_EXIF: Final = b"Exif\0\0"
_ORIENTATION: Final = 0x0112
_SWAPPED: Final = frozenset({5, 6, 7, 8})


class Size(NamedTuple):
    """
    The displayed width and height of an image, in pixels.

    Attributes:
        turned: Whether the stored width and height are swapped.
    """

    width: int
    height: int
    turned: bool = False


def size_of(path: Path) -> Size:
    """
    Read the header of an image.

    Raises:
        BadFile: It cannot be read, is truncated, or is neither PNG nor JPEG.
    """
    try:
        with path.open("rb") as stream:
            found = _probe(stream)
    except OSError as exc:
        raise _bad(path, f"it cannot be read: {exc.strerror or exc}") from exc
    except (struct.error, ValueError) as exc:
        raise _bad(path, "its header is cut or broken") from exc
    if isinstance(found, str):
        raise _bad(path, f"it is {found}; Custom Labels takes PNG and JPEG")
    return found


def _bad(path: Path, reason: str) -> BadFile:
    return BadFile(codes.NO_HEADER, f"the size of the image is not known: {reason}", Origin(display(path), 1))


def _probe(stream: BinaryIO) -> Size | str:
    """Return the size, or the name of the format if it is neither PNG nor JPEG."""
    head = stream.read(24)
    if head.startswith(_PNG):
        if head[12:16] != b"IHDR":
            raise ValueError("no IHDR")
        return _sound(*struct.unpack(">II", head[16:24]))
    if head.startswith(_JPEG):
        stream.seek(2)
        return _jpeg(stream)
    return next((name for start, name in _STARTS.items() if head.startswith(start)), "of another format")


def _jpeg(stream: BinaryIO) -> Size:
    """Return the size from the frame header, which follows other segments."""
    turned = False
    while True:
        marker = _marker(stream)
        if marker in _BARE:
            continue
        (length,) = struct.unpack(">H", stream.read(2))
        if marker in _FRAMES:
            _, height, width = struct.unpack(">BHH", stream.read(5))
            return _sound(height, width, turned=True) if turned else _sound(width, height)
        if marker == _APP1:
            turned = turned or _orientation(stream.read(length - 2)) in _SWAPPED
        else:
            stream.seek(length - 2, 1)


def _marker(stream: BinaryIO) -> int:
    """Return the code of the next marker, after any number of fill bytes."""
    if stream.read(1) != b"\xff":
        raise ValueError("no marker")
    while (code := stream.read(1)) == b"\xff":
        pass
    return code[0] if code else _fail()


def _fail() -> int:
    raise ValueError("the file ends")


def _sound(width: int, height: int, *, turned: bool = False) -> Size:
    if not (width and height):
        raise ValueError("no size")
    return Size(width, height, turned)


def _orientation(segment: bytes) -> int:
    """Return the EXIF orientation; 1 (upright) if it is missing."""
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
                return int(value)
    except struct.error:
        return 1
    return 1


_SCHEME: Final = re.compile(r"[a-z0-9]+://[^/]*/")
_ENDINGS: Final = ("", ".jpg", ".jpeg", ".png", ".JPG", ".JPEG", ".PNG")

TURNED: Final = "the image is stored turned (EXIF orientation); its boxes are taken as those of what is shown"


def sized(image: LabelledImage, directory: Path) -> LabelledImage:
    """
    Return the image with the size from its file, or the problem of the file; unchanged without a file.

    The file is searched by its full path below the directory, then by its file name.
    """
    path = next((path for path in _candidates(directory, image.name) if _is_file(path)), None)
    if path is None:
        return image
    try:
        found = size_of(path)
    except BadFile as exc:
        return replace(image, problems=(*image.problems, exc.problem))
    turned = (odd(codes.TURNED, TURNED, image.origin),) if found.turned else ()
    return replace(image, size=(found.width, found.height), problems=(*image.problems, *turned))


def ending_in(directory: Path, name: str) -> str:
    """Return the suffix that *name* lacks to match an image file in *directory*; empty if none matches."""
    if Path(name).suffix.lower() in IMAGES:
        return ""
    found = next((path for path in _candidates(directory, name) if _is_file(path)), None)
    return found.suffix if found is not None and found.suffix.lower() in IMAGES else ""


def _candidates(directory: Path, name: str) -> Iterator[Path]:
    below = _SCHEME.sub("", name.strip()).replace("\\", "/").lstrip("/")
    endings = _ENDINGS[:1] if Path(below).suffix.lower() in IMAGES else _ENDINGS
    for step in dict.fromkeys((below, below.rpartition("/")[2])):
        if step and ".." not in step.split("/"):
            yield from (directory / f"{step}{ending}" for ending in endings)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # not a valid file name
        return False
