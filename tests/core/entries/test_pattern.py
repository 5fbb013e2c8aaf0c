"""Globs over source-refs, and pointers into lines."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.entries.pattern import carry, glob, places, pointer, shared_directory, without
from tests.core import strategies as json_of

STEPS = st.lists(
    st.sampled_from(["*", "a*", "?", "0", "1", "x", "[0]", "a/b"]) | json_of.KEYS, min_size=1, max_size=3
)


def at(value: Any, steps: tuple[str, ...]) -> Any:
    """Follow exact steps; raise LookupError where they lead nowhere."""
    for step in steps:
        value = value[int(step)] if isinstance(value, list) else value[step]
    return value


class TestGlob:
    @pytest.mark.parametrize(
        ("pattern", "matched", "other"),
        [
            pytest.param("s3://b/*.jpg", "s3://b/a.jpg", "s3://b/x/a.jpg", id="star-stays-in-a-folder"),
            pytest.param("s3://b/**", "s3://b/x/y/a.jpg", "s3://c/a.jpg", id="two-stars-cross-folders"),
            pytest.param("s3://b/?.jpg", "s3://b/a.jpg", "s3://b/ab.jpg", id="one-character"),
            pytest.param("s3://b/?", "s3://b/a", "s3://b//", id="one-character-but-a-slash"),
            pytest.param("s3://b/a.jpg", "s3://b/a.jpg", "s3://b/aXjpg", id="a-dot-is-a-dot"),
            pytest.param("s3://b/[a].jpg", "s3://b/[a].jpg", "s3://b/a.jpg", id="brackets-are-brackets"),
            pytest.param("s3://b/**", "s3://b/a\nb", "s3://B/a", id="new-line-and-case"),
            pytest.param("s3://b/a", "s3://b/a", "s3://b/a\n", id="whole"),
        ],
    )
    def test_matches_whole_source_refs(self, pattern: str, matched: str, other: str) -> None:
        assert glob(pattern).match(matched)
        assert not glob(pattern).match(other)

    @given(st.text(st.characters(exclude_characters="*?")))
    def test_without_wildcards_matches_itself_alone(self, text: str) -> None:
        assert glob(text).match(text)
        assert not glob(text).match(text + "x")


class TestPointer:
    @pytest.mark.parametrize(
        ("path", "steps"),
        [
            ("/a", ("a",)),
            ("/a/0/b", ("a", "0", "b")),
            ("/a~1b/~0", ("a/b", "~")),
            ("/~01", ("~1",)),
            ("/a/", ("a", "")),
        ],
    )
    def test_splits(self, path: str, steps: tuple[str, ...]) -> None:
        assert steps == pointer(path)

    @pytest.mark.parametrize("path", ["", "a", "/", "a/b"])
    def test_refuses_what_is_not_one(self, path: str) -> None:
        with pytest.raises(ValueError, match="JSON Pointer"):
            pointer(path)


class TestPlaces:
    def test_are_all_that_the_steps_describe(self) -> None:
        value = {"a-metadata": {"date": 1}, "b-metadata": {"date": 2}, "c-metadata": 3, "d": {"date": 4}}

        assert [("a-metadata", "date"), ("b-metadata", "date")] == list(places(value, ("*-metadata", "date")))

    def test_in_lists_are_given_by_their_index(self) -> None:
        assert [("x", "0", "t"), ("x", "1", "t")] == list(
            places({"x": [{"t": 1}, {"t": 2}, 3]}, ("x", "*", "t"))
        )

    @pytest.mark.parametrize("key", ["[0]", "a[b]c", "[!x]"])
    def test_take_brackets_for_brackets(self, key: str) -> None:
        """Only stars and question marks are special, brackets are not."""
        assert [(key,)] == list(places({key: 1, "0": 2, "abc": 3, "y": 4}, (key,)))

    def test_stars_match_keys_with_slashes(self) -> None:
        """A star matches keys with slashes, as the pointer has already been split."""
        assert [("a/b",)] == list(places({"a/b": 1}, ("*",)))

    @given(json_of.VALUES, STEPS)
    def test_exist(self, value: Any, steps: list[str]) -> None:
        for place in places(value, tuple(steps)):
            at(value, place)


class TestWithout:
    @given(json_of.VALUES, STEPS)
    def test_nothing_that_was_named_is_left(self, value: Any, steps: list[str]) -> None:
        """Nothing that matches is left, in objects or in lists; later items of a list move up."""
        gone = frozenset(places(value, tuple(steps)))
        left = without(value, gone)

        for place in gone:
            if isinstance(at(value, place[:-1]), dict):
                try:
                    parent = at(left, place[:-1])
                except LookupError:
                    continue
                assert not isinstance(parent, dict) or place[-1] not in parent or _in_a_list(value, place)

    @given(json_of.VALUES, STEPS)
    def test_leaves_its_argument_alone(self, value: Any, steps: list[str]) -> None:
        before = copy.deepcopy(value)
        without(value, frozenset(places(value, tuple(steps))))

        assert before == value

    def test_takes_out_fields_and_elements(self) -> None:
        value = {"a": {"x": 1, "y": 2}, "b": [1, 2, 3]}

        assert {"a": {"y": 2}, "b": [1, 3]} == without(value, frozenset({("a", "x"), ("b", "1"), ("c", "z")}))

    def test_of_a_parent_takes_its_children(self) -> None:
        assert {} == without({"a": {"x": 1}}, frozenset({("a", "x"), ("a",)}))


def _in_a_list(value: Any, place: tuple[str, ...]) -> bool:
    return any(isinstance(at(value, place[:depth]), list) for depth in range(len(place)))


class TestCarry:
    @given(json_of.VALUES, json_of.VALUES, STEPS)
    def test_gives_the_target_the_values_of_the_source_and_nothing_else(
        self, source: Any, target: Any, steps: list[str]
    ) -> None:
        """Values are copied where source and target have the same shape; elsewhere the target stays."""
        for place in places(source, tuple(steps)):
            result = carry(place, source, target)
            if carried := _can_be_carried(source, target, place):
                assert at(source, place) is at(result, place)
            if not carried:
                assert target == result
            elsewhere = frozenset({place})
            assert without(target, elsewhere) == without(result, elsewhere)

    @pytest.mark.parametrize(
        ("place", "expected"),
        [
            (("x", "1"), {"x": [1, "two", 3], "y": {"k": 4}}),
            (("x", "0"), {"x": ["one", 2, 3], "y": {"k": 4}}),
            (("y", "k"), {"x": [1, 2, 3], "y": {"k": "four"}}),
            (("y", "new"), {"x": [1, 2, 3], "y": {"k": 4, "new": 5}}),
            (("z",), {"x": [1, 2, 3], "y": {"k": 4}, "z": 6}),
        ],
    )
    def test_replaces_one_value_or_adds_one_field(
        self, place: tuple[str, ...], expected: dict[str, Any]
    ) -> None:
        source = {"x": ["one", "two"], "y": {"k": "four", "new": 5}, "z": 6}

        assert expected == carry(place, source, {"x": [1, 2, 3], "y": {"k": 4}})

    @pytest.mark.parametrize(
        ("source", "target"),
        [
            pytest.param({"x": {"k": 1}}, {"x": [1]}, id="object-to-list"),
            pytest.param({"x": {"0": 1}}, {"x": [5]}, id="object-with-a-number-to-list"),
            pytest.param({"x": [1]}, {"x": {"0": 5}}, id="list-to-object"),
            pytest.param({"x": {"k": 1}}, {"x": 5}, id="object-to-scalar"),
            pytest.param({"x": {"k": 1}}, {}, id="no-parent"),
            pytest.param({"x": [1, 2]}, {"x": []}, id="list-too-short"),
        ],
    )
    def test_leaves_a_target_of_another_shape_alone(self, source: Any, target: Any) -> None:
        for place in places(source, ("x", "*")):
            assert target == carry(place, source, target)


def _can_be_carried(source: Any, target: Any, place: tuple[str, ...]) -> bool:
    *parents, last = place
    for step in parents:
        if type(source) is not type(target):
            return False
        try:
            source, target = at(source, (step,)), at(target, (step,))
        except LookupError:
            return False
    if isinstance(source, dict):
        return isinstance(target, dict)
    return isinstance(target, list) and int(last) < len(target)


@given(st.lists(st.text("ab/", max_size=6), min_size=1).map(sorted))
def test_a_shared_directory_is_the_longest_that_begins_every_key(keys):
    """The first and the last of sorted keys decide."""
    shared = [at for at in range(1, len(keys[0]) + 1) if keys[0][at - 1] == "/"]
    expected = max(
        (keys[0][:at] for at in shared if all(key.startswith(keys[0][:at]) for key in keys)), default=""
    )

    assert expected == shared_directory(keys)
