"""Comparing desired and observed lines."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Sequence
from io import BytesIO
from itertools import accumulate
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.core.entries.entry import canonical, digest, error_codes, without_service_keys
from reconciler.core.entries.equality import Equality, IgnoreRule
from reconciler.core.entries.index import Index, IndexedLines, Place
from reconciler.core.entries.listed_form import are_compact, hash_desired
from reconciler.core.entries.pattern import pointer
from reconciler.core.planning.compare import compare, compare_some
from reconciler.core.planning.diff import Action, Change, Diff
from reconciler.errors import ListingMoved, UnknownAnswer
from tests.builders import classified, errors, index_of, line, listed, observed, reader, ref
from tests.core import strategies as json_of

EXACT = Equality()
LABELS = Equality(labels_only=True)
IGNORING = Equality(ignore=(IgnoreRule((pointer("/x"), pointer("/*-metadata/creation-date"))),))
POLICIES = st.sampled_from([EXACT, LABELS, IGNORING])


def judge(
    desired: Sequence[bytes], there: Sequence[bytes], policy: Equality = EXACT, void: Sequence[str] = ()
) -> Diff:
    index = index_of(*desired, void=void)
    return compare(index, observed(*there), reader(*desired), policy)


def actions(diff: Diff) -> list[tuple[str, str]]:
    return [(change.action.value, change.source_ref) for change in diff.changes]


def unread(source_ref: str, place: Place) -> bytes:
    raise AssertionError("a line was read although its text is the listed one")


class TestEachKind:
    def test_one_of_each_in_order_of_source_ref(self) -> None:
        diff = judge([line("c", x=1), line("a"), line("b", x=1)], [line("d"), line("c", x=1), line("b", x=2)])

        assert [("add", ref("a")), ("update", ref("b")), ("orphan", ref("d"))] == actions(diff)
        assert (3, 3, 1, 0) == (diff.desired, diff.observed, diff.unchanged, len(diff.ignored))

    def test_an_update_knows_both_places_and_both_digests(self) -> None:
        want, there = [line("z"), line("a", x=1)], [line("z"), listed(line("a", x=2))]
        (change,) = judge(want, there).changes

        assert (1, 2) == (change.desired and change.desired.file, change.observed and change.observed.line)
        assert digest(canonical({"source-ref": ref("a"), "x": 2})) == change.before
        assert digest(canonical({"source-ref": ref("a"), "x": 1})) == change.after

    def test_an_add_has_nothing_before_and_an_orphan_nothing_after(self) -> None:
        add, orphan = judge([line("a")], [line("b")]).changes

        assert (None, None) == (add.observed, add.before)
        assert add.desired == Place(0, 0, len(line("a")), 1)
        assert (None, None) == (orphan.desired, orphan.after)
        assert digest(canonical({"source-ref": ref("b")})) == orphan.before

    def test_count(self) -> None:
        diff = judge([line("a"), line("b")], [line("c")])

        assert (2, 0, 1) == tuple(diff.count(action) for action in Action)

    def test_nothing_against_nothing(self) -> None:
        assert Diff((), 0, 0, 0, (), ()) == judge([], [])


class TestSameText:
    @pytest.mark.parametrize("labeled", [True, False])
    def test_needs_no_second_reading(self, labeled: bool) -> None:
        """A listed line that is the desired one plus the service's ending is neither reread nor parsed."""
        raw = classified("a", "cat")
        diff = compare(index_of(raw), observed(listed(raw, labeled=labeled)), unread, EXACT)

        assert (1, ()) == (diff.unchanged, diff.changes)

    def test_needs_no_second_reading_without_an_ending(self) -> None:
        assert 1 == compare(index_of(line("a")), observed(line("a")), unread, EXACT).unchanged

    def test_needs_no_second_reading_whatever_is_in_the_source_ref(self) -> None:
        raw = line("é\U0001f33c %20+")

        assert 1 == compare(index_of(raw), observed(listed(raw)), unread, EXACT).unchanged

    def test_is_not_taken_for_the_text_of_another_image(self) -> None:
        """An escaped quote does not end a source-ref."""
        short = rb'{"source-ref":"s3://b/a\\","b.jpg":1}'
        long = rb'{"source-ref":"s3://b/a\",\"b.jpg"}'

        assert [("add", "s3://b/a\\"), ("orphan", 's3://b/a","b.jpg')] == sorted(
            actions(judge([short], [long]))
        )

    def test_is_not_an_excuse_for_broken_utf8(self) -> None:
        with pytest.raises(UnknownAnswer):
            judge([line("�")], [b'{"source-ref":"s3://b/\xff.jpg"}'])

    def test_does_not_hide_errors_that_a_desired_line_already_holds(self) -> None:
        """Error lists in a desired line, as in a listing kept as a spec, do not hide those of the service."""
        fields = {**orjson.loads(classified("a", "cat"))}
        fields["cat-metadata"]["cl-errors"] = errors("ERROR_A")
        raw = orjson.dumps(fields)

        assert ((ref("a"), ("ERROR_A",)),) == judge([raw], [listed(raw)]).errored


class TestOddListings:
    @pytest.mark.parametrize(
        "there",
        [
            pytest.param([listed(line("a")), listed(line("a"))], id="same-text"),
            pytest.param([listed(line("a")), line("a", x=1)], id="then-different"),
            pytest.param([line("a", x=1), listed(line("a"))], id="different-first"),
            pytest.param([line("z"), line("z", x=1)], id="orphan"),
            pytest.param([line("void"), line("void")], id="void"),
        ],
    )
    def test_an_image_listed_twice_is_no_listing(self, there: list[bytes]) -> None:
        with pytest.raises(ListingMoved, match="listed twice"):
            judge([line("a"), line("void")], there, void=[ref("void")])

    @pytest.mark.parametrize(
        "raw",
        [
            pytest.param(b"", id="empty"),
            pytest.param(b'{"source-ref":', id="cut"),
            pytest.param(b"[]", id="list"),
        ],
    )
    def test_a_line_that_is_no_object_is_an_unknown_answer(self, raw: bytes) -> None:
        with pytest.raises(UnknownAnswer):
            judge([line("a")], [raw])

    @pytest.mark.parametrize("policy", [EXACT, LABELS, Equality(ignore=(IgnoreRule((pointer("/*"),)),))])
    @pytest.mark.parametrize("value", [b"1e999", b"[" * 300 + b"]" * 300], ids=["number", "deep"])
    def test_an_unreadable_line_is_there_and_differs(self, value: bytes, policy: Equality) -> None:
        """One line that cannot be read is no reason to know nothing of the others."""
        bad = [b'{"source-ref":"s3://b/%s.jpg","x":%s}' % (name, value) for name in (b"a", b"z")]
        diff = judge([line("a"), line("b")], [*bad, line("b")], policy)

        assert [("update", ref("a")), ("orphan", ref("z"))] == actions(diff)
        assert ((ref("a"), ("ERROR_INVALID_JSON_LINE",)),) == diff.errored
        assert (1, 3) == (diff.unchanged, diff.observed)

    @pytest.mark.parametrize("member", [b"", b'"source-ref":5,'])
    def test_a_line_of_errors_without_an_image_is_no_observed_entry(self, member: bytes) -> None:
        """Which image it is of is not known: it is not counted, and changes nothing, however often it occurs."""
        raw = b"{" + member + b'"cl-errors":[{"code":"ERROR_INVALID_JSON_LINE","message":"m"}]}'
        diff = judge([line("a")], [raw, line("a"), raw])

        assert (1, 1, ()) == (diff.observed, diff.unchanged, diff.changes)

    @pytest.mark.parametrize(
        "raw", [b'{"source-ref":5}', b'{"source-ref":null,"cl-metadata":{"is_labeled":false}}']
    )
    def test_a_line_without_an_image_and_without_errors_is_an_unknown_answer(self, raw: bytes) -> None:
        """The service stores no such line."""
        with pytest.raises(UnknownAnswer, match="names no image"):
            judge([line("a")], [line("a"), raw])

    def test_errors_of_the_service_are_named_and_are_no_difference(self) -> None:
        diff = judge([line("a", x=1)], [listed(line("a", x=1), "ERROR_B", "ERROR_A")])

        assert (1, ()) == (diff.unchanged, diff.changes)
        assert ((ref("a"), ("ERROR_B", "ERROR_A")),) == diff.errored

    def test_errors_of_orphans_are_not_named(self) -> None:
        assert () == judge([], [listed(line("a"), "ERROR_A")]).errored


class TestPolicy:
    def test_a_difference_that_does_not_count_is_no_change_but_is_remembered(self) -> None:
        diff = judge([line("a", x=1)], [listed(line("a", x=2))], IGNORING)
        digests = [digest(canonical({"source-ref": ref("a"), "x": value})) for value in (1, 2)]

        assert (0, ()) == (diff.unchanged, diff.changes)
        assert ((ref("a"), *digests),) == diff.ignored

    def test_a_void_entry_is_neither_added_nor_an_orphan(self) -> None:
        diff = judge([line("a"), line("b")], [line("a", x=1)], void=[ref("a"), ref("b")])

        assert ((), 1, 0) == (diff.changes, diff.observed, diff.desired)


NAMES = st.sampled_from(["a", "b", 'q"', "back\\slash", "é", "\U0001f33c", " "])


@st.composite
def sides(draw: st.DrawFn) -> tuple[list[bytes], list[bytes], list[str]]:
    """Draw desired lines, a listing that mostly agrees with them, and void source-refs."""
    rng = draw(st.randoms(use_true_random=False))
    contents = draw(st.dictionaries(NAMES, json_of.attributes() | json_of.FIELDS, max_size=4))
    desired = [
        json_of.dumped({"source-ref": ref(name), **content}, rng)
        if draw(st.integers(0, 3)) == 0
        else line(name, **content)
        for name, content in contents.items()
    ]
    there = [_as_listed(draw, raw, rng) for raw in desired if draw(st.integers(0, 4))]
    there += [line(name, x=draw(st.integers(0, 2))) for name in draw(st.sets(st.sampled_from(["y", "z"])))]
    there += [b'{"cl-errors":[{"code":"ERROR_INVALID_JSON_LINE"}]}'] * draw(st.integers(0, 1))
    rng.shuffle(there)
    void = [ref(name) for name in [*contents, "y"] if draw(st.integers(0, 4)) == 0]
    return desired, there, void


def _as_listed(draw: st.DrawFn, raw: bytes, rng: random.Random) -> bytes:
    fields = orjson.loads(raw)
    match draw(st.integers(0, 6)):
        case 0:
            return raw
        case 1:
            return json_of.dumped(json_of.rewritten(fields, rng), rng)
        case 2:
            return listed(orjson.dumps({**fields, "x": draw(st.integers(0, 2))}))
        case 3:
            return listed(orjson.dumps(fields), "ERROR_A")
        case 4:
            return listed(raw, labeled=False)
        case _:
            return listed(raw)


@given(sides(), POLICIES)
def test_agrees_with_a_simple_comparison_of_parsed_lines(
    drawn: tuple[list[bytes], list[bytes], list[str]], policy: Equality
) -> None:
    """The comparison of raw text never differs from that of canonical text."""
    desired, there, void = drawn
    want = {f["source-ref"]: f for f in map(orjson.loads, desired) if f["source-ref"] not in void}
    have = {f["source-ref"]: f for f in map(orjson.loads, there) if "source-ref" in f}
    both = want.keys() & have.keys()
    equal = {name for name in both if canonical(want[name]) == canonical(have[name])}
    passed = {n for n in both - equal if not policy.is_exact and policy.text(want[n]) == policy.text(have[n])}

    diff = judge(desired, there, policy, void)

    expected = [("add", name) for name in want.keys() - have.keys()]
    expected += [("update", name) for name in both - equal - passed]
    expected += [("orphan", name) for name in have.keys() - want.keys() - set(void)]
    assert sorted(expected, key=lambda item: item[1]) == actions(diff)
    assert (len(want), len(have)) == (diff.desired, diff.observed)
    assert (len(equal), len(passed)) == (diff.unchanged, len(diff.ignored))
    assert sorted((n, error_codes(have[n])) for n in both if error_codes(have[n])) == list(diff.errored)
    for change in diff.changes:
        before = have.get(change.source_ref)
        assert (before and digest(canonical(before))) == change.before


@given(json_of.FIELDS, st.booleans())
def test_a_stored_line_is_the_line_that_was_sent(content: dict[str, Any], labeled: bool) -> None:
    """A stored line equals the line that was sent, with or without its own error lists."""
    raw = line("a", **content)
    stored = listed(orjson.dumps(without_service_keys(orjson.loads(raw))), labeled=labeled)

    diff = judge([raw], [stored])

    assert ((), 1, ()) == (diff.changes, diff.unchanged, diff.errored)


def in_one_file(lines: Sequence[bytes]) -> Index:
    starts = list(accumulate((len(raw) + 1 for raw in lines), initial=0))
    refs = [orjson.loads(raw)["source-ref"] for raw in lines]
    hashes = hash_desired(lines, range(len(lines)))
    places = starts[:-1], map(len, lines), range(1, len(lines) + 1)
    return Index([IndexedLines(refs, *places, hashes)], is_compact=are_compact(lines))


@given(st.data(), st.sampled_from(["spaced", "sorted", "labeled"]), st.randoms(use_true_random=False))
def test_lines_that_are_read_in_runs_are_compared_as_one_by_one(
    data: st.DataObject, style: str, rng: random.Random
) -> None:
    """A service that lists many lines otherwise than they were sent makes no other diff."""
    contents = data.draw(st.lists(json_of.attributes() | json_of.FIELDS, max_size=8))
    desired = [
        json.dumps({"source-ref": ref(str(number)), **content}).encode()
        for number, content in enumerate(contents)
    ]
    there = []
    for raw in desired:
        fields = orjson.loads(raw) | {"cl-metadata": {"is_labeled": rng.random() < 0.9}}
        sent = orjson.dumps(fields, option=orjson.OPT_SORT_KEYS if style == "sorted" else None)
        there.append(_as_listed(data.draw, raw, rng) if rng.random() < 0.2 else sent)
    if there and rng.random() < 0.2:
        there.append(there.pop(rng.randrange(len(there))))
    one_by_one, in_runs = in_one_file(desired), in_one_file(desired)
    content = BytesIO(b"\n".join(desired))
    in_runs.open_file = lambda _: content

    def read(_: str, place: Place) -> bytes:
        return content.getvalue()[place.offset : place.offset + place.length]

    expected = compare(one_by_one, observed(*there), read, EXACT)

    assert expected == compare(in_runs, observed(*there), read, EXACT)


@pytest.mark.parametrize("style", ["spaced", "sorted"])
def test_all_lines_after_the_first_are_read_together(style: str) -> None:
    lines = [classified(f"{number}", "one", "two") for number in range(100)]
    fields = list(map(orjson.loads, lines))
    desired = [json.dumps(one).encode() for one in fields] if style == "spaced" else lines
    option = orjson.OPT_SORT_KEYS if style == "sorted" else None
    there = [orjson.dumps(one | {"cl-metadata": {"is_labeled": True}}, option=option) for one in fields]
    index, content, alone = in_one_file(desired), BytesIO(b"\n".join(desired)), list[str]()
    index.open_file = lambda _: content

    def read(source_ref: str, place: Place) -> bytes:
        alone.append(source_ref)
        return content.getvalue()[place.offset : place.offset + place.length]

    diff = compare(index, observed(*there), read, EXACT)

    assert 100 == diff.unchanged
    assert [ref("0")] == alone


class TestSome:
    """Comparing some entries only, as the verification after an apply does."""

    def some(self, names: str, there: Sequence[bytes], desired: Sequence[bytes]) -> Diff:
        wanted = {ref(name) for name in names}
        return compare_some(index_of(*desired), wanted, observed(*there), reader(*desired), EXACT)

    def test_reads_nothing_else(self) -> None:
        """Other lines, listed or desired, are ignored."""
        desired = [line("a", x=1), line("b"), line("c"), line("e", x=1)]
        there = [
            b'{"cl-errors":[{"code":"E"}]}',
            line("z"),
            line("e", x=2),
            line("a", x=2),
            listed(line("b")),
        ]

        diff = self.some("abc", there, desired)

        assert [("update", ref("a")), ("add", ref("c"))] == actions(diff)
        assert 1 == diff.unchanged

    def test_takes_an_entry_that_is_listed_again_for_one(self) -> None:
        """An entry that two filtered listings return counts once."""
        diff = self.some("a", [listed(line("a")), b'{ "source-ref": "s3://b/a.jpg" }'], [line("a")])

        assert (1, ()) == (diff.unchanged, diff.changes)

    def test_does_not_choose_between_two_contents(self) -> None:
        with pytest.raises(ListingMoved, match="not one state"):
            self.some("a", [line("a", x=1), line("a", x=2)], [line("a", x=1)])

    def test_reads_every_line_that_it_is_given(self) -> None:
        with pytest.raises(UnknownAnswer):
            self.some("a", [b"<html>"], [line("a")])


class TestSomeWithoutPrints(TestSome):
    """The same, of a large dataset whose lines were carried over: they are not read for it."""

    def some(self, names: str, there: Sequence[bytes], desired: Sequence[bytes]) -> Diff:
        wanted = {ref(name) for name in names}
        lines = [*desired, *(line(f"more-{number}") for number in range(200))]
        found = [orjson.loads(raw)["source-ref"] for raw in lines]
        places = [range(len(lines)), map(len, lines), range(1, len(lines) + 1)]
        index = Index([IndexedLines(found, *places, None)])
        return compare_some(index, wanted, observed(*there), lambda _, place: lines[place.offset], EXACT)


@pytest.mark.benchmark
def test_a_listing_without_changes_costs_about_as_much_as_parsing_it() -> None:
    """A listing without changes costs about as much CPU time as parsing it, in the best of three runs."""
    desired = [classified(f"{'x' * 40}{number}", "one", "two", "three") for number in range(50_000)]
    index, there = index_of(*desired), list(observed(*map(listed, desired)))

    def best(action: Callable[[], object]) -> float:
        times = []
        for _ in range(3):
            start = time.process_time()
            action()
            times.append(time.process_time() - start)
        return min(times)

    floor = best(lambda: [None for line in there if orjson.loads(line[0]) is None])

    assert best(lambda: compare(index, there, unread, EXACT)) < 1.3 * floor


@pytest.mark.parametrize(
    "changes",
    [
        {"changes": (Change(Action.ADD, "s3://b/a.jpg", None, None),)},
        {"ignored": (("s3://b/a.jpg", b"1", b"2"),)},
        {"errored": (("s3://b/a.jpg", ("E",)),)},
        {"others": (("s3://b/a.jpg", Place(0, 0, 1, 1)),)},
        {"desired": 4},
        {"observed": 4},
        {"unchanged": 2},
    ],
)
def test_any_difference_is_something(changes: dict[str, Any]) -> None:
    """One that does not count, and an error list, too: only then nothing needs to be read the next time."""
    nothing = Diff((), desired=3, observed=3, unchanged=3, ignored=(), errored=())

    assert nothing.is_nothing
    assert not replace(nothing, **changes).is_nothing
