"""Lines that are alike are checked by the shortest way, with the results of the rules."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.validation import alike
from reconciler.core.validation.alike import LinesAlike
from reconciler.core.validation.checked_line import CheckedLine
from reconciler.core.validation.line import check_slowly
from tests.core.validation.test_fast import by_a_machine, mutants, repeated, scrambled
from tests.core.validation.usual_lines import COMPACT, SPACED, box_line, image_level_line

ALIKE = [box_line(1), box_line(2, boxes=1), box_line(3, boxes=0), by_a_machine(box_line(4, boxes=0))]
ORDINARY = [json.dumps(line, separators=COMPACT).encode() for line in ALIKE]


def checked(texts: Sequence[bytes], by: LinesAlike | None = None) -> list[CheckedLine]:
    found = (by or LinesAlike(check_slowly)).check_all(texts)
    return [CheckedLine(ref, tuple(labels), *outcome) for ref, labels, outcome in zip(*found, strict=True)]


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Note the lines that are left to `fast`."""
    found: list[bytes] = []
    together = alike.check_together

    def noted(texts: Sequence[bytes], otherwise: Any) -> Any:
        found.extend(texts)
        return together(texts, otherwise)

    monkeypatch.setattr(alike, "check_together", noted)
    return found


@given(st.lists(mutants(ALIKE) | scrambled(ALIKE), max_size=5))
def test_every_result_is_that_of_the_rules(between: list[bytes]):
    texts = [ORDINARY[0], *between, ORDINARY[1]]

    assert list(map(check_slowly, texts)) == checked(texts)


@given(st.lists(mutants() | scrambled(), min_size=1, max_size=5))
def test_so_it_is_of_lines_that_are_not_alike(texts: list[bytes]):
    assert list(map(check_slowly, texts)) == checked(texts)


@pytest.mark.parametrize("separators", [COMPACT, SPACED])
def test_lines_that_are_alike_are_not_left_to_others(separators: tuple[str, str], left: list[bytes]):
    texts = [json.dumps(line, separators=separators).encode() for line in ALIKE]

    assert list(map(check_slowly, texts)) == checked(texts)

    assert [] == left


def changed(**parts: Any) -> dict[str, Any]:
    """Return a line with one box of which some fields are replaced."""
    line = box_line(1, boxes=1)
    line["bounding-box"]["annotations"][0] |= {"left": 0, "top": 0} | parts
    return line


def sized(width: int, height: int) -> dict[str, Any]:
    """Return a line with one box in an image of that size."""
    line = changed(width=9, height=9)
    line["bounding-box"]["image_size"][0] |= {"width": width, "height": height}
    return line


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(repeated(box_line(1)), id="a-repeated-key"),
        pytest.param(json.dumps(box_line(1)).replace("labeling-job/", "a, b"), id="a-comma-in-a-name"),
        pytest.param(json.dumps(box_line(1)).replace(".jpg", ".tif"), id="another-kind-of-file"),
        pytest.param(json.dumps(box_line(1)).replace(".jpg", "\\u200b.jpg"), id="an-odd-image"),
        pytest.param(json.dumps(changed(width=1)), id="one-pixel"),
        pytest.param(json.dumps(changed(width=2)), id="two-pixels"),
        pytest.param(json.dumps(changed(height=3)), id="three-pixels"),
        pytest.param(json.dumps(changed(left=1900, width=21)), id="beyond-the-right"),
        pytest.param(json.dumps(changed(top=1000, height=81)), id="beyond-the-bottom"),
        pytest.param(json.dumps(changed(class_id=77)), id="an-unknown-class"),
        pytest.param(
            json.dumps(changed(class_id=0)).replace('"class-map": {"', '"class-map": {"-'), id="minus-zero"
        ),
        pytest.param(json.dumps(sized(4096, 100)), id="a-wide-image"),
        pytest.param(json.dumps(sized(100, 4096)), id="a-high-image"),
        pytest.param(
            json.dumps(box_line(1)).replace('{"confidence": 1}, ', "", 1).replace("g-job", "g,job"),
            id="a-confidence-too-few-and-a-comma",
        ),
        pytest.param(json.dumps(box_line(1)).replace("fuse", "fu\\u200bse"), id="an-invisible-letter"),
        pytest.param(json.dumps(box_line(1) | {"reviewed": True}), id="another-key"),
        pytest.param(json.dumps(image_level_line(1)), id="labels-of-the-image"),
        pytest.param(json.dumps(box_line(1)).replace("labeling-job", "x" * 99_000), id="too-long"),
        pytest.param("{}", id="empty"),
        pytest.param("", id="blank"),
    ],
)
def test_an_odd_line_among_others_is_left_to_others_alone(raw: str, left: list[bytes]):
    odd = raw.encode()
    texts = [ORDINARY[0], odd, *ORDINARY[1:]]

    assert list(map(check_slowly, texts)) == checked(texts)

    assert odd in left
    assert len(odd) > 99_000 or [odd] == left


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a\nb", "", "a b", "cl", "x" * 300])
def test_odd_names_of_attributes_are_left_to_others(name: str):
    line = json.dumps(box_line(1)).replace('"bounding-box', json.dumps(name)[:-1]).encode()

    assert [check_slowly(line)] == checked([line])


def test_after_a_block_in_vain_no_more_are_tried_for_a_while(
    left: list[bytes], monkeypatch: pytest.MonkeyPatch
):
    tried = []
    check = alike._check_alike
    monkeypatch.setattr(alike, "_check_alike", lambda texts, name: tried.append(name) or check(texts, name))
    vain = [json.dumps(image_level_line(number, labels=1)).encode() for number in (1, 1)]
    lines = LinesAlike(check_slowly)

    for _ in range(10):
        assert list(map(check_slowly, vain)) == checked(vain, lines)
    assert 1 == len(tried)
    for _ in range(60):
        checked(ORDINARY, lines)

    assert 2 < len(tried) < 60
