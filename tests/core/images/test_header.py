"""Formats that names hide, by the first bytes; sizes are held to Pillow in `tests.convert.test_images`."""

import io
import struct

import pytest
from PIL import Image

from reconciler.core.images.header import BROKEN, EMPTY, JPEG, OTHER, Header, identify
from tests.convert.inputs import png

PNG_START = b"\x89PNG\r\n\x1a\n"


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


FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}


def segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + (len(body) + 2).to_bytes(2, "big") + body


def frame(marker: int, width: int, height: int) -> bytes:
    return segment(marker, b"\x08" + height.to_bytes(2, "big") + width.to_bytes(2, "big") + b"\x01\x01\x11\0")


@pytest.mark.parametrize("marker", range(0xC0, 0xD0))
def test_a_frame_of_any_kind_states_the_size(marker):
    """ITU T.81, table B.1: thirteen markers begin a frame; C4 and CC define tables, and C8 is reserved."""
    content = b"\xff\xd8" + frame(marker, 70, 80) + frame(0xC0, 7, 8)

    expected = (70, 80) if marker in FRAMES else (7, 8)
    assert Header("JPEG", *expected) == identify(io.BytesIO(content))


@pytest.mark.parametrize("marker", [0x01, *range(0xD0, 0xD8)])
def test_a_marker_without_a_segment_is_passed_over(marker):
    """As are fill bytes before a marker."""
    content = b"\xff\xd8\xff" + bytes([0xFF, marker, 0xFF]) + frame(0xC2, 70, 80)

    assert Header("JPEG", 70, 80) == identify(io.BytesIO(content))


def exif(orientation: int, *, order: str = "<", before: int = 0) -> bytes:
    """Return an EXIF segment whose orientation follows *before* other fields."""
    entries = [struct.pack(f"{order}HHIHH", 0x0100 + number, 3, 1, 1, 0) for number in range(before)]
    entries.append(struct.pack(f"{order}HHIHH", 0x0112, 3, 1, orientation, 0))
    start = b"II*\0" if order == "<" else b"MM\0*"
    directory = struct.pack(f"{order}H", len(entries)) + b"".join(entries)
    return b"Exif\0\0" + start + struct.pack(f"{order}I", 8) + directory


FRAME = segment(0xC0, struct.pack(">BHH", 8, 480, 640) + bytes(10))


@pytest.mark.parametrize(
    ("segments", "orientation"),
    [
        ([exif(6)], 6),
        ([exif(6, order=">")], 6),
        ([exif(6, before=3)], 6),
        ([exif(6), exif(3)], 6),
        ([b"http://ns.adobe.com/xap/1.0/\0<x/>", exif(6)], 6),
        ([exif(6)[:-3]], 1),
        ([exif(6, before=3)[:40]], 1),
        ([b"Exif\0\0XX"], 1),
        ([b"Exif\0\0II*\0"], 1),
        ([exif(0)], 1),
        ([exif(9)], 1),
        ([exif(8)], 8),
    ],
)
def test_the_orientation_is_that_of_the_first_exif_segment_that_states_one(segments, orientation):
    """Damage of a segment costs its orientation alone: the size stands elsewhere."""
    content = b"\xff\xd8" + b"".join(segment(0xE1, one) for one in segments) + FRAME

    assert Header(JPEG, 640, 480, orientation) == identify(io.BytesIO(content))


@pytest.mark.parametrize(
    "content",
    [
        PNG_START + b"\0\0\0\rIDAT" + struct.pack(">II", 70, 80),
        PNG_START + b"\0\0\0\rIHDR" + struct.pack(">II", 0, 80),
        PNG_START + b"\0\0\0\rIHDR" + struct.pack(">II", 70, 80)[:7],
        b"\xff\xd8",
        b"\xff\xd8\xff",
        b"\xff\xd8\0" + FRAME,
        b"\xff\xd8\xff\xe0\0\x01" + FRAME,
        b"\xff\xd8" + FRAME[:7],
        b"\xff\xd8" + segment(0xC0, struct.pack(">BHH", 8, 0, 640)),
    ],
    ids=[
        *("no header", "no width", "a cut size", "nothing", "a cut marker", "no marker", "no length"),
        *("a cut frame", "no height"),
    ],
)
def test_an_image_that_is_cut_or_broken_has_no_size(content):
    assert Header(BROKEN) == identify(io.BytesIO(content))


def test_fill_bytes_before_a_marker_are_passed_over():
    assert Header(JPEG, 640, 480) == identify(io.BytesIO(b"\xff\xd8\xff\xff\xff" + FRAME[1:]))
