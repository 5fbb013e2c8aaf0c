"""What the rules about images and boxes tell a user, beside their code."""

import json

import pytest

from reconciler.core.validation.line import check_line

SOUND = (10, 10, 50, 50)
NARROW = (0, 0, 1, 50)
LIMIT = "one pixel on both sides"


def line(*boxes: tuple[float, float, float, float], size: tuple[int, int] = (640, 480)) -> bytes:
    names = ("left", "top", "width", "height")
    document = {
        "source-ref": "s3://bucket/a.jpg",
        "BB": {
            "image_size": [{"width": size[0], "height": size[1], "depth": 3}],
            "annotations": [{"class_id": 0, **dict(zip(names, box, strict=True))} for box in boxes],
        },
        "BB-metadata": {
            "objects": [{"confidence": 1}] * len(boxes),
            "class-map": {"0": "queen"},
            "type": "groundtruth/object-detection",
            "human-annotated": "yes",
            "creation-date": "2026-03-01T12:00:00",
            "job-name": "labeling-job/BB",
        },
    }
    return json.dumps(document).encode()


def messages(raw: bytes) -> list[str]:
    return [problem.message for problem in check_line(raw).problems]


@pytest.mark.parametrize(
    ("boxes", "expected"),
    [
        ([NARROW, SOUND], "BB/annotations/0"),
        ([SOUND, NARROW, NARROW, NARROW], "BB/annotations/1, BB/annotations/2, BB/annotations/3"),
        ([*[NARROW] * 5, SOUND], "BB/annotations/0, BB/annotations/1, BB/annotations/2 and 2 more"),
    ],
)
def test_at_most_three_boxes_are_named(boxes, expected):
    """However many boxes are wrong, one message names the first three, and counts the others."""
    assert [f"{expected} must be longer than {LIMIT}"] == messages(line(*boxes))


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (
            line(SOUND, (600, 10, 50, 50)),
            "BB/annotations/1 reaches beyond the image of 640 x 480 pixels, or is negative",
        ),
        (
            line(SOUND, (10, 10, 2, 50), size=(4000, 4000)),
            f"BB/annotations/1 will not be longer than {LIMIT} once training has scaled the image to 1280 pixels",
        ),
        (
            line(SOUND, size=(5000, 480)),
            "'BB/image_size' states 5000 x 480 pixels; a side may have 64 to 4096",
        ),
        (line(*[SOUND] * 51), "51 bounding boxes; at most 50 are allowed on an image"),
        (
            line(SOUND).replace(b'"objects": [{"confidence": 1}]', b'"objects": []'),
            "'BB-metadata/objects' must hold a confidence for each box: 1, not 0",
        ),
        (line(SOUND, (10.0, 10, 50.0, 50)), "2 numbers of 'BB' are floats; the guide asks for integers"),
    ],
)
def test_a_message_names_the_box_or_the_limit(raw, expected):
    """What is wrong is said with its place, its size and the limit that it exceeds."""
    assert expected in messages(raw)
