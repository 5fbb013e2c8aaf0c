"""Small pictures."""

import io
from base64 import b64decode

import pytest

from reconciler.reports import thumbnails
from reconciler.reports.thumbnails import thumbnail

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
    monkeypatch.setattr(thumbnails, "_MOST_PIXELS", 1600 * 1200 - 1)

    assert thumbnail(image()) is None
