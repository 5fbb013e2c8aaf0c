"""The identity of an entry, and when two entries are equal."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.entries.entry import (
    ERROR_LISTS,
    BadLine,
    are_same,
    canonical,
    decode,
    decode_strictly,
    digest,
    error_codes,
    without_service_keys,
)
from tests.builders import errors
from tests.core import strategies as json_of


def naive(value: Any) -> object:
    """Return a value that is equal exactly where JSON values are: True is not 1, and 1.0 is."""
    match value:
        case bool() | None | str():
            return (type(value).__name__, value)
        case int() | float():
            whole = isinstance(value, int) or (value.is_integer() and -(2**63) <= value < 2**64)
            return ("number", int(value)) if whole else ("number", repr(value))
        case list():
            return ("list", tuple(map(naive, value)))
        case dict():
            return ("dict", frozenset((key, naive(inner)) for key, inner in value.items()))
    raise AssertionError(value)


class TestCanonical:
    @given(json_of.FIELDS, st.randoms(use_true_random=False))
    def test_ignores_how_the_same_values_are_written(
        self, fields: dict[str, Any], rng: random.Random
    ) -> None:
        """Key order, white space, escapes, and 1 against 1.0 make no difference."""
        again = orjson.loads(json_of.dumped(json_of.rewritten(fields, rng), rng))

        assert canonical(fields) == canonical(again)

    @given(json_of.FIELDS, json_of.FIELDS)
    def test_ignores_nothing_else(self, one: dict[str, Any], other: dict[str, Any]) -> None:
        """Two contents have one canonical text exactly when a simple comparison calls them equal."""
        same = naive(without_service_keys(one)) == naive(without_service_keys(other))

        assert same == (canonical(one) == canonical(other))

    @given(json_of.VALUES, json_of.VALUES)
    def test_ignores_nothing_else_in_one_value(self, one: Any, other: Any) -> None:
        assert (naive(one) == naive(other)) == (canonical({"x": one}) == canonical({"x": other}))

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            pytest.param(1, 1.0, id="one"),
            pytest.param(0, -0.0, id="negative-zero"),
            pytest.param(10**16, 1e16, id="exponent"),
            pytest.param(15 * 10**15 * 10, 1.5e17, id="exponent-with-fraction"),
            pytest.param(10**19, 1e19, id="above-63-bits"),
            pytest.param(2**63, float(2**63), id="64-bits"),
            pytest.param(-(2**63), -float(2**63), id="least"),
            pytest.param([{"x": 2}], [{"x": 2.0}], id="nested"),
        ],
    )
    def test_takes_a_whole_float_for_its_integer(self, one: Any, other: Any) -> None:
        assert canonical({"x": one}) == canonical({"x": other})

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            pytest.param(True, 1, id="true"),
            pytest.param(False, 0, id="false"),
            pytest.param("1", 1, id="text"),
            pytest.param(None, 0, id="null"),
            pytest.param([], {}, id="empty"),
            pytest.param(2**53, 2**53 + 1, id="beyond-the-precision-of-floats"),
            pytest.param(float(2**53), 2**53 + 1, id="float-beyond-its-precision"),
            pytest.param([1, 2], [2, 1], id="order-of-a-list"),
            pytest.param("\u00e9", "e\u0301", id="composed"),
            pytest.param("1.0,", "1,", id="looks-like-a-number"),
        ],
    )
    def test_distinguishes_different_values(self, one: Any, other: Any) -> None:
        assert canonical({"x": one}) != canonical({"x": other})

    def test_is_not_the_same_for_a_null_and_a_missing_key(self) -> None:
        assert canonical({"x": None}) != canonical({})

    @given(json_of.FIELDS)
    def test_is_stable(self, fields: dict[str, Any]) -> None:
        """The canonical text of a canonical text is itself."""
        text = canonical(fields)

        assert text == canonical(orjson.loads(text))

    def test_refuses_what_is_nested_too_deeply_to_be_compared(self) -> None:
        fields = orjson.loads(b'{"x":' + b"[" * 300 + b"]" * 300 + b"}")

        with pytest.raises(BadLine, match="nested too deeply"):
            canonical(fields)


class TestAreSame:
    @given(json_of.FIELDS, json_of.FIELDS)
    def test_means_that_the_canonical_texts_are_equal(self, one: Any, other: Any) -> None:
        assert is_same(one, other) == (canonical(one) == canonical(other))

    @given(json_of.FIELDS, st.randoms(use_true_random=False), st.booleans())
    def test_holds_however_the_service_writes_it(
        self, fields: Any, rng: random.Random, labeled: bool
    ) -> None:
        listed = json_of.rewritten(fields, rng) | {"cl-metadata": {"is_labeled": labeled}}

        assert is_same(fields, listed)

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ({"x": True}, {"x": 1}),
            ({"x": 1}, {"x": True}),
            ({"x": 1}, {"x": True, "cl-metadata": {}}),
            ({"x": 1}, {"x": True, "cl-metadata": {"is_labeled": 1}}),
            ({"x": 0}, {"x": False, "cl-metadata": {"is_labeled": True}}),
            ({"x": [{"y": 0.0}]}, {"x": [{"y": False}]}),
            ({"x": {"y": True, "z": 1}}, {"x": {"y": 1, "z": True}}),
        ],
    )
    def test_distinguishes_a_boolean_from_a_number(self, one: Any, other: Any) -> None:
        """A boolean differs from a number, although Python calls them equal."""
        assert one == {key: value for key, value in other.items() if key != "cl-metadata"}

        assert not is_same(one, other)

    def test_is_not_confused_by_words_in_a_text(self) -> None:
        assert is_same({"x": "true", "y": "false"}, {"y": "false", "x": "true"})

    @pytest.mark.parametrize("key", [b"cl-err\\u006frs", b"cl-metad\\u0061ta"])
    def test_knows_a_key_of_the_service_that_is_written_with_an_escape(self, key: bytes) -> None:
        own = b'{"source-ref":"s3://b/k"}'
        listed = own[:-1] + b',"%s":[{"code":"E"}]}' % key

        assert are_same((own, orjson.loads(own)), (listed, orjson.loads(listed)))


def is_same(desired: Any, observed: Any) -> bool:
    return are_same((orjson.dumps(desired), desired), (orjson.dumps(observed), observed))


class TestServiceKeys:
    @pytest.mark.parametrize("key", sorted(ERROR_LISTS))
    @pytest.mark.parametrize("place", ["top", "attribute", "metadata", "annotation"])
    def test_are_left_out_wherever_the_service_puts_them(self, key: str, place: str) -> None:
        fields: dict[str, Any] = {
            "source-ref": "s3://b/k",
            "x": {"annotations": [{"top": 1}, 7]},
            "x-metadata": {"type": "t"},
        }
        clean = canonical(fields)
        places = {
            "top": fields,
            "attribute": fields["x"],
            "metadata": fields["x-metadata"],
            "annotation": fields["x"]["annotations"][0],
        }
        places[place][key] = errors("ERROR_A")

        assert clean == canonical(fields)

    def test_cl_metadata_is_left_out(self) -> None:
        assert canonical({"x": 1}) == canonical({"x": 1, "cl-metadata": {"is_labeled": True}})

    @pytest.mark.parametrize("key", sorted(ERROR_LISTS))
    @pytest.mark.parametrize(
        "value",
        [1, "text", {}, {"code": "E"}, ["E"], [{"message": "m"}], [{"code": 1}], [{"code": "E"}, 2]],
        ids=repr,
    )
    def test_of_the_users_own_are_kept(self, key: str, value: Any) -> None:
        """An attribute of the user may be called "errors": only its shape marks a list of the service."""
        fields = {"x": {key: value}, key: value}

        assert fields == without_service_keys(fields)

    @pytest.mark.parametrize("key", sorted(ERROR_LISTS))
    def test_an_empty_list_is_of_the_service_under_its_own_names(self, key: str) -> None:
        """An empty list under the service's own names is the service's, or no line would ever be in sync."""
        own = {"source-ref": "s3://b/k", "x": {"annotations": [{"top": 1}]}}
        listed = {"source-ref": "s3://b/k", "x": {"annotations": [{"top": 1, key: []}], key: []}, key: []}

        assert key.startswith("cl-") is is_same(own, listed)
        assert () == error_codes(listed)

    def test_are_kept_where_the_service_never_writes(self) -> None:
        fields = {"x": {"deep": {"errors": errors("ERROR_A")}}, "y": [{"errors": errors("ERROR_A")}]}

        assert fields == without_service_keys(fields)

    @given(json_of.FIELDS)
    def test_are_taken_out_of_a_copy(self, fields: dict[str, Any]) -> None:
        before = json.dumps(fields)
        without_service_keys(fields)

        assert before == json.dumps(fields)


class TestErrorCodes:
    def test_come_from_every_place_each_once(self) -> None:
        fields = {
            "x": {"annotations": [{"errors": errors("BOX", "TOP")}], "errors": errors("ATTRIBUTE")},
            "x-metadata": {"cl-errors": errors("METADATA")},
            "cl-errors": errors("TOP"),
        }

        assert {"TOP", "ATTRIBUTE", "METADATA", "BOX"} == set(error_codes(fields))
        assert 4 == len(error_codes(fields))

    def test_are_not_those_of_warnings(self) -> None:
        assert () == error_codes({"warnings": errors("W"), "cl-warnings": errors("W")})

    def test_are_not_taken_from_an_attribute_of_the_user(self) -> None:
        assert () == error_codes({"errors": [1], "x": {"annotations": 5}})


def answer(way: Callable[[bytes], dict[str, Any]], raw: bytes) -> object:
    """Return what a way of decoding makes of a text, so that 1, 1.0 and True differ."""
    try:
        return repr(way(raw))
    except BadLine as exc:
        return str(exc), exc.column


class TestDecode:
    @given(json_of.FIELDS, st.randoms(use_true_random=False))
    def test_reads_what_was_written(self, fields: dict[str, Any], rng: random.Random) -> None:
        assert naive(fields) == naive(decode(json_of.dumped(fields, rng)))

    @pytest.mark.parametrize(
        ("raw", "reason", "column"),
        [
            pytest.param(b"", "not valid JSON", 1, id="empty"),
            pytest.param(b'{"a":1', "not valid JSON", 7, id="cut"),
            pytest.param(b'{"a":1}{"b":2}', "Extra data", 8, id="two"),
            pytest.param(b"[1]", "not a JSON object", None, id="list"),
            pytest.param(b"null", "not a JSON object", None, id="null"),
            pytest.param(b'{"a":"\xff"}', "0xff is not UTF-8", 7, id="latin"),
            pytest.param(b'\xef\xbb\xbf{"a":1}', "byte order mark", 1, id="bom"),
            pytest.param(b'{"b":0,"a":1,"a":2}', "'a' is repeated", None, id="repeated"),
            pytest.param(b'{"x":{"a":1,"b":1,"a":1}}', "'a' is repeated", None, id="repeated-inside"),
            pytest.param(b'{"a":NaN}', "NaN is not JSON", None, id="nan"),
            pytest.param(b'{"a":-Infinity}', "-Infinity is not JSON", None, id="infinity"),
            pytest.param(b'{"a":1e999}', "infinity", None, id="overflow"),
            pytest.param(b'{"a":18446744073709551616}', "does not fit", None, id="65-bits"),
            pytest.param(b'{"a":-9223372036854775809}', "does not fit", None, id="too-low"),
            pytest.param(b'{"a":' + b"9" * 5000 + b"}", "does not fit", None, id="endless"),
            pytest.param(rb'{"a":"\ud800"}', "surrogate", None, id="lone-surrogate"),
            pytest.param(b'{"a":"\t"}', "control character", 7, id="raw-tab"),
            pytest.param(b'{"a":' + b"[" * 300 + b"]" * 300 + b"}", "too deeply", None, id="deep"),
            pytest.param(b"[" * 200_000, "not valid JSON: nested too deeply", None, id="bottomless"),
        ],
    )
    def test_refuses(self, raw: bytes, reason: str, column: int | None) -> None:
        with pytest.raises(BadLine, match=reason) as caught:
            decode(raw)
        if column is not None:
            assert column == caught.value.column

    @given(json_of.FIELDS, st.randoms(use_true_random=False), st.data())
    def test_shortcut_changes_no_answer(
        self, fields: dict[str, Any], rng: random.Random, data: st.DataObject
    ) -> None:
        """Whatever is done to the text of a line, the shortcut gives the answer of the strict way."""
        text = data.draw(st.sampled_from([json_of.dumped(fields, rng), orjson.dumps(fields)]))
        at = data.draw(st.integers(0, len(text)))
        piece = data.draw(
            st.sampled_from([b"", b'"a":1,', b"1", b"0", b".0", b"e5", b"\\", b'"', b" ", b"-", b","])
        )
        raw = text[:at] + piece + text[at + data.draw(st.integers(0, 1)) :]

        assert answer(decode_strictly, raw) == answer(decode, raw)

    @pytest.mark.parametrize(
        "raw",
        [
            b'{"a":1,"a":1}',
            b'{"a":1.0}',
            b'{"a":1e5}',
            b'{"a":-0}',
            b'{"a":0.10}',
            rb'{"a":"\u0061"}',
            b' {"a": 1} ',
        ],
    )
    def test_shortcut_changes_no_answer_about_odd_texts(self, raw: bytes) -> None:
        assert answer(decode_strictly, raw) == answer(decode, raw)

    @pytest.mark.parametrize("number", [2**64 - 1, -(2**63), 0])
    def test_keeps_every_whole_number_of_64_bits(self, number: int) -> None:
        assert {"a": number} == decode(b'{"a":%d}' % number)


def test_digest_is_short_and_distinguishes_texts() -> None:
    assert 16 == len(digest(b"one"))
    assert digest(b"one") != digest(b"two")
