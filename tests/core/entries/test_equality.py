"""Which fields are compared, and which are sent."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.entries.entry import canonical, without_service_keys
from reconciler.core.entries.equality import (
    EXPLAINED_BY_DEEPDIFF,
    EXPLAINED_IN_FULL,
    Equality,
    FieldChange,
    IgnoreRule,
    encode,
    field_changes,
    field_changes_at,
    outline,
    quick_field_changes,
)
from reconciler.core.entries.pattern import places, pointer, without
from tests.builders import boxed, classified, errors, line, listed, ref
from tests.core import strategies as json_of

PATHS = st.sampled_from(
    ["/*", "/x", "/x/*", "/*/*", "/annotations/0", "/*-metadata/creation-date", "/errors"]
)
POLICIES = st.builds(
    lambda paths, labels: Equality(labels, (IgnoreRule(tuple(map(pointer, paths))),)),
    st.lists(PATHS, max_size=2),
    st.booleans(),
)


def ignoring(*paths: str, match: str | None = None) -> Equality:
    return Equality(ignore=(IgnoreRule(tuple(map(pointer, paths)), match),))


def edited(raw: bytes, path: str, value: object) -> bytes:
    """Return the line with another value at an exact path."""
    fields = orjson.loads(raw)
    *parents, last = pointer(path)
    holder = fields
    for step in parents:
        holder = holder[int(step)] if isinstance(holder, list) else holder[step]
    holder[last] = value
    return orjson.dumps(fields)


def same(policy: Equality, one: bytes, other: bytes) -> bool:
    return policy.text(orjson.loads(one)) == policy.text(orjson.loads(other))


class TestExact:
    @given(json_of.FIELDS)
    def test_compares_the_canonical_form(self, fields: dict[str, Any]) -> None:
        fields["source-ref"] = ref("a")

        assert canonical(fields) == Equality().text(fields)

    @pytest.mark.parametrize(
        ("policy", "expected"),
        [(Equality(), True), (Equality(labels_only=True), False), (ignoring("/x"), False)],
    )
    def test_knows_itself(self, policy: Equality, expected: bool) -> None:
        assert expected is policy.is_exact


class TestLabelsOnly:
    @pytest.mark.parametrize(
        ("path", "value"),
        [
            ("/cat-metadata/creation-date", "2030-01-01"),
            ("/cat-metadata/confidence", 0.5),
            ("/cat-metadata/job-name", "other"),
            ("/cat", 7),
            ("/note", "mine"),
        ],
    )
    def test_does_not_compare_bookkeeping(self, path: str, value: object) -> None:
        raw = classified("a", "cat")

        assert same(Equality(labels_only=True), raw, edited(raw, path, value))

    def test_sees_a_label(self) -> None:
        assert not same(Equality(labels_only=True), classified("a", "cat"), classified("a", "dog"))

    @pytest.mark.parametrize(
        "other",
        [
            boxed("a", ("cat", 1, 2, 3, 5)),
            boxed("a", ("dog", 1, 2, 3, 4)),
            boxed("a", ("cat", 1, 2, 3, 4), ("cat", 1, 2, 3, 4)),
            boxed("a", ("cat", 1, 2, 3, 4), size=(641, 480)),
            boxed("b", ("cat", 1, 2, 3, 4)),
        ],
        ids=["moved", "relabelled", "one-more", "resized", "another-image"],
    )
    def test_sees_boxes_sizes_and_the_image(self, other: bytes) -> None:
        assert not same(Equality(labels_only=True), boxed("a", ("cat", 1, 2, 3, 4)), other)

    @given(json_of.attributes(), st.randoms(use_true_random=False))
    def test_does_not_compare_how_numbers_are_written(self, content: dict[str, Any], rng: Any) -> None:
        """A service that writes 1 as 1.0 causes no difference."""
        fields = {"source-ref": ref("a"), **content}
        policy = Equality(labels_only=True)

        assert policy.text(fields) == policy.text(json_of.rewritten(fields, rng))

    @given(json_of.FIELDS)
    def test_never_fails(self, fields: dict[str, Any]) -> None:
        Equality(labels_only=True).text({**fields, "source-ref": ref("a")})


class TestIgnored:
    def test_fields_do_not_count(self) -> None:
        raw = classified("a", "cat")
        other = edited(raw, "/cat-metadata/creation-date", "2030-01-01")

        assert same(ignoring("/*-metadata/creation-date"), raw, other)
        assert not same(ignoring("/*-metadata/job-name"), raw, other)

    def test_fields_do_not_count_even_if_one_side_lacks_them(self) -> None:
        assert same(ignoring("/x"), line("a", x=1), line("a"))

    def test_only_for_the_images_that_match(self) -> None:
        policy = ignoring("/x", match="s3://b/a*")

        assert same(policy, line("a1", x=1), line("a1", x=2))
        assert not same(policy, line("c", x=1), line("c", x=2))

    def test_the_identity_always_counts(self) -> None:
        assert not same(ignoring("/*", "/source-ref"), line("a"), line("b"))

    def test_labels_do_not_count_in_labels_only_either(self) -> None:
        policy = Equality(labels_only=True, ignore=ignoring("/cat", "/cat-metadata").ignore)

        assert same(policy, classified("a", "cat", "dog"), classified("a", "dog"))

    def test_shifts_nothing_where_the_service_has_written_into_the_line(self) -> None:
        """Error lists of the service are removed before paths are resolved, so that no index shifts."""
        raw = boxed("a", ("cat", 1, 2, 3, 4), ("cat", 5, 6, 7, 8))
        marked = edited(listed(raw), "/boxes/annotations/0/errors", errors("E"))

        assert same(ignoring("/boxes/annotations/1/top"), raw, marked)


class TestMerged:
    def test_takes_ignored_fields_from_the_observed_line(self) -> None:
        raw = classified("a", "cat")
        there = edited(edited(listed(raw), "/cat-metadata/creation-date", "2030"), "/cat", 7)

        sent = ignoring("/*-metadata/creation-date").merged(orjson.loads(raw), orjson.loads(there))

        assert orjson.loads(edited(raw, "/cat-metadata/creation-date", "2030")) == sent

    def test_keeps_a_desired_field_that_the_observed_line_lacks(self) -> None:
        sent = ignoring("/x").merged(orjson.loads(line("a", x=1)), orjson.loads(line("a")))

        assert {"source-ref": ref("a"), "x": 1} == sent

    def test_does_not_bring_back_an_attribute_that_is_desired_no_more(self) -> None:
        sent = ignoring("/*-metadata/creation-date").merged(
            orjson.loads(classified("a", "dog")), orjson.loads(classified("a", "cat", "dog"))
        )

        assert orjson.loads(classified("a", "dog")) == sent

    def test_without_an_observed_line_is_the_desired_one(self) -> None:
        assert {"source-ref": ref("a"), "x": 1} == ignoring("/x").merged(orjson.loads(line("a", x=1)), None)

    def test_sends_nothing_that_the_service_wrote(self) -> None:
        """No error list of the service is sent, however wide the rule, on whichever side it stands."""
        there = orjson.loads(listed(line("a", x=1), "ERROR_A"))
        there["x-metadata"] = {"errors": errors("E")}
        mine = orjson.loads(listed(line("a", x=2), "ERROR_B"))
        mine["x-metadata"] = {}

        sent = ignoring("/*", "/*/*", "/cl-metadata", "/cl-errors").merged(mine, there)

        assert {"source-ref": ref("a"), "x": 1, "x-metadata": {}} == sent

    @given(json_of.FIELDS, json_of.FIELDS, POLICIES)
    def test_is_equal_to_what_is_desired_in_all_that_counts(
        self, desired: dict[str, Any], observed: dict[str, Any], policy: Equality
    ) -> None:
        """A sent line equals the desired one in compared fields and the observed one in ignored fields."""
        desired["source-ref"] = observed["source-ref"] = ref("a")
        mine, there = without_service_keys(desired), without_service_keys(observed)
        ignored = frozenset(
            place for rule in policy.ignore for path in rule.paths for place in places(there, path)
        ) - {("source-ref",)}

        sent = policy.merged(desired, observed)

        assert canonical(without(mine, ignored)) == canonical(without(sent, ignored))
        for place in ignored:
            if len(place) == 1:
                assert there[place[0]] == sent[place[0]]

    @given(json_of.FIELDS, json_of.FIELDS, POLICIES)
    def test_is_stable_once_it_is_there(
        self, desired: dict[str, Any], observed: dict[str, Any], policy: Equality
    ) -> None:
        """A line that was sent and is then observed would be sent again unchanged."""
        desired["source-ref"] = observed["source-ref"] = ref("a")
        sent = policy.merged(desired, observed)

        assert canonical(sent) == canonical(policy.merged(desired, sent))

    @given(json_of.attributes(), json_of.attributes(), POLICIES)
    def test_leaves_nothing_to_do(
        self, desired: dict[str, Any], observed: dict[str, Any], policy: Equality
    ) -> None:
        """A line that was sent and is then observed equals the desired one."""
        desired["source-ref"] = observed["source-ref"] = ref("a")
        sent = policy.merged(desired, observed)

        assert policy.text(desired) == policy.text(sent)


def test_a_line_travels_compact_and_in_its_authors_order() -> None:
    assert b'{"b":1,"a":1.0}' == encode(orjson.loads(b'{ "b" : 1, "a" : 1.0 }'))


def test_what_is_sent_is_the_same_bytes_in_every_process() -> None:
    """The order of ignored fields that only AWS has does not depend on Python's hash seed."""
    names = [f"note-{letter}" for letter in "hbgdfcea"]
    desired, observed = orjson.loads(line("a")), orjson.loads(line("a")) | dict.fromkeys(names, 1)

    merged = ignoring("/note-*").merged(desired, observed)

    assert sorted(names) == [key for key in merged if key in names]


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


def test_both_sides_of_a_whole_value_have_their_keys_in_one_order() -> None:
    """A person compares two objects by eye, whatever order their authors wrote the keys in."""
    before = {"source-ref": "s3://b/1.jpg", "a": {"z": [{"d": 1, "c": 2}], "y": 1.0}}
    (change,) = field_changes(before, {"source-ref": "s3://b/1.jpg"})
    assert repr(change.before) == repr({"y": 1, "z": [{"c": 2, "d": 1}]})
