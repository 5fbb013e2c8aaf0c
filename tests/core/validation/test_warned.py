"""The fast path for lines with common warnings gives the result of the rules, or none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from reconciler.core.validation.line import check_slowly
from reconciler.core.validation.warned import check_warned
from tests.core.validation.test_fast import in_detail, mutants, scrambled
from tests.core.validation.usual_lines import SPACED, box_line, image_level_line


def with_floats(line: dict[str, Any]) -> dict[str, Any]:
    """Write all numbers of boxes as a tool does that knows floats only."""
    value = line["bounding-box"]
    boxes = [{key: float(number) for key, number in box.items()} for box in value["annotations"]]
    size = {key: float(number) for key, number in value["image_size"][0].items()}
    return line | {"bounding-box": {"image_size": [size], "annotations": boxes}}


def dated(line: dict[str, Any], stated: str) -> dict[str, Any]:
    metadata = {key: value for key, value in line.items() if key.endswith("-metadata")}
    return line | {key: value | {"creation-date": stated} for key, value in metadata.items()}


def in_parts_of_pixels(line: dict[str, Any]) -> dict[str, Any]:
    for box in line["bounding-box"]["annotations"]:
        box["left"] += 0.25
    return line


def adjusted(number: int) -> dict[str, Any]:
    """Return a line with boxes, and with the same boxes once they were adjusted."""
    line = box_line(number)
    metadata = line["bounding-box-metadata"] | {"adjustment-status": "adjusted"}
    return line | {"adjusted": line["bounding-box"], "adjusted-metadata": metadata}


def in_quotes(line: dict[str, Any]) -> dict[str, Any]:
    return {key: str(value) if type(value) is int else value for key, value in line.items()}


LISTED = {"cl-metadata": {"is_labeled": True}}

WARNED = [
    adjusted(12),
    with_floats(adjusted(13)) | LISTED,
    in_quotes(image_level_line(14)),
    box_line(15) | LISTED,
    image_level_line(16) | {"cl-metadata": {"is_labeled": False}, "reviewed": True},
    with_floats(box_line(1)),
    with_floats(box_line(2, boxes=1)),
    with_floats(box_line(3, boxes=0)),
    in_parts_of_pixels(box_line(4)),
    dated(box_line(5), "01.03.2026"),
    dated(image_level_line(6), "yesterday"),
    box_line(7) | {"reviewed": True, "score": 0.5, "by": None, "round": 3, "note": "ok"},
    box_line(17) | {"answers": [{"worker": "w1", "score": 1}, {}], "consolidated": {"by": "x", "of": [3]}},
    in_parts_of_pixels(in_detail(18)),
    box_line(19) | {"cl-metadata": {"is_labeled": True, "more": "x"}},
    dated(image_level_line(8) | {"reviewed": False}, ""),
    with_floats(box_line(9))
    | {key: value for key, value in image_level_line(9).items() if key != "source-ref"},
    with_floats(box_line(10))
    | {"b": box_line(11)["bounding-box"], "b-metadata": box_line(11)["bounding-box-metadata"]},
]


@pytest.mark.parametrize("line", WARNED)
def test_a_common_warning_needs_no_other_rule(line: dict[str, Any]) -> None:
    raw = json.dumps(line, separators=SPACED).encode()

    checked = check_warned(raw)

    assert check_slowly(raw) == checked
    assert checked.problems


@pytest.mark.parametrize(
    "field",
    [
        {"errors": True},
        {"rekognition-custom-labels-training-0": 1},
        {"cl-metadata": True},
        {"cl-metadata": None},
        {"cl-metadata": {}},
        {"more-metadata": {"is_labeled": True}},
        {"cl-metadata": {"is_labeled": True}, "cl-errors": [{"code": "A", "message": "b"}]},
        {"note-metadata": "x"},
        {"more": 2**70},
        {"more": {"type": "x"}},
        {"more": {"errors": [{"code": "A"}]}},
        {"more": {"any": 2**70}},
        {"more": [2**70]},
        {"more-metadata": {"any": 1}},
        {"source-ref": "S3://b/a.jpg"},
        {"source-ref": 5.0},
        {"bounding-box": 1.0},
    ],
)
def test_other_oddities_are_left_to_the_rules(field: dict[str, Any]) -> None:
    assert check_warned(json.dumps(with_floats(box_line(1)) | field).encode()) is None


@given(mutants(WARNED) | scrambled(WARNED))
def test_an_answer_is_that_of_the_rules(raw: bytes) -> None:
    """Whatever is done to a line with common warnings, nothing raises, and no other result is given."""
    assert check_warned(raw) in (None, check_slowly(raw))


@given(mutants() | scrambled())
def test_an_answer_about_a_clean_line_is_that_of_the_rules(raw: bytes) -> None:
    assert check_warned(raw) in (None, check_slowly(raw))
