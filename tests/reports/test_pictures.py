"""Small pictures."""

import io
from base64 import b64decode

import pytest

from reconciler.reports import pictures
from reconciler.reports.pictures import thumbnail

Image = pytest.importorskip("PIL.Image")


def image(kind: str = "PNG", size: tuple[int, int] = (1600, 1200), mode: str = "RGB") -> bytes:
    target = io.BytesIO()
    Image.new(mode, size).save(target, kind)
    return target.getvalue()


@pytest.mark.parametrize(("kind", "mode"), [("PNG", "RGB"), ("PNG", "RGBA"), ("PNG", "P"), ("JPEG", "CMYK")])
def test_a_picture_is_small_and_knows_how_large_the_image_is(kind, mode):
    """Whatever its colours: 640 pixels at most, and the size of the whole."""
    found = thumbnail(image(kind, mode=mode))

    assert found is not None
    assert (1600, 1200) == (found.width, found.height)
    data = b64decode(found.address.removeprefix("data:image/webp;base64,"))
    with Image.open(io.BytesIO(data)) as small:
        assert (640, 480) == small.size


@pytest.mark.parametrize("data", [b"", b"<svg onload='alert(1)'/>", image()[:60], image("GIF")])
def test_what_is_no_image_of_a_dataset_is_no_picture(data):
    """Rekognition takes JPEG and PNG; all else is drawn without a picture."""
    assert thumbnail(data) is None


def test_an_image_too_large_to_be_tried_is_not_tried(monkeypatch):
    """A few bytes may unfold to gigabytes."""
    monkeypatch.setattr(pictures, "_MAX_PIXELS", 1600 * 1200 - 1)

    assert thumbnail(image()) is None


def opened(address: str):
    return Image.open(io.BytesIO(b64decode(address.removeprefix("data:image/webp;base64,"))))


def test_a_part_is_shown_at_the_resolution_of_the_source():
    """The whole in 320 pixels, the part pixel by pixel, at most 640 of them."""
    large = Image.new("RGB", (1600, 1200), "black")
    large.paste("red", (400, 300, 800, 600))
    target = io.BytesIO()
    large.save(target, "PNG")

    found = thumbnail(target.getvalue(), (1600, 1200), (400, 300, 400, 300))

    assert found is not None
    assert found.detail is not None
    assert (320, 240) == opened(found.address).size
    detail = opened(found.detail.address)
    assert (400, 300) == detail.size
    red, green, blue = detail.convert("RGB").getpixel((200, 150))
    assert red > 200 > 60 > max(green, blue)
    assert found.weight_bytes == len(found.address) + len(found.detail.address)


def test_a_part_is_found_where_lines_state_another_size():
    """Boxes are in the pixels that the lines state: the part is scaled to those of the file."""
    large = Image.new("RGB", (1600, 1200), "black")
    large.paste("red", (800, 600, 1600, 1200))
    target = io.BytesIO()
    large.save(target, "JPEG")

    found = thumbnail(target.getvalue(), (800, 600), (400, 300, 400, 300))

    assert found is not None
    assert found.detail is not None
    detail = opened(found.detail.address).convert("RGB")
    assert (640, 480) == detail.size
    assert all(detail.getpixel(place)[0] > 200 for place in ((10, 10), (630, 470)))


def turned(orientation: int) -> bytes:
    """A stored image of 400 by 200, its left half red, with an EXIF orientation."""
    stored = Image.new("RGB", (400, 200), "black")
    stored.paste("red", (0, 0, 200, 200))
    exif = Image.Exif()
    exif[0x0112] = orientation
    target = io.BytesIO()
    stored.save(target, "JPEG", exif=exif)
    return target.getvalue()


@pytest.mark.parametrize(
    ("labelled", "size", "red"),
    [((200, 400), (200, 400), (100, 50)), ((400, 200), (400, 200), (50, 100)), (None, (200, 400), (100, 50))],
)
def test_a_picture_is_turned_as_it_was_labelled(labelled, size, red):
    """As EXIF says, which is what browsers show, unless the labels are about the image as it is stored."""
    found = thumbnail(turned(6), labelled)

    assert found is not None
    assert size == (found.width, found.height)
    assert size == opened(found.address).size
    assert opened(found.address).convert("RGB").getpixel(red)[0] > 200
