"""Sizes from headers, held to what Pillow reads."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from reconciler.convert.image_size import header_of
from reconciler.convert.record import BadFile
from tests.convert.inputs import png


def encoded(width, height, form, **more):
    stream = io.BytesIO()
    Image.new("RGB", (width, height)).save(stream, form, **more)
    return stream.getvalue()


def exif(orientation):
    data = Image.Exif()
    data[0x010F] = "a maker"
    data[0x0112] = orientation
    return data.tobytes()


@pytest.mark.parametrize(
    ("form", "more"),
    [
        ("PNG", {}),
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("JPEG", {"comment": b"x" * 60_000, "exif": exif(1)}),
    ],
)
def test_the_size_is_what_pillow_reads(form, more, tmp_path):
    """Whatever segments come before it."""
    file = tmp_path / "a"
    file.write_bytes(encoded(123, 77, form, **more))

    assert (form, 123, 77) == header_of(file)[:3]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photograph_has_the_size_that_is_shown(orientation, tmp_path):
    """From 5 on the camera was held upright, and the file is not."""
    file = tmp_path / "a.jpg"
    file.write_bytes(encoded(123, 77, "JPEG", exif=exif(orientation)))

    found = header_of(file)

    assert (((77, 123), True) if orientation >= 5 else ((123, 77), False)) == (found.shown, found.turned)


def test_only_the_header_is_needed(tmp_path):
    """A checkout of large files may hold no more."""
    file = tmp_path / "a.png"
    file.write_bytes(png(4096, 64))

    assert (4096, 64) == header_of(file).shown


@pytest.mark.parametrize("form", ["GIF", "BMP", "WebP", "TIFF"])
def test_other_formats_are_named(form, tmp_path):
    """Custom Labels takes none of them."""
    file = tmp_path / "a"
    file.write_bytes(encoded(64, 64, form))

    with pytest.raises(BadFile, match=f"it is {form}; Custom Labels takes PNG and JPEG"):
        header_of(file)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        png(0, 64),
        png(64, 0),
        png(64, 64)[:23],
        b"\xff\xd8\xff\xc0\0\x11\x08\0\0\0\x40",  # a height that only a later marker would tell
        b"\xff\xd8\xff\xe1\0\0" + b"\xff\xe1\0\0" * 9,
        b"\xff\xd8" + b"\xff" * 9,
    ],
    ids=repr,
)
def test_a_header_without_a_size_is_reported(content, tmp_path):
    """And is no endless walk."""
    file = tmp_path / "a"
    file.write_bytes(content)

    with pytest.raises(BadFile, match="the size of the image is not known"):
        header_of(file)


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    return tmp_path_factory.mktemp("images") / "broken"


@given(st.data())
def test_a_broken_header_is_reported_never_guessed(broken, data):
    """Cut anywhere, with any byte changed: a size, or a reason, and an end."""
    whole = bytearray(data.draw(st.sampled_from([encoded(70, 80, "JPEG", exif=exif(6)), png(70, 80)])))
    at = data.draw(st.integers(0, min(len(whole), 200) - 1))
    whole[at] = data.draw(st.integers(0, 255))
    broken.write_bytes(whole[: data.draw(st.integers(0, len(whole)))])

    try:
        found = header_of(broken)
    except BadFile:
        return
    assert found.width > 0
    assert found.height > 0
