"""YAML without surprises, and a place for everything."""

import re

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.core.validation import codes
from reconciler.sources.yaml.parse import Mark
from reconciler.sources.yaml.scalars import Ambiguous, resolve
from reconciler.sources.yaml.strict import read


def value(text):
    stream = read(text)
    assert stream.fault is None
    (document,) = stream.documents
    assert () == document.faults
    return document.value


def faults(text):
    stream = read(text)
    return [(*fault.mark, fault.code) for document in stream.documents for fault in document.faults]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("flowers", "flowers"),
        ("", None),
        ("~", None),
        ("null", None),
        ("true", True),
        ("False", False),
        ("0", 0),
        ("-17", -17),
        ("0.30", 0.3),
        (".5", 0.5),
        ("2026-03-01", "2026-03-01"),
        ("2026-03-01T12:00:00", "2026-03-01T12:00:00"),
        ("1.2.3", "1.2.3"),
        ("10.0.0.1", "10.0.0.1"),
        ("5m", "5m"),
        ("1:99", "1:99"),
        ("y", "y"),
        ("-", "-"),
        (".", "."),
        ("+", "+"),
    ],
)
def test_a_plain_scalar_means_what_everybody_reads(text, expected):
    assert expected == resolve(text)
    assert type(expected) is type(resolve(text))


@pytest.mark.parametrize(
    "text",
    [
        *("yes", "No", "ON", "off"),
        *("012", "-012", "08", "00", "0o17", "0x1F", "0b101", "1_000", "1_0.5"),
        *("12:30", "1:30:00", "190:20:30.15", "1e3", "1.5e+3", ".5E-2"),
        *(".inf", "-.Inf", ".nan", "01.5", "1" * 19, "9" * 5_000),
    ],
)
def test_what_parsers_read_differently_is_refused_with_a_way_out(text):
    """`on`, `012` and `12:30` are true, ten and 750 to PyYAML, and something else to others."""
    with pytest.raises(Ambiguous, match="quotes"):
        resolve(text)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("Yes", "true to some YAML parsers and text to others; write true,"),
        ("off", "false to some YAML parsers and text to others; write false,"),
        ("0x1F", "a hexadecimal number"),
        ("0b101", "a binary number"),
        ("0o17", "an octal number"),
        ("012", "an octal number"),
        ("12:30", "a number to base 60"),
        ("1.5e+3", "a power of ten"),
        ("1_000", "a number to"),
        ("-.Inf", "infinity"),
        (".nan", "no number at all"),
        ("1" * 19, "too long for a number"),
    ],
)
def test_the_other_reading_is_named(text, meaning):
    with pytest.raises(Ambiguous, match=f"^“{re.escape(text)}” is {meaning}"):
        resolve(text)


@pytest.mark.parametrize("text", ["9" * 18, "-" + "9" * 17])
def test_a_number_of_18_characters_is_a_number(text):
    assert int(text) == resolve(text)


@example("-.0")
@given(st.from_regex(r"[-+0-9._:xeob]{1,8}", fullmatch=True) | st.text(min_size=1, max_size=6))
def test_no_scalar_is_read_unlike_pyyaml(text):
    """Unless it is refused, or a date, a number is the number PyYAML reads, and text is text."""
    theirs = yaml.SafeLoader("").resolve(yaml.ScalarNode, text, (True, False)).rpartition(":")[2]
    try:
        ours = resolve(text)
    except Ambiguous:
        return

    expected = {"int": int, "float": float, "bool": bool, "null": type(None)}.get(theirs, str)
    assert expected is type(ours)


def test_quoted_scalars_are_text():
    assert ["012", "on", "~", "12:30\n", "012"] == value("['012', \"on\", '~', \"12:30\\n\", !!str 012]")


def test_repeated_keys_are_refused_wherever_they_are():
    """PyYAML would keep the last one."""
    text = "a: 1\nb: {c: 1, c: 2}\nx: &x\n  d: 1\n  d: 2\ny:\n  <<: *x\na: 2\n"

    assert [(2, 11, "RKD1102"), (5, 3, "RKD1102"), (8, 1, "RKD1102")] == faults(text)


def test_merged_keys_may_be_overridden():
    """`<<` fills in what the mapping does not say itself; the first of several sources wins."""
    text = (
        "base: &base {mode: observe, compare: exact}\n"
        "more: &more {compare: labels, orphans: blank}\n"
        "one: {<<: *base, mode: upsert}\n"
        "two: {mode: upsert, <<: [*more, *base]}\n"
        "three: {'<<': text}\n"
    )

    read = value(text)

    assert {"mode": "upsert", "compare": "exact"} == read["one"]
    assert {"mode": "upsert", "compare": "labels", "orphans": "blank"} == read["two"]
    assert {"<<": "text"} == read["three"]


@pytest.mark.parametrize(
    ("text", "place", "code"),
    [
        ("a: [on, 012]\n", (1, 5), codes.AMBIGUOUS),
        ("a: !secret x\n", (1, 4), codes.TAG),
        ("a: !!python/object/apply:os.system [x]\n", (1, 4), codes.TAG),
        ("a: !!int '5'\n", (1, 4), codes.TAG),
        ("a: *b\n", (1, 4), codes.ALIAS),
        ("a: &a [*a]\n", (1, 8), codes.ALIAS),
        ("1: a\n", (1, 1), codes.KEY_NOT_TEXT),
        ("on: a\n", (1, 1), codes.AMBIGUOUS),
        ("? [a]\n: b\n", (1, 3), codes.KEY_NOT_TEXT),
        ("<<: 3\n", (1, 5), codes.MERGE),
        ("<<: [{a: 1}, 3]\n", (1, 5), codes.MERGE),
        ("<<: {a: 1}\n<<: {b: 1}\n", (2, 1), codes.REPEATED_KEY),
    ],
)
def test_each_surprise_has_a_place_and_a_code(text, place, code):
    assert (*place, code) == faults(text)[0]


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("a:\n\tb: 1\n", (2, 1), "a tab; indent with spaces"),
        ("a: [1\n", (2, 1), "that starts in line 1"),
        ("a: b: c\n", (1, 5), "mapping values are not allowed"),
        ("a: 'x\n", (2, 1), "unexpected end of stream"),
        ("[" * 100_000, (1, 51), "nested more than 50 deep"),
    ],
)
def test_what_is_no_yaml_is_reported_with_its_place(text, place, words):
    fault = read(text).fault

    assert place == tuple(fault.mark)
    assert words in fault.message


def test_documents_before_a_syntax_error_are_kept():
    """One bad document does not take the others with it."""
    stream = read("a: 1\n---\nb: 2\n---\nc: [\n")

    assert [{"a": 1}, {"b": 2}] == [document.value for document in stream.documents]
    assert codes.SYNTAX == stream.fault.code


def test_aliases_cannot_multiply_without_bound():
    """A hundred bytes that stand for a billion values are refused, quickly."""
    bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
    )

    assert codes.ALIAS == read(bomb).fault.code


def test_every_value_and_key_has_a_place():
    """Missing things are placed at the key that should hold them."""
    (document,) = read("---\nspec:\n  target:\n    type: TRAIN\n  entries:\n    - file: a\n").documents

    assert Mark(4, 11) == document.locate(("spec", "target", "type"))
    assert Mark(4, 5) == document.locate(("spec", "target", "type"), at_key=True)
    assert Mark(3, 3) == document.locate(("spec", "target", "project"))
    assert Mark(6, 13) == document.locate(("spec", "entries", 0, "file"))
    assert Mark(2, 1) == document.locate(("metadata", "name"))
    assert Mark(5, 3) == document.locate(("spec", "entries", 1, "file"))
    assert Mark(5, 3) == document.locate(("spec", "entries", "file"))
    assert Mark(4, 5) == document.locate(("spec", "target", "type", 0))


def test_columns_count_characters():
    """Editors do, whatever UTF-8 makes of them."""
    (document,) = read("{ä: 猫, b: 1}").documents

    assert Mark(1, 11) == document.locate(("b",))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=12,
    ).filter(lambda data: data is not None)
)
def test_what_a_writer_writes_is_read_back(data):
    """Any data that PyYAML's safe writer quotes properly comes through unchanged."""
    text = yaml.safe_dump(data)
    stream = read(text)
    refused = any(fault.code != codes.AMBIGUOUS for d in stream.documents for fault in d.faults)

    assert not refused
    assert [data] == [document.value for document in stream.documents]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r'"\ud835\udd18"', "\U0001d518"),
        (r'"a\uD83C\uDF39\ud83c\udf3a b"', "a\U0001f339\U0001f33a b"),
        (r'"\\\ud835\udd18"', "\\\U0001d518"),
        (r'"\\ud835\\udd18"', r"\ud835\udd18"),
        (r"'\ud835\udd18'", r"\ud835\udd18"),
        (r"\uD835\udd18", r"\uD835\udd18"),
    ],
)
def test_a_character_that_json_escapes_in_two_is_one(text: str, expected: str):
    """json.dumps writes every character beyond U+FFFF so, and every JSON text is YAML."""
    (document,) = read(f"[{text}, b]").documents

    assert [expected, "b"] == document.value


@pytest.mark.parametrize(
    "text", [r'"\ud835"', r'"\udd18\ud835"', r'"\ud835\ud835\udd18"', r'"\\ud835\udd18"']
)
def test_half_a_character_is_refused_at_its_place(text: str):
    stream = read(f"a: 1\nb: {text}\n")

    assert stream.fault is not None
    assert (2, "not valid YAML") == (stream.fault.mark.line, stream.fault.message[:14])
