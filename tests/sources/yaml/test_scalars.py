"""Plain data, written as YAML that all parsers read alike."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconciler.sources.yaml.scalars import block, flow, word
from reconciler.sources.yaml.strict import read

TEXTS = st.text(max_size=12) | st.sampled_from(
    ["on", "012", "~", "- a", "a: b", "#x", "12:30", "\u0085", "1e3"]
)
VALUES = st.recursive(
    TEXTS | st.integers(-(10**9), 10**9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(TEXTS.filter(lambda key: key != "<<"), VALUES, min_size=1, max_size=4))
def test_what_is_written_is_read_again(value: dict[str, object]) -> None:
    """By this program and by PyYAML, whatever words and characters it holds."""
    text = "\n".join(block(value)) + "\n"
    (document,) = read(text).documents

    assert (value, value, ()) == (document.value, yaml.safe_load(text), document.faults)


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        ({"a": 1, "b": "x y"}, ["a: 1", "b: x y"]),
        ({"a": []}, ["a: []"]),
        ({"a": ["x", "on"]}, ['a: [x, "on"]']),
        ({"a": {"b": "c"}}, ["a: {b: c}"]),
        ({"a": [{"b": 1, "c": 2}, {"b": 3}]}, ["a:", "  - {b: 1, c: 2}", "  - {b: 3}"]),
        ({"on": ""}, ['"on": ""']),
    ],
)
def test_only_a_list_of_mappings_takes_more_lines(value: dict[str, object], lines: list[str]) -> None:
    assert lines == block(value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("s3://b/a b.jpg", "s3://b/a b.jpg"),
        ("猫", "猫"),
        ("012", '"012"'),
        ('a"\\', '"a\\"\\\\"'),
        ("\x07", '"\\x07"'),
        ("\xff\u00ad", '"ÿ\\xad"'),
        ("\u0100\u2028", '"Ā\\u2028"'),
        ("\U0001f41d\U000e0001", '"🐝\\U000e0001"'),
    ],
)
def test_text_is_quoted_only_where_it_must_be(text: str, expected: str) -> None:
    """Characters that cannot be seen are escaped, in the shortest notation."""
    assert expected == word(text) == flow(text)
