"""Small pictures for the page, made by Pillow where it is installed (the extra ``images``)."""

from __future__ import annotations

import warnings
from base64 import b64encode
from importlib.util import find_spec
from io import BytesIO
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

Part = tuple[float, float, float, float]
"""Left, top, width and height of a part of an image, in pixels."""

# A whole image is shown in a tile 220 pixels wide; a part of it, or an image without one, also enlarged.
_WHOLE: Final = 320
_DETAIL: Final = 640

# Rekognition takes images of at most 4,096 pixels a side for training; more is no image of a dataset.
_MOST_PIXELS: Final = 8_192 * 8_192

# EXIF: how the stored image is turned (1: not at all; from 5 on by a quarter, so that its sides change places).
_ORIENTATION: Final = 0x0112
_UPRIGHT: Final = 1
_FIRST_QUARTER_TURN: Final = 5


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
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns about odd files, which are skipped here
            with Image.open(BytesIO(data), formats=("JPEG", "PNG")) as image:
                if image.width * image.height > _MOST_PIXELS:
                    return None
                return _made(image, labelled, part)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def _made(image: Picture, labelled: tuple[float, float] | None, part: Part | None) -> Thumbnail:
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


def _upright(image: Picture, *, turned: bool) -> Picture:
    from PIL import ImageOps

    return (ImageOps.exif_transpose(image) if turned else image).convert("RGB")


def _encoded(image: Picture, most: int) -> str:
    small = image.copy()
    small.thumbnail((most, most))
    target = BytesIO()
    small.save(target, "WEBP", quality=70)
    return f"data:image/webp;base64,{b64encode(target.getvalue()).decode()}"
