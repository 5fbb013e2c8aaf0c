"""
Small pictures for the page, and hashes of pictures, by Pillow where it is installed (the extra ``images``).

A hash (pHash) says what a picture looks like: 256 bits from the lowest frequencies of 64 x 64 grey pixels. It is
made here in place of imagehash, which needs NumPy, SciPy and PyWavelets for one cosine transform; the bits are the
same.
"""

from __future__ import annotations

import math
import warnings
from base64 import b64encode
from functools import cache
from importlib.util import find_spec
from io import BytesIO
from operator import mul
from statistics import median
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PIL.Image import Image as Picture

T = TypeVar("T")

Part = tuple[float, float, float, float]
"""Left, top, width and height of a part of an image, in pixels."""

# A whole image is shown in a tile 220 pixels wide; a part of it, or an image without one, also enlarged.
_WHOLE: Final = 320
_DETAIL: Final = 640

# Rekognition takes images of at most 4,096 pixels a side for training; a larger image is in no dataset.
_MAX_PIXELS: Final = 8_192 * 8_192

# EXIF: how the stored image is turned (1: not at all; from 5 on by a quarter, so that its sides change places).
_ORIENTATION: Final = 0x0112
_UPRIGHT: Final = 1
_FIRST_QUARTER_TURN: Final = 5

# Pixels of a side, and the lowest waves of them, that a hash is made of.
_SIDE: Final = 64
_LOWEST: Final = 16

# Fewer grey levels than that are noise or a plain surface, and say nothing about what is shown.
_MIN_CONTRAST: Final = 8

# A JPEG is decoded at half, a quarter or an eighth of its size, as long as each side keeps this number of pixels.
_MIN_SIDE: Final = 2 * _SIDE


class Detail(NamedTuple):
    """A part of a picture, as a ``data:`` URL, and where it lies, in pixels as labelled."""

    address: str
    part: Part


class Thumbnail(NamedTuple):
    """
    A picture that can be embedded in a page.

    Attributes:
        address: A ``data:`` URL.
        width, height: Of the whole image, in pixels, turned as it is labelled.
        detail: The part that was asked for, at the resolution of the source, at most 640 pixels a side.
    """

    address: str
    width: int
    height: int
    detail: Detail | None = None

    @property
    def weight_bytes(self) -> int:
        """Number of bytes that it takes in a page."""
        return len(self.address) + (len(self.detail.address) if self.detail else 0)


def available() -> bool:
    """Return whether Pillow is installed."""
    return find_spec("PIL") is not None


def thumbnail(
    data: bytes, labelled: tuple[float, float] | None = None, part: Part | None = None
) -> Thumbnail | None:
    """
    Make an image small; 5 to 60 ms. None for what Pillow cannot read, or what is too large to be tried.

    Args:
        labelled: Width and height that the labels are about; they tell whether the labels are about the stored
            image or about the image as its EXIF orientation turns it, which is what browsers show.
        part: A part to be shown in detail, in pixels as labelled. Without one, the whole image has more of them.
    """
    return _made_of(data, lambda image: _small(image, labelled, part))


def picture_hash(data: bytes) -> int | None:
    """
    Return the hash of a JPEG or PNG; None for what Pillow cannot read, and for plain surfaces.

    An image is taken as its EXIF orientation shows it. A JPEG takes 4 to 11 ms; a PNG is decoded in full size.
    """
    return _made_of(data, lambda image: _hash(_grey(image)))


def _made_of(data: bytes, make: Callable[[Picture], T | None]) -> T | None:
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns about odd files, which are skipped here
            with Image.open(BytesIO(data), formats=("JPEG", "PNG")) as image:
                return make(image)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def _small(image: Picture, labelled: tuple[float, float] | None, part: Part | None) -> Thumbnail | None:
    if image.width * image.height > _MAX_PIXELS:
        return None
    turned = _is_turned(image, labelled)
    quarter = turned and image.getexif().get(_ORIENTATION, _UPRIGHT) >= _FIRST_QUARTER_TURN
    width, height = reversed(image.size) if quarter else image.size
    of = labelled or (width, height)
    share = max(part[2] / of[0], part[3] / of[1]) if part else 1.0
    image.draft("RGB", (int(_DETAIL / share), int(_DETAIL / share)))  # lets JPEG skip most of the work
    upright = _upright(image, turned=turned)
    if part is None:
        return Thumbnail(_encoded(upright, _DETAIL), width, height)
    across, down = upright.width / of[0], upright.height / of[1]
    left, top, wide, high = part
    edges = (left * across, top * down, (left + wide) * across, (top + high) * down)
    crop = upright.resize(_within(edges, _DETAIL), box=edges, reducing_gap=2.0)
    return Thumbnail(_encoded(upright, _WHOLE), width, height, Detail(_encoded(crop, _DETAIL), part))


def _within(edges: Part, most: int) -> tuple[int, int]:
    """Return the size of a part in whole pixels, no larger than it is, nor than *most* a side."""
    width, height = edges[2] - edges[0], edges[3] - edges[1]
    scale = min(1.0, most / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _is_turned(image: Picture, labelled: tuple[float, float] | None) -> bool:
    """Return whether an image is shown as EXIF turns it: unless its labels are about the stored one."""
    orientation = image.getexif().get(_ORIENTATION, _UPRIGHT)
    if orientation == _UPRIGHT:
        return False
    width, height = image.size
    stored_only = labelled is not None and width != height and tuple(labelled) == (width, height)
    return not (orientation >= _FIRST_QUARTER_TURN and stored_only)


def _upright(image: Picture, *, turned: bool, mode: str = "RGB") -> Picture:
    from PIL import ImageOps

    return (ImageOps.exif_transpose(image) if turned else image).convert(mode)


def _encoded(image: Picture, most: int) -> str:
    small = image.copy()
    small.thumbnail((most, most))
    target = BytesIO()
    small.save(target, "WEBP", quality=70)
    return f"data:image/webp;base64,{b64encode(target.getvalue()).decode()}"


def _grey(image: Picture) -> Sequence[int]:
    from PIL import Image

    image.draft("L", (_MIN_SIDE, _MIN_SIDE))
    small = _upright(image, turned=True, mode="L").resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    return small.tobytes()


def _hash(pixels: Sequence[int]) -> int | None:
    if max(pixels) - min(pixels) < _MIN_CONTRAST:
        return None
    waves = _waves()
    columns = [pixels[column::_SIDE] for column in range(_SIDE)]
    down = [[sum(map(mul, wave, column)) for column in columns] for wave in waves]
    low = [sum(map(mul, wave, row)) for row in down for wave in waves]
    middle = median(low)
    return int("".join("01"[value > middle] for value in low), 2)


@cache
def _waves() -> list[list[float]]:
    """Return the waves of the cosine transform of type II, except for its scale."""
    return [
        [math.cos(math.pi * order * (2 * place + 1) / (2 * _SIDE)) for place in range(_SIDE)]
        for order in range(_LOWEST)
    ]
