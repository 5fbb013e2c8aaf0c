"""Small pictures for the page, made by Pillow where it is installed (the extra ``images``)."""

from __future__ import annotations

import warnings
from base64 import b64encode
from importlib.util import find_spec
from io import BytesIO
from typing import Final, NamedTuple

# The page shows a picture 400 pixels wide; dense screens have more of them.
_SIDE: Final = 640

# Rekognition takes images of at most 4,096 pixels a side for training; more is no image of a dataset.
_MOST_PIXELS: Final = 8_192 * 8_192


class Thumbnail(NamedTuple):
    """
    A picture that can be embedded in a page.

    Attributes:
        address: A ``data:`` URL.
        width, height: Of the whole image, in pixels.
    """

    address: str
    width: int
    height: int


def available() -> bool:
    """Return whether Pillow is installed."""
    return find_spec("PIL") is not None


def thumbnail(data: bytes) -> Thumbnail | None:
    """Make an image small; 5 to 60 ms. None for what Pillow cannot read, or what is too large to be tried."""
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns about odd files, which are skipped here
            with Image.open(BytesIO(data), formats=("JPEG", "PNG")) as image:
                width, height = image.size
                if width * height > _MOST_PIXELS:
                    return None
                image.draft("RGB", (_SIDE, _SIDE))  # lets JPEG skip most of the work
                image.thumbnail((_SIDE, _SIDE))
                target = BytesIO()
                image.convert("RGB").save(target, "WEBP", quality=70)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    return Thumbnail(f"data:image/webp;base64,{b64encode(target.getvalue()).decode()}", width, height)
