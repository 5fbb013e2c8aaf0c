"""Rewriting a line in the style of its author."""

import json
import random

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.entries.entry import canonical
from reconciler.core.proposals.restyle import PLAIN, Style, aligned, composed, restyled, style_of
from tests.core.strategies import FIELDS, attributes, dumped, rewritten


def rewrite(old: str, fields, fallback=PLAIN) -> str:
    return restyled(old.encode(), fields, fallback).decode()


@given(FIELDS | attributes(), FIELDS | attributes(), st.randoms(use_true_random=False))
def test_what_is_written_is_what_was_meant(old, new, rng: random.Random):
    """The rewritten line has the new content, whatever the old line looks like."""
    text = restyled(dumped(old, rng), new)

    assert canonical(new) == canonical(orjson.loads(text))


@given(FIELDS | attributes(), st.randoms(use_true_random=False))
def test_an_equal_line_keeps_every_byte(fields, rng: random.Random):
    """A line of equal content is not changed by a byte, despite another key order or 1.0 for 1."""
    old = dumped(rewritten(fields, rng), rng)

    assert old == restyled(old, rewritten(fields, rng))


@pytest.mark.parametrize(
    ("old", "fields", "new"),
    [
        ('{"a":1,"b":2}', {"b": 3, "a": 1}, '{"a":1,"b":3}'),
        ('{"a": 1, "b": 2}', {"a": 1, "b": 2, "c": {"d": [1, 2]}}, '{"a": 1, "b": 2, "c": {"d": [1, 2]}}'),
        ('{"a":1,"b":2}', {"c": {"d": [1, 2]}, "a": 1}, '{"a":1,"c":{"d":[1,2]}}'),
        ('{ "a" : 1 , "b" : 2 }', {"b": 2}, '{ "b" : 2 }'),
        ('  {"a":1} ', {"a": 2}, '  {"a":2} '),
        ('{"a":[1,2,3]}', {"a": [1, 3]}, '{"a":[1,3]}'),
        ('{"a":[1, 3]}', {"a": [0, 1, 2, 3]}, '{"a":[0, 1, 2, 3]}'),
        ('{"left":86.0,"top":1}', {"left": 91, "top": 2.0}, '{"left":91.0,"top":2}'),
        ('{"a":"\\u00e9","b":1}', {"a": "\u00e9", "b": "\u00e8"}, '{"a":"\\u00e9","b":"\\u00e8"}'),
        ('{"a":"\\u00E9","b":1}', {"a": "\u00e9", "b": "\u00ea"}, '{"a":"\\u00E9","b":"\\u00EA"}'),
        ('{"a":"\\uA015","b":1}', {"a": "\ua015", "b": "\u00ea"}, '{"a":"\\uA015","b":"\\u00EA"}'),
        ('{"a":"\\ua015","b":1}', {"a": "\ua015", "b": "\u00ea"}, '{"a":"\\ua015","b":"\\u00ea"}'),
        ('{"a":"\u00e9","b":1}', {"a": "\u00e9", "b": "\u00e8"}, '{"a":"\u00e9","b":"\u00e8"}'),
        ('{"a":"s3:\\/\\/b","b":1}', {"a": "s3://b", "b": "x/y"}, '{"a":"s3:\\/\\/b","b":"x\\/y"}'),
        ('{"a":1,"cl-metadata":{}}', {"a": 2}, '{"a":2}'),
        ('{"a":true}', {"a": 1}, '{"a":1}'),
        ('{"a":{}}', {"a": {"b": 1}}, '{"a":{"b":1}}'),
        ('{"a":{"b":1}}', {"a": {}}, '{"a":{}}'),
        ('{"a":{ "b":1 }}', {"a": {}}, '{"a":{}}'),
        ('{"a":[ 1 ]}', {"a": []}, '{"a":[]}'),
        ('{"a":[ ]}', {"a": [1]}, '{"a":[1]}'),
        ('{"a":{ }}', {"a": {"b": 1}}, '{"a":{"b":1}}'),
    ],
)
def test_the_hand_is_kept(old, fields, new):
    """Key order, spacing, number format and escapes are kept; only what must change does."""
    assert new == rewrite(old, fields)


def test_what_a_short_line_does_not_show_is_taken_from_its_neighbours():
    """A line with nothing but a source-ref has no comma: its spacing is taken from its neighbours."""
    fallback = style_of('{"a": "\\u00e9", "b": 1}')

    assert '{"a": 1, "b": "\\u00e8"}' == rewrite('{"a": 1}', {"a": 1, "b": "\u00e8"}, fallback)
    assert '{"a":1,"b":"\\u00e8"}' == rewrite('{"a":1}', {"a": 1, "b": "\u00e8"}, Style(escapes=True))


def test_a_new_line_looks_like_its_neighbour():
    """A new line is written in the style of its neighbour."""
    fields = {"source-ref": "s3://b/é.jpg", "a": [1.0, 2]}

    assert b'{"source-ref": "s3://b/\\u00e9.jpg", "a": [1, 2]}' == composed(
        fields, style_of('{"a": "\\u00e8", "b": 1}')
    )
    assert json.loads(composed(fields, Style())) == fields


def test_equal_elements_are_aligned_however_often_they_repeat():
    """In a list of hundreds, too: the usual element is no less the same."""
    usual = [0] * 300

    found = list(aligned([*usual, 1, *usual], [2, *usual, *usual]))

    assert [(None, 0), (300, None)] == [pair for pair in found if None in pair]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-(2.0**63), "-9223372036854775808"),
        (-(2.0**63) - 2_048, "-9.223372036854778e+18"),
        (2.0**64 - 2_048, "18446744073709549568"),
        (2.0**64, "1.8446744073709552e+19"),
        (0.5, "0.5"),
    ],
)
def test_whole_numbers_of_64_bits_are_written_as_such(value: float, text: str):
    """Beyond that orjson, which compares lines, has floats only."""
    assert f'{{"a":{text}}}'.encode() == composed({"a": value}, PLAIN)
