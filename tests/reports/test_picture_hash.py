"""Hashes of pictures by what they look like."""

from __future__ import annotations

import io
import random
from typing import Any

import pytest
from PIL import Image

from reconciler.core.images.near_duplicates import NEAR_BITS
from reconciler.reports.pictures import picture_hash

ORIENTATION = 0x0112


def picture(seed: int, size: tuple[int, int] = (640, 480)) -> Image.Image:
    """Return soft blobs of grey, other ones for each seed."""
    draw = random.Random(seed)
    blobs = bytes(draw.randrange(256) for _ in range(24 * 16))
    return Image.frombytes("L", (24, 16), blobs).resize(size, Image.Resampling.BICUBIC)


def saved(image: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def hashed(data: bytes) -> int:
    found = picture_hash(data)
    assert found is not None
    return found


def distance(one: bytes, other: bytes) -> int:
    return (hashed(one) ^ hashed(other)).bit_count()


def test_the_bits_are_those_of_imagehash():
    """`imagehash.phash(image, hash_size=16)` of imagehash 4.3.2 on this picture."""
    assert 0xD746B0C52D7B300E1ABB9ED54EC9578829941BF4CADC4992CDDA5D3DB0A3982A == hashed(saved(picture(7)))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    "copy",
    [
        lambda image: saved(image, "JPEG", quality=50),
        lambda image: saved(image.resize((320, 240))),
        lambda image: saved(image.resize((1_920, 1_440)), "JPEG"),
        lambda image: saved(image.convert("RGB").point(lambda value: 20 + value * 0.8)),
        lambda image: saved(image.convert("RGBA")),
    ],
    ids=["JPEG", "smaller", "larger", "paler", "with alpha"],
)
def test_a_copy_is_near_and_another_picture_is_far(seed, copy):
    """In another format, size, quality or brightness."""
    data = copy(picture(seed))

    assert distance(saved(picture(seed)), data) <= 16
    assert distance(saved(picture(seed + 100)), data) > NEAR_BITS


def test_an_image_is_taken_as_it_is_shown():
    """A copy that was saved upright is a copy of the turned one."""
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    turned = saved(picture(1), "JPEG", exif=exif.tobytes())

    assert distance(turned, saved(picture(1).transpose(Image.Transpose.ROTATE_270))) <= 4


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no image",
        saved(picture(1))[:2_000],
        saved(picture(1), "GIF"),
        saved(Image.new("RGB", (640, 480), "white")),
    ],
    ids=["empty", "text", "cut", "GIF", "white"],
)
def test_what_shows_nothing_has_no_hash(data):
    """Nor can two white images be called copies of each other."""
    assert picture_hash(data) is None
