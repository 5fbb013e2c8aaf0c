"""Lines that are alike are checked by the shortest way, with the results of the rules."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.spec.labelling import image_level
from reconciler.core.validation import alike
from reconciler.core.validation.alike import LinesAlike
from reconciler.core.validation.checked_line import CheckedLine
from reconciler.core.validation.line import check_slowly
from reconciler.core.validation.warned import check_warned
from tests.core.validation.test_fast import by_a_machine, mutants, repeated, scrambled
from tests.core.validation.usual_lines import COMPACT, PROVENANCE, SPACED, box_line, image_level_line

ALIKE = [box_line(1), box_line(2, boxes=1), box_line(3, boxes=0), by_a_machine(box_line(4, boxes=0))]
LABELLED = [
    image_level_line(1, labels=1),
    image_level_line(2, labels=3),
    {"source-ref": "s3://b/c.png"},
    image_level_line(3),
]


def renamed(line: dict[str, Any], number: int) -> dict[str, Any]:
    """Return a line with boxes whose attribute has a name of its own."""
    return {key.replace("bounding-box", f"job-{number}"): value for key, value in line.items()}


RENAMED = [renamed(line, number) for number, line in enumerate(ALIKE)]
SORTS = {"boxes": ALIKE, "labels-of-images": LABELLED, "names-of-their-own": RENAMED}


def written(lines: Sequence[dict[str, Any]], separators: tuple[str, str] = COMPACT) -> list[bytes]:
    return [json.dumps(line, separators=separators).encode() for line in lines]


ORDINARY = written(ALIKE)


def checked(texts: Sequence[bytes], by: LinesAlike | None = None) -> list[CheckedLine]:
    found = (by or LinesAlike(check_warned, check_slowly)).check_all(texts)
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


@pytest.mark.parametrize("lines", SORTS.values(), ids=SORTS)
@given(st.data())
def test_every_result_is_that_of_the_rules(lines: list[dict[str, Any]], data: st.DataObject):
    between = data.draw(st.lists(mutants(lines) | scrambled(lines), max_size=5))
    texts = [*written(lines[:1]), *between, *written(lines[1:2])]

    assert list(map(check_slowly, texts)) == checked(texts)


@given(st.lists(mutants() | scrambled(), min_size=1, max_size=5))
def test_so_it_is_of_lines_that_are_not_alike(texts: list[bytes]):
    assert list(map(check_slowly, texts)) == checked(texts)


@pytest.mark.parametrize("lines", SORTS.values(), ids=SORTS)
@pytest.mark.parametrize("separators", [COMPACT, SPACED])
def test_lines_that_are_alike_are_not_left_to_others(
    separators: tuple[str, str], lines: list[dict[str, Any]], left: list[bytes]
):
    texts = written(lines, separators)

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


def metadata(**parts: Any) -> dict[str, Any]:
    """Return a line with one label of the image, some fields of whose metadata are replaced."""
    line = image_level_line(1, labels=1)
    key = next(key for key in line if key.endswith("-metadata"))
    return line | {key: line[key] | parts}


def labelled_as(name: str, label: str) -> dict[str, Any]:
    """Return an attribute with a label of the image that is not its name."""
    line = metadata(**{"class-name": label})
    return {name: 1, f"{name}-metadata": next(value for key, value in line.items() if key.endswith("data"))}


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(metadata(confidence=1.5), id="a-confidence-above-one"),
        pytest.param(metadata(**{"creation-date": "22.06.2021"}), id="another-date"),
        pytest.param(metadata(source="x"), id="an-unknown-key"),
        pytest.param(metadata() | {"reviewed": True}, id="another-field"),
        pytest.param(metadata() | {"source-ref": "s3://b/a.tif"}, id="another-kind-of-file"),
        pytest.param(box_line(1), id="boxes"),
    ],
)
def test_an_odd_line_among_labels_of_images_is_left_to_others_alone(line: dict[str, Any], left: list[bytes]):
    texts = written([LABELLED[0], line, *LABELLED[1:]])

    assert list(map(check_slowly, texts)) == checked(texts)

    assert [texts[1]] == left


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(repeated(metadata()), id="a-repeated-key"),
        pytest.param(json.dumps(metadata(**{"class-name": "a\u200b"})), id="an-invisible-letter"),
        pytest.param(json.dumps(metadata() | {"note": "x"}), id="a-text"),
        pytest.param(json.dumps(metadata() | {"a": 1, "b": 1}), id="two-without-metadata"),
        pytest.param(json.dumps(metadata() | {"source-ref": 1}), id="a-source-ref-of-another-type"),
        pytest.param(json.dumps({"x": 1}), id="no-source-ref"),
        pytest.param(json.dumps(metadata() | labelled_as("a", "x") | {"a": "1"}), id="a-value-in-quotes"),
        pytest.param(json.dumps(metadata() | {"a": 1, "a-metadata": 1}), id="metadata-of-another-type"),
        pytest.param(
            json.dumps(
                {"source-ref": "s3://b/a.png"} | image_level(map(str, range(51)), PROVENANCE["creation-date"])
            ),
            id="too-many",
        ),
        pytest.param(
            json.dumps({"source-ref": "s3://b/a.png"} | labelled_as("cl", "x")), id="a-name-of-the-service"
        ),
    ],
)
def test_with_a_doubt_that_concerns_all_labels_every_line_is_left_to_others(raw: str, left: list[bytes]):
    texts = [*written(LABELLED), raw.encode(), *written(LABELLED)]

    assert list(map(check_slowly, texts)) == checked(texts)

    assert texts == left


def test_a_pair_in_two_lines_is_none():
    pair = [{key: value} for key, value in labelled_as("x", "x").items()]
    halves = [{"source-ref": "s3://b/a.png"} | half for half in pair]
    texts = written([*LABELLED, *halves, *LABELLED])

    assert list(map(check_slowly, texts)) == checked(texts)


def test_attributes_with_the_same_label_put_it_on_an_image_once(left: list[bytes]):
    line = {key: value for name in ("a", "b") for key, value in labelled_as(name, "fuse").items()}
    texts = written([*LABELLED, {"source-ref": "s3://b/a.png"} | line, *LABELLED])

    assert list(map(check_slowly, texts)) == checked(texts)

    assert [] == left


def test_names_beyond_the_most_are_left_to_others(monkeypatch: pytest.MonkeyPatch, left: list[bytes]):
    monkeypatch.setattr(alike, "_MAX_NAMES", 3)
    texts = written(RENAMED)

    assert list(map(check_slowly, texts)) == checked(texts)

    assert texts[3:] == left


def test_once_names_differ_a_block_between_two_lines_of_one_name_is_no_exception(left: list[bytes]):
    lines = LinesAlike(check_warned, check_slowly)
    checked(written(RENAMED), lines)

    checked(written([RENAMED[0], *RENAMED[:1]]), lines)
    checked(written([RENAMED[0], *RENAMED[1:], RENAMED[0]]), lines)

    assert [] == left


def test_after_a_block_in_vain_no_more_are_tried_for_a_while(
    left: list[bytes], monkeypatch: pytest.MonkeyPatch
):
    tried = []
    check = alike._check_alike
    monkeypatch.setattr(alike, "_check_alike", lambda *given: tried.append(1) or check(*given))
    vain = [json.dumps(changed(width=1)).encode()] * 2
    lines = LinesAlike(check_warned, check_slowly)

    for _ in range(10):
        assert list(map(check_slowly, vain)) == checked(vain, lines)
    assert 1 == len(tried)
    for _ in range(60):
        checked(ORDINARY, lines)

    assert 2 < len(tried) < 60


WARNED = [line | {"reviewed": True} for line in (box_line(1), box_line(2), image_level_line(3))]


def test_where_most_lines_have_warnings_others_are_not_tried_first_for_a_while(left: list[bytes]):
    texts, lines = (
        written([*WARNED, box_line(4), {"source-ref": "s3://b/c.png"}]),
        LinesAlike(check_warned, check_slowly),
    )

    for _ in range(10):
        assert list(map(check_slowly, texts)) == checked(texts, lines)
    assert texts == left
    for _ in range(60):
        checked(texts, lines)

    assert 2 * texts == left


def test_where_few_lines_have_warnings_all_are_tried(left: list[bytes]):
    texts, lines = written([*WARNED[:1], *ALIKE[:1], *LABELLED]), LinesAlike(check_warned, check_slowly)

    for _ in range(3):
        assert list(map(check_slowly, texts)) == checked(texts, lines)

    assert 3 * texts[:2] == left


@given(st.lists(mutants() | mutants(WARNED), min_size=1, max_size=5))
def test_so_it_is_of_lines_whose_warnings_are_looked_for_first(texts: list[bytes]):
    lines = LinesAlike(check_warned, check_slowly)
    checked(written(WARNED), lines)

    assert list(map(check_slowly, texts)) == checked(texts, lines)
