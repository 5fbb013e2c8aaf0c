"""Naming the fields that differ."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.entries.entry import canonical
from reconciler.core.entries.field_changes import (
    EXPLAINED_BY_DEEPDIFF,
    EXPLAINED_IN_FULL,
    FieldChange,
    field_changes,
    field_changes_at,
    outline,
    quick_field_changes,
)
from tests.builders import boxed, listed
from tests.core import strategies as json_of


@st.composite
def edits(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """Draw a content, and the same with one value anywhere in it replaced."""
    fields = draw(json_of.FIELDS | json_of.attributes())
    other = orjson.loads(orjson.dumps(fields))
    holder: Any = other
    while isinstance(holder, dict | list) and holder:
        key = draw(st.sampled_from(sorted(holder))) if isinstance(holder, dict) else draw(_index(holder))
        if not isinstance(holder[key], dict | list) or not holder[key] or draw(st.booleans()):
            holder[key] = draw(json_of.VALUES)
            break
        holder = holder[key]
    return fields, other


def _index(holder: list[Any]) -> st.SearchStrategy[int]:
    return st.integers(0, len(holder) - 1)


PAIRS = st.tuples(json_of.FIELDS, json_of.FIELDS) | edits()


@given(PAIRS)
def test_explains_exactly_what_is_not_equal(pair: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """Differences are named exactly when the lines are not equal, although DeepDiff compares differently."""
    before, after = pair

    assert (canonical(before) != canonical(after)) == bool(field_changes(before, after))


@given(PAIRS)
def test_explains_the_same_with_and_without_deepdiff(pair: tuple[dict[str, Any], dict[str, Any]]) -> None:
    before, after = pair

    assert field_changes(before, after) == quick_field_changes(before, after)


@given(st.lists(json_of.VALUES, max_size=4), st.lists(json_of.VALUES, max_size=4))
def test_explains_lists_of_any_lengths_the_same_with_and_without_deepdiff(
    before: list[Any], after: list[Any]
) -> None:
    assert field_changes({"x": before}, {"x": after}) == quick_field_changes({"x": before}, {"x": after})


@given(PAIRS)
def test_outlines_exactly_what_is_not_equal(pair: tuple[dict[str, Any], dict[str, Any]]) -> None:
    before, after = pair

    assert (canonical(before) != canonical(after)) == bool(outline(before, after))


@given(PAIRS)
def test_outline_names_the_attributes_of_explain(pair: tuple[dict[str, Any], dict[str, Any]]) -> None:
    before, after = pair
    attributes = {"/" + change.path.split("/")[1] for change in field_changes(before, after)}

    assert attributes == {change.path for change in outline(before, after)}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param({"x": 1}, {"x": 2}, [("/x", 1, 2)], id="changed"),
        pytest.param({}, {"x": 2}, [("/x", None, 2)], id="added"),
        pytest.param({"x": 1}, {}, [("/x", 1, None)], id="removed"),
        pytest.param({"x": None}, {}, [("/x", None, None)], id="null-removed"),
        pytest.param({"x": None}, {"x": 1}, [("/x", None, 1)], id="null-changed"),
        pytest.param({"__x": 1}, {"__x": 2}, [("/__x", 1, 2)], id="private"),
        pytest.param({"a'b\"c.d": 1}, {"a'b\"c.d": 2}, [("/a'b\"c.d", 1, 2)], id="quotes-and-dots"),
        pytest.param({"a/b~c": 1}, {"a/b~c": 2}, [("/a~1b~0c", 1, 2)], id="slash-and-tilde"),
        pytest.param({"x[0]": [1]}, {"x[0]": [2]}, [("/x[0]/0", 1, 2)], id="brackets"),
        pytest.param({"x": True}, {"x": 1}, [("/x", True, 1)], id="true-to-one"),
        pytest.param({"x": [True]}, {"x": [1]}, [("/x/0", True, 1)], id="true-to-one-in-a-list"),
        pytest.param({"x": [0, [False]]}, {"x": [0, [0]]}, [("/x/1/0", False, 0)], id="deep-in-lists"),
        pytest.param({"x": "1"}, {"x": 1}, [("/x", "1", 1)], id="text-to-number"),
        pytest.param({"x": {"y": 1}}, {"x": [1]}, [("/x", {"y": 1}, [1])], id="object-to-list"),
        pytest.param({"x": [1, 2]}, {"x": [1, 2, 3]}, [("/x/2", None, 3)], id="longer"),
        pytest.param({"x": [1, 2]}, {"x": [1]}, [("/x/1", 2, None)], id="shorter"),
        pytest.param({"x": "a\nb"}, {"x": "a\nc"}, [("/x", "a\nb", "a\nc")], id="lines"),
        pytest.param({"x": 2**53}, {"x": 2**53 + 1}, [("/x", 2**53, 2**53 + 1)], id="large"),
        pytest.param({"x": 1.5}, {"x": 1.5000000000000002}, [("/x", 1.5, 1.5000000000000002)], id="fine"),
        pytest.param({"x": "not present"}, {"x": 1}, [("/x", "not present", 1)], id="words-of-deepdiff"),
    ],
)
def test_names_the_field_and_both_values(before: Any, after: Any, expected: Any) -> None:
    assert tuple(FieldChange(*change) for change in expected) == field_changes(before, after)
    assert tuple(FieldChange(*change) for change in expected) == quick_field_changes(before, after)


def test_is_ordered_by_path() -> None:
    paths = [change.path for change in field_changes({"b": 1, "a": {"y": 1}}, {"c": 1, "a": {"x": 1}})]

    assert sorted(paths) == paths
    assert 4 == len(paths)


def test_names_the_edge_of_the_box_that_moved() -> None:
    before, after = boxed("a", ("cat", 1, 2, 3, 4)), boxed("a", ("cat", 1, 7, 3, 4))

    assert (FieldChange("/boxes/annotations/0/top", 2, 7),) == field_changes(
        orjson.loads(listed(before)), orjson.loads(after)
    )


def test_a_large_nest_is_explained() -> None:
    nest: Any = 1
    for depth in range(100):
        nest = {"k": nest} if depth % 2 else [nest]
    (change,) = field_changes({"x": nest}, {"x": orjson.loads(orjson.dumps(nest).replace(b"1", b"2"))})

    assert (1, 2) == (change.before, change.after)
    assert change.path.startswith("/x/k/0/k/0/")


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0, field_changes),
        (EXPLAINED_BY_DEEPDIFF - 1, field_changes),
        (EXPLAINED_BY_DEEPDIFF, quick_field_changes),
        (EXPLAINED_IN_FULL - 1, quick_field_changes),
        (EXPLAINED_IN_FULL, outline),
        (EXPLAINED_IN_FULL + 1, outline),
    ],
)
def test_the_more_updates_the_less_is_said_of_each(number: int, expected: object) -> None:
    """The first updates are explained best, those that few will read in full, and the rest by attribute."""
    assert expected is field_changes_at(number)
