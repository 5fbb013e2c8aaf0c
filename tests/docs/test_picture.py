"""The picture of the README shows the drift page as it is."""

from tests.browser import MARKS
from tests.docs import picture

pytestmark = MARKS


def test_the_picture_is_current(tmp_path):
    """After a change of the page: python -m tests.docs.picture"""
    html = picture.page(tmp_path).read_text("utf-8")

    assert dict.fromkeys(picture.SCHEMES, picture.digest(html)) == {
        scheme: picture.shown(picture.picture(scheme)) for scheme in picture.SCHEMES
    }
