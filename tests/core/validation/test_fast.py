"""The fast path gives the result of the rules, or none."""

import copy
import json
import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.validation.fast import check_clean, check_together
from reconciler.core.validation.line import check_line, check_slowly
from tests.core.validation.usual_lines import COMPACT, SPACED, box_line, image_level_line
from tests.fixtures.lines import rows


def by_a_machine(line: dict[str, Any]) -> dict[str, Any]:
    """Return a line that no person annotated, where an empty result is normal."""
    return line | {"bounding-box-metadata": line["bounding-box-metadata"] | {"human-annotated": "no"}}


def in_detail(number: int) -> dict[str, Any]:
    """Return a line with keys below its fields of which the rules know nothing."""
    line = copy.deepcopy(box_line(number))
    size, box = line["bounding-box"]["image_size"][0], line["bounding-box"]["annotations"][0]
    for holder in (size, box, line["bounding-box"], line["bounding-box-metadata"]):
        holder |= {"source": "a, b", "more": {"any": [1, None]}}
    line["bounding-box-metadata"]["objects"][0]["by"] = "w1"
    return line


CLEAN = [
    box_line(1),
    box_line(2, boxes=1),
    image_level_line(3),
    image_level_line(4, labels=1) | {key: value for key, value in box_line(5).items() if key != "source-ref"},
    {"source-ref": "s3://bucket/a.jpg"},
    box_line(6, boxes=0),
    by_a_machine(box_line(9, boxes=0)),
    in_detail(10),
    box_line(7, boxes=0)
    | {"b": box_line(8)["bounding-box"], "b-metadata": box_line(8)["bounding-box-metadata"]},
]
TEXTS = [row.raw for row in rows() if len(row.raw) < 2000]

# What the rules depend on: words of the format, numbers at the limits, invisible characters.
WORDS = """
source-ref bounding-box bounding-box-metadata relay relay-metadata a-metadata-metadata -metadata extra
image_size annotations class_id top objects confidence class-map class-name type job-name human-annotated
creation-date adjustment-status cl cl-metadata cl-errors errors code rekognition-custom-labels-training-0
"""
DATES = """
2021-06-22T10:11:18.006Z 2021-06-22 20210622T101118 10:11:18 2021-06-22T10:11:18,006 2021-06-22t10:11:18z
2021-06-22T24:00:00Z 2021-06-22T23:59:60Z 2021-06-22T10:11:18.1234567+01:30
"""
words = st.sampled_from(["", *WORDS.split()])
dates = st.sampled_from(DATES.split())
numbers = st.sampled_from(
    [-1, 0, 1, 2, 3, 4, 63, 64, 999, 1000, 4096, 4097, 2**31, 2**63, 2**64, 2**70, -0.0, 0.5, 1.0, 4.0, 1e300]
)
names = st.sampled_from(
    ["0", "-0", "00", "x" * 255, "x" * 256, "cat, black", " cat", "cat\u00a0", "猫", "\u202e"]
)
known = st.sampled_from(["yes", "no", "groundtruth/image-classification", "groundtruth/object-detection"])
refs = st.sampled_from(
    [
        "s3://bucket/a.jpg",
        "s3://bucket/",
        "s3://b/a,b.jpg",
        "s3://b/\u200b",
        "S3://b/a",
        "s3://b/a ",
        "s3://b/\x7f",
    ]
)
strings = words | dates | names | known | refs
values = st.recursive(
    st.none() | st.booleans() | numbers | strings | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=5,
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """List each container of a document together with each key or index in it."""
    found = []
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        found += [(value, step), *places(inner)]
    return found


@st.composite
def mutants(draw: st.DrawFn, documents: Sequence[dict[str, Any]] = CLEAN) -> bytes:
    """Draw one of the documents, which are clean, after one to three changes to its structure."""
    document = copy.deepcopy(draw(st.sampled_from(documents)))
    for _ in range(draw(st.integers(0, 3))):
        holder, step = draw(st.sampled_from(places(document)))
        match draw(st.sampled_from(["set", "drop", "add", "rename", "repeat"])):
            case "set":
                holder[step] = draw(values)
            case "drop" if len(document) > 1:
                del holder[step]
            case "add" if isinstance(holder, dict):
                holder[draw(words)] = draw(values)
            case "rename" if isinstance(holder, dict):
                holder[draw(words)] = holder.pop(step)
            case "repeat" if isinstance(holder, list):
                holder.append(copy.deepcopy(holder[step]))
    separators = draw(st.sampled_from([COMPACT, SPACED]))
    text = json.dumps(document, separators=separators, ensure_ascii=draw(st.booleans()))
    return text.encode("utf-8", "surrogatepass")


@st.composite
def scrambled(draw: st.DrawFn, documents: Sequence[dict[str, Any]] = CLEAN) -> bytes:
    """Draw a line of the table or a clean one, with bytes inserted or removed, or members repeated."""
    raw = draw(st.sampled_from(TEXTS) | mutants(documents))
    for _ in range(draw(st.integers(1, 2))):
        start = draw(st.integers(0, len(raw)))
        match draw(st.sampled_from(["insert", "cut", "member", "escape"])):
            case "insert":
                piece = draw(st.binary(max_size=2) | st.sampled_from([b",", b'"', b"\\", b" ", b"0", b"-"]))
                raw = raw[:start] + piece + raw[start:]
            case "cut":
                raw = raw[:start] + raw[start + draw(st.integers(1, 9)) :]
            case "member":
                start = raw.find(b"{", start) + 1
                key = json.dumps(draw(words)).encode()
                raw = (
                    raw[:start]
                    + key
                    + b":"
                    + draw(st.sampled_from([b"1", b'"a"', b"{}", b"[]"]))
                    + b","
                    + raw[start:]
                )
            case "escape" if start < len(raw) and raw[start : start + 1].isalnum():
                raw = raw[:start] + b"\\u%04x" % raw[start] + raw[start + 1 :]
    return raw


def repeated(line: dict[str, Any], **metadata: Any) -> str:
    """Write a line with fields of its metadata replaced (or left out, for None) and one key repeated."""
    key = next(key for key in line if key.endswith("-metadata"))
    fields = {name: value for name, value in (line[key] | metadata).items() if value is not None}
    return json.dumps(line | {key: fields}).replace('"job-name":', '"job-name": "x", "job-name":')


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(repeated(image_level_line(1), **{"human-annotated": None}), id="missing-and-repeated"),
        pytest.param(repeated(box_line(1), **{"human-annotated": None}), id="missing-and-repeated-of-boxes"),
        pytest.param(
            repeated(image_level_line(1, labels=1), **{"class-name": "a, b"}).replace("a, b", "a\\u002c b"),
            id="repeated-behind-an-escaped-comma",
        ),
        pytest.param(json.dumps(image_level_line(1) | {"note-metadata": "x"}), id="string-called-metadata"),
        pytest.param(
            json.dumps(image_level_line(1)).replace("pot_resistor", "rekognition-custom-labels-training-0"),
            id="output-of-training",
        ),
    ],
)
def test_lines_made_to_deceive_the_shortcut(text: str):
    """Lines whose oddity random changes are unlikely to produce."""
    raw = text.encode()

    assert check_slowly(raw).problems
    assert check_clean(raw) is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param('"more":', '"more": 1, "more":', id="repeated"),
        pytest.param('"any": [1', '"any": 1, "any": [1', id="repeated-below"),
        pytest.param('"source": "a, b"', '"errors": [{"code": "A"}]', id="of-the-service"),
        pytest.param('"source": "a, b"', '"\\u0065rrors": [{"code": "A"}]', id="of-the-service-in-escapes"),
        pytest.param("[1, null]", "1" * 30, id="a-number-beyond-64-bits"),
        pytest.param('"labeling-job/circuit-boards-2026"', "null", id="no-name-of-a-job"),
        pytest.param('"class_id"', '"class-id"', id="a-key-that-must-be-there"),
    ],
)
def test_unknown_keys_are_no_excuse(old: str, new: str):
    text = json.dumps(in_detail(1))
    assert check_clean(text.encode())

    raw = new.join(text.rsplit(old, 1)).encode()

    assert check_slowly(raw).problems
    assert check_clean(raw) is None


def test_an_empty_result_of_a_machine_is_clean():
    raw = json.dumps(by_a_machine(box_line(1, boxes=0))).encode()

    assert check_slowly(raw) == check_clean(raw)
    assert () == check_slowly(raw).problems


@pytest.mark.parametrize(
    "class_map", ["5", "null", "{}", '{"0":""}', '{"0":1}', '{"0":"a\u200b"}', '{"0":"a"}']
)
def test_a_misplaced_class_map_does_not_deceive(class_map: str):
    """A class map where none belongs is found, although the fast path reads it last of all."""
    line = image_level_line(1, labels=1)
    (key,) = (key for key in line if key.endswith("-metadata"))
    line[key] |= {"objects": [{"confidence": 1}], "class-map": "here", "job-name": "a, b"}
    raw = json.dumps(line).replace('"here"', class_map).encode()

    assert check_clean(raw) in (None, check_slowly(raw))


@given(mutants() | scrambled())
def test_an_answer_of_the_shortcut_is_the_answer_of_the_rules(raw: bytes):
    """Whatever is done to a clean line, the fast path and the rules agree, and neither raises."""
    assert check_clean(raw) in (None, check_slowly(raw))


@given(st.lists(mutants() | scrambled(), max_size=5))
def test_lines_checked_together_have_the_results_of_the_rules(texts: list[bytes]):
    together = zip(*check_together(texts, check_slowly), strict=True)

    assert list(map(check_slowly, texts)) == [(ref, tuple(labels), *rest) for ref, labels, rest in together]


@given(st.binary(max_size=60) | values.map(lambda value: json.dumps(value).encode()))
def test_nothing_raises(raw: bytes):
    """Any bytes get a result, and one that is not clean has a problem."""
    checked = check_line(raw)

    assert checked.labels or checked.problems


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param(box_line(1), id="boxes"),
        pytest.param(box_line(2, boxes=50), id="fifty-boxes"),
        pytest.param(image_level_line(1, labels=3), id="image-level"),
        pytest.param(box_line(1) | {"customer": "acme"}, id="extra-string"),
        pytest.param(box_line(1) | {"source-ref": "s3://bucket/Smith, J/été.jpg"}, id="comma-and-accent"),
        pytest.param({"source-ref": "s3://bucket/a.jpg"}, id="unlabelled"),
        pytest.param(box_line(2, boxes=0), id="no-box"),
        pytest.param(in_detail(3), id="unknown-keys"),
    ],
)
@pytest.mark.parametrize("separators", [COMPACT, SPACED])
def test_usual_lines_take_the_shortcut(fields, separators):
    """Lines as the console, labelling jobs and json.dumps write them take the fast path, in any key order."""
    shuffled = dict(random.Random(7).sample(list(fields.items()), k=len(fields)))

    for document in (fields, shuffled):
        assert check_clean(json.dumps(document, separators=separators, ensure_ascii=False).encode())


@pytest.mark.parametrize("side", [1280, 1281, 4096])
@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_small_boxes_take_the_shortcut_where_training_keeps_them(side: int, length: int):
    """A box of two pixels is only too small if training scales its image down."""
    line = box_line(1, boxes=1)
    line["bounding-box"]["image_size"] = [{"width": 640, "height": side, "depth": 3}]
    line["bounding-box"]["annotations"][0] |= {"left": 1, "top": 1, "width": 30, "height": length}
    raw = json.dumps(line).encode()

    is_certain = length >= (2 if side == 1280 else 4)
    assert check_clean(raw) == (check_slowly(raw) if is_certain else None)
