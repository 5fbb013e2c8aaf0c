"""
Hash a picture by what it looks like (pHash): 256 bits from the lowest frequencies of 64 x 64 grey pixels.

By Pillow where it is installed (the extra ``images``). In place of imagehash, which needs NumPy, SciPy and
PyWavelets for the one cosine transform below; the bits are the same.
"""

from __future__ import annotations

import math
import warnings
from functools import cache
from io import BytesIO
from operator import mul
from statistics import median
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL.Image import Image as Picture

_SIDE: Final = 64
_LOWEST: Final = 16

# Fewer grey levels than that are noise or a plain surface, and say nothing about what is shown.
_LEAST_CONTRAST: Final = 8

# A JPEG is decoded at half, a quarter or an eighth of its size, as long as that leaves so many pixels a side.
_LEAST_SIDE: Final = 2 * _SIDE


def picture_hash(data: bytes) -> int | None:
    """
    Return the hash of a JPEG or PNG; None for what Pillow cannot read, and for plain surfaces.

    An image is taken as its EXIF orientation shows it. A JPEG takes 4 to 11 ms; a PNG is decoded in full size.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns about odd files, which are skipped here
            with Image.open(BytesIO(data), formats=("JPEG", "PNG")) as image:
                return _hash(_grey(image))
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def _grey(image: Picture) -> Sequence[int]:
    from PIL import Image, ImageOps

    image.draft("L", (_LEAST_SIDE, _LEAST_SIDE))
    upright = ImageOps.exif_transpose(image)
    small = upright.convert("L").resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    return small.tobytes()


def _hash(pixels: Sequence[int]) -> int | None:
    if max(pixels) - min(pixels) < _LEAST_CONTRAST:
        return None
    waves = _waves()
    columns = [pixels[column::_SIDE] for column in range(_SIDE)]
    down = [[sum(map(mul, wave, column)) for column in columns] for wave in waves]
    low = [sum(map(mul, wave, row)) for row in down for wave in waves]
    middle = median(low)
    return int("".join("01"[value > middle] for value in low), 2)


@cache
def _waves() -> list[list[float]]:
    """Return the waves of the cosine transform of type II, but for its scale."""
    return [
        [math.cos(math.pi * order * (2 * place + 1) / (2 * _SIDE)) for place in range(_SIDE)]
        for order in range(_LOWEST)
    ]
