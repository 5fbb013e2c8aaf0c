"""Formats that names hide, by the first bytes; sizes are held to Pillow in `tests.convert.test_image_size`."""

import io

import pytest
from PIL import Image

from reconciler.core.images.header import BROKEN, EMPTY, OTHER, Header, identify
from tests.convert.inputs import png


def encoded(form, **more):
    stream = io.BytesIO()
    Image.new("RGB", (70, 80)).save(stream, form, **more)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "form"),
    [
        (b"", EMPTY),
        (b"abcdefghijklmnopqrstuvwxyz", OTHER),
        (b"RIFF\x24\0\0\0WEBPVP8 " + bytes(20), "WebP"),
        (b"RIFF\x24\0\0\0WAVEfmt " + bytes(20), OTHER),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf", "AVIF"),
        (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(20), "JPEG XL"),
        (b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(20), "JPEG 2000"),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied", "HTML or XML"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a", "a pointer of Git LFS"),
        (png(70, 80)[:20], BROKEN),
        (b"\xff\xd8\xff\xe0\0\1" + bytes(99), BROKEN),
    ],
)
def test_the_format_is_known_by_the_bytes(content, form):
    """Whatever the file is called."""
    assert Header(form) == identify(io.BytesIO(content))


def test_the_size_is_as_stored_and_as_shown():
    """A photograph taken upright is stored lying."""
    exif = Image.Exif()
    exif[0x0112] = 6

    found = identify(io.BytesIO(encoded("JPEG", exif=exif.tobytes())))

    assert Header("JPEG", 70, 80, 6) == found
    assert (80, 70) == found.shown


@pytest.mark.parametrize(("stated", "expected"), [(0, 1), (1, 1), (2, 2), (5, 5), (8, 8), (9, 1), (None, 1)])
def test_an_orientation_that_is_not_defined_is_upright(stated, expected):
    """EXIF defines 1 to 8; the tags beside it, which stand in order of their numbers, are none."""
    exif = Image.Exif()
    exif[0x0100], exif[0x0101], exif[0x0128] = 3, 4, 2
    if stated is not None:
        exif[0x0112] = stated

    found = identify(io.BytesIO(encoded("JPEG", exif=exif.tobytes())))

    assert Header("JPEG", 70, 80, expected) == found
