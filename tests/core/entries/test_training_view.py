"""What training reads of a line."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given

from reconciler.core.entries.entry import CLASSIFICATION, DETECTION, canonical
from reconciler.core.entries.training_view import Meaning, TrainingBox, meaning
from tests.builders import boxed, classified
from tests.core import strategies as json_of

NOTHING = Meaning((), (), ())


def of(raw: bytes) -> Meaning:
    return meaning(orjson.loads(raw))


def detection(value: object, **metadata: object) -> dict[str, object]:
    return {"x": value, "x-metadata": {"type": DETECTION, "class-map": {"0": "cat"}, **metadata}}


def test_labels_are_sorted_and_each_once() -> None:
    names = [f"label{number}" for number in range(9)]
    fields = orjson.loads(classified("a", *reversed(names)))
    fields["again"], fields["again-metadata"] = 1, fields["label3-metadata"]

    assert tuple(names) == meaning(fields).labels


def test_sizes_are_sorted_and_each_once() -> None:
    """Two attributes may state two sizes of one image: both are listed, sorted and without repeats."""
    fields: dict[str, Any] = {}
    for number, width in enumerate([9, 3, 7, 3, 5]):
        fields |= {f"x{number}": {"image_size": [{"width": width, "height": 1}]}}
        fields |= {f"x{number}-metadata": {"type": DETECTION}}

    assert ((3, 1), (5, 1), (7, 1), (9, 1)) == meaning(fields).sizes


def test_boxes_carry_their_labels_and_are_sorted() -> None:
    found = of(boxed("a", ("dog", 9, 1, 2, 3), ("cat", 5, 6, 7, 8), size=(100, 50)))

    assert (
        Meaning((), (TrainingBox("cat", 5, 6, 7, 8), TrainingBox("dog", 9, 1, 2, 3)), ((100, 50),)) == found
    )


@pytest.mark.parametrize("kind", [CLASSIFICATION, DETECTION])
def test_only_the_two_types_that_training_reads_count(kind: str) -> None:
    """A type that is only like one of them says nothing, wherever it stands in the alphabet."""
    box = {"class_id": 0, "left": 1, "top": 2, "width": 3, "height": 4}
    value = {"image_size": [{"width": 9, "height": 9}], "annotations": [box]}
    metadata = {"class-name": "cat", "class-map": {"0": "cat"}}

    assert NOTHING != meaning({"x": value, "x-metadata": {**metadata, "type": kind}})
    for other in (kind[:-1], f"{kind}s", kind.upper(), "", "zzz"):
        assert NOTHING == meaning({"x": value, "x-metadata": {**metadata, "type": other}})


def test_the_same_box_may_stand_there_twice() -> None:
    assert 2 == len(of(boxed("a", ("cat", 1, 2, 3, 4), ("cat", 1, 2, 3, 4))).boxes)


def test_class_numbers_and_attribute_names_do_not_matter() -> None:
    box = {"left": 1, "top": 2, "width": 3, "height": 4}
    one = {
        "p": {"annotations": [{**box, "class_id": 0}]},
        "p-metadata": {"type": DETECTION, "class-map": {"0": "cat"}},
    }
    other = {
        "q": {"annotations": [{**box, "class_id": 7}]},
        "q-metadata": {"type": DETECTION, "class-map": {"7": "cat", "8": "dog"}},
    }

    assert meaning(one) == meaning(other)


def test_a_class_number_may_come_back_as_a_float() -> None:
    """A class number of 1.0 is the class 1, as the service may write it."""
    box = {"left": 1, "top": 2, "width": 3, "height": 4}

    assert (TrainingBox("cat", 1, 2, 3, 4),) == meaning(
        detection({"annotations": [{**box, "class_id": 0.0}]})
    ).boxes


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"x": 1}, id="no-metadata"),
        pytest.param({"x-metadata": {"type": CLASSIFICATION, "class-name": "cat"}}, id="metadata-alone"),
        pytest.param({"x": 1, "x-metadata": {"type": CLASSIFICATION}}, id="no-class-name"),
        pytest.param({"x": 1, "x-metadata": {"type": CLASSIFICATION, "class-name": 5}}, id="number-as-name"),
        pytest.param(
            {"x": 1, "x-metadata": {"type": "groundtruth/other", "class-name": "c"}}, id="other-type"
        ),
        pytest.param({"x": 1, "x-metadata": {"type": ["t"]}}, id="type-is-a-list"),
        pytest.param({"x": 1, "x-metadata": "text"}, id="metadata-is-text"),
        pytest.param(detection({}), id="no-annotations"),
        pytest.param(detection({"annotations": 5}), id="annotations-are-a-number"),
        pytest.param(detection({"annotations": True}), id="annotations-are-true"),
        pytest.param(detection({"annotations": {"a": {}}}), id="annotations-are-an-object"),
        pytest.param(detection({"annotations": [1, None, []]}), id="boxes-are-not-objects"),
        pytest.param(detection({"annotations": [{"class_id": 0, "left": 1}]}), id="edges-missing"),
        pytest.param(detection({"image_size": 5}), id="size-is-a-number"),
        pytest.param(detection({"image_size": [{"width": "9", "height": 9}]}), id="width-is-text"),
        pytest.param(detection({"image_size": [{"width": True, "height": 9}]}), id="width-is-true"),
        pytest.param(detection(5), id="value-is-a-number"),
        pytest.param(
            detection({"annotations": [{"class_id": 3, "left": 1, "top": 1, "width": 1, "height": 1}]}),
            id="class-not-in-the-map",
        ),
        pytest.param(
            detection({"annotations": [{"class_id": 0, "left": True, "top": 1, "width": 1, "height": 1}]}),
            id="edge-is-true",
        ),
        pytest.param(
            detection(
                {"annotations": [{"class_id": 0, "left": 1, "top": 1, "width": 1, "height": 1}]},
                **{"class-map": ["cat"]},
            ),
            id="class-map-is-a-list",
        ),
    ],
)
def test_what_is_malformed_contributes_nothing(fields: dict[str, Any]) -> None:
    """Malformed parts are left out, as by training."""
    assert NOTHING == meaning(fields)


@given(json_of.attributes() | json_of.FIELDS)
def test_equal_entries_mean_the_same(fields: dict[str, Any]) -> None:
    """Equal entries have equal training views; the reverse need not hold."""
    assert meaning(fields) == meaning(orjson.loads(canonical(fields)))


def test_a_box_without_a_class_is_skipped_whatever_the_map_names() -> None:
    """No number is not the number of a class that happens to be called None."""
    fields = orjson.loads(boxed("1", ("crack", 1, 1, 5, 5)))
    del fields["boxes"]["annotations"][0]["class_id"]
    fields["boxes-metadata"]["class-map"] = {"None": "crack"}
    assert meaning(fields).boxes == ()
