"""What is wrong with an image, by its header and by its line."""

import pytest

from reconciler.core.images.header import BROKEN, EMPTY, Header
from reconciler.core.images.judgement import ARCHIVED, CheckedImage, judge

UPRIGHT = Header("JPEG", 640, 480)
TURNED = Header("JPEG", 640, 480, 6)


def codes(header=UPRIGHT, size_bytes=1_000, stated=()):
    """Return severity and code of each problem."""
    found = judge(CheckedImage("e", size_bytes, header), stated)
    return [(problem.severity.value, problem.code) for problem in found]


def test_a_good_image_has_no_problem():
    assert [] == codes(stated=[(640, 480)])


@pytest.mark.parametrize("form", ["WebP", "HEIC", EMPTY, BROKEN, ARCHIVED])
def test_what_is_no_png_or_jpeg_is_refused(form):
    """By AWS's code for training."""
    assert [("error", "ERROR_INVALID_IMAGE")] == codes(Header(form))


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [
        (64, 64, []),
        (63, 64, ["ERROR_INVALID_IMAGE_DIMENSION"]),
        (4_096, 4_096, []),
        (4_097, 4_096, ["ERROR_INVALID_IMAGE_DIMENSION"]),
        (64, 1_280, []),
        (64, 1_281, ["ERROR_INVALID_IMAGE"]),
    ],
)
def test_the_limits_of_the_guide_hold_to_the_pixel(width, height, expected):
    """64 to 4,096 pixels a side, 20 to 1."""
    assert expected == [code for _, code in codes(Header("PNG", width, height))]


@pytest.mark.parametrize(
    ("size_bytes", "expected"),
    [
        (15_000_000, []),
        (15_000_001, [("warning", "ERROR_INVALID_IMAGE")]),
        (15_728_640, [("warning", "ERROR_INVALID_IMAGE")]),
        (15_728_641, [("error", "ERROR_INVALID_IMAGE")]),
    ],
)
def test_what_15_mb_means_is_not_documented(size_bytes, expected):
    """Between both readings it is a warning."""
    assert expected == codes(size_bytes=size_bytes)


@pytest.mark.parametrize(
    ("header", "stated", "expected"),
    [
        (UPRIGHT, [(640.0, 480.0)], []),
        (UPRIGHT, [(1_280, 960)], [("error", "RKD4001")]),
        (UPRIGHT, [(480, 640)], [("error", "RKD4001")]),
        (UPRIGHT, [(640, 480), (1_280, 960)], [("error", "RKD4001")]),
        (TURNED, [(480, 640)], [("warning", "RKD4002")]),
        (TURNED, [(640, 480)], [("warning", "RKD4002")]),
        (TURNED, [(320, 240)], [("error", "RKD4001")]),
        (TURNED, [], []),
        (Header("JPEG", 640, 480, 3), [(640, 480)], []),
    ],
)
def test_a_line_states_the_size_of_its_image(header, stated, expected):
    """As it is stored or as it is shown; without boxes it states none."""
    assert expected == codes(header, stated=stated)


def test_both_sizes_of_a_turned_image_are_named():
    """Which of them counts is for a person to decide."""
    (problem,) = judge(CheckedImage("e", 1, TURNED), [(480, 640)])

    assert problem.message == (
        "'image_size' states 480 x 640, as shown; "
        "the image has 640 x 480 as stored and 480 x 640 as shown (EXIF orientation 6)"
    )
