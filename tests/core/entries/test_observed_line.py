"""Reading lines as the service lists them."""

from __future__ import annotations

import time
from contextlib import suppress

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.entries.entry import error_codes
from reconciler.core.entries.observed_line import UNREADABLE, parse_observed
from reconciler.errors import UnknownAnswer
from tests.builders import classified
from tests.core import strategies as json_of

REF = "s3://b/a.jpg"


@given(json_of.FIELDS)
def test_a_readable_line_is_what_a_parser_makes_of_it(fields: dict[str, object]):
    """Any line that can be read and names an image is taken as it is."""
    fields = {**fields, "source-ref": REF}
    assert fields == parse_observed(orjson.dumps(fields))


def test_a_line_of_errors_need_not_name_its_image():
    """What the service puts in place of a line that it could not read."""
    fields = {
        "cl-errors": [{"code": "ERROR_INVALID_JSON_LINE", "message": "The JSON Line has an invalid format."}]
    }
    assert fields == parse_observed(orjson.dumps(fields))


@pytest.mark.parametrize(
    "text",
    [
        '{"source-ref":"s3://b/a.jpg","c":1e999}',
        '{"c":-1e999,"source-ref" : "s3://b/a.jpg"}',
        '{"source-ref":"s3://b/a.jpg","c":NaN}',
        '{"source-ref":"s3://b/a.jpg","c":"\\ud800"}',
        '{"source-ref":"s3://b/a.jpg","c":' + "[" * 3000 + "]" * 3000 + "}",
        '{"source-ref":"s3://b/a.jpg","c":' + "[" * 300 + "]" * 300 + "}",
        '{"c":{"source-ref":"s3://b/other.jpg"},"d":["}"],"source-ref":"s3:\\/\\/b\\/a.jpg","e":01}',
        '{"source-ref":"s3://b/first.jpg","source-ref":"s3://b/a.jpg","c":1e999}',
        '{"source-ref":"s3://b/a.jpg","c":"an end is missing',
    ],
)
def test_an_unreadable_line_still_has_its_image(text: str):
    """What cannot be read stays whole, under the name of its image and the code that AWS has for it."""
    found = parse_observed(text.encode())

    assert (REF, text) == (found["source-ref"], found[UNREADABLE])
    assert ("ERROR_INVALID_JSON_LINE",) == error_codes(found)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<html>",
        "[1]",
        '["source-ref":"s3://b/a.jpg",1e999]',
        '{"c":{"source-ref":"s3://b/a.jpg"},"d":1e999}',
        '{"source-ref":"\\ud800","c":1}',
        '{"source-ref":7,"c":1e999}',
        "{}",
        '{"source-ref":7}',
        '{"source-ref":null,"c":1}',
        '{"source-ref":"","c":1}',
        '{"source-ref":"a.jpg"}',
        '{"source-ref":"https://b.s3.amazonaws.com/a.jpg"}',
        '{"source-ref":"s3:///a.jpg"}',
        '{"source-ref":"","c":1e999}',
        '{"source_ref":"s3://b/a.jpg","c":1,"cl-metadata":{"is_labeled":true}}',
    ],
)
def test_what_names_no_image_is_not_understood(text: str):
    """Nothing is known of a line that does not even name its image."""
    with pytest.raises(UnknownAnswer):
        parse_observed(text.encode())


@given(st.integers(0, 200))
def test_a_cut_line_is_never_taken_for_another_image(end: int):
    """A line that ends early has its own image or none."""
    raw = classified("a", "rose")[:end]
    with suppress(UnknownAnswer):
        assert REF == parse_observed(raw)["source-ref"]


def test_a_long_unreadable_line_is_read_in_linear_time():
    """Quotation marks without end do not make the search for the name slow."""
    raw = b'{"x":"' + b'\\"' * 50_000 + b'"\\"' * 20_000
    begun = time.process_time()
    with pytest.raises(UnknownAnswer):
        parse_observed(raw)
    assert time.process_time() - begun < 1
