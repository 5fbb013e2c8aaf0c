"""Reading lines of any length from a stream."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.entries.lines import iter_lines, other_form, other_format


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", []),
        (b"a", [(b"a", 0, 1)]),
        (b"a\n", [(b"a", 0, 1)]),
        (b"a\nb", [(b"a", 0, 1), (b"b", 2, 2)]),
        (b"a\r\nb\r\n", [(b"a", 0, 1), (b"b", 3, 2)]),
        (b"\n\na\n", [(b"", 0, 1), (b"", 1, 2), (b"a", 2, 3)]),
        (b"a\rb\n", [(b"a\rb", 0, 1)]),
        (b"a\r", [(b"a", 0, 1)]),
        (b"a\r\r\nb", [(b"a", 0, 1), (b"b", 4, 2)]),
    ],
)
def test_lines_come_with_their_offsets_and_numbers(content, expected):
    """Blank lines count, line ends do not, and a lone carriage return ends no line."""
    assert expected == list(iter_lines(io.BytesIO(content)))


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""])
@pytest.mark.parametrize("length", [9, 10, 11, 12, 13, 14, 100, 200_000])
def test_a_line_over_the_limit_is_cut_and_shows_it(length, end):
    """A line over the limit is cut to a recognisable length, and the next line starts where it should."""
    content = b"x" * length + end + (b"next\n" if end else b"")

    found = list(iter_lines(io.BytesIO(content), limit=10))

    assert (b"x" * min(length, 11), 0, 1) == found[0]
    assert ([(b"next", length + len(end), 2)] if end else []) == found[1:]


class Counting(io.BytesIO):
    """A stream that records the longest read that was requested."""

    longest = 0

    def read(self, size=-1):
        piece = super().read(size)
        self.longest = max(self.longest, len(piece))
        return piece

    def readline(self, size=-1):
        piece = super().readline(size)
        self.longest = max(self.longest, len(piece))
        return piece


def test_a_line_of_ten_megabytes_is_never_held_whole():
    stream = Counting(b"x" * 10_000_000 + b"\n{}\n")

    assert [(b"x" * 1_001, 0, 1), (b"{}", 10_000_001, 2)] == list(iter_lines(stream, limit=1_000))
    assert stream.longest <= 1 << 18


@given(st.lists(st.binary(max_size=20).map(lambda raw: raw.replace(b"\n", b"").rstrip(b"\r"))))
def test_nothing_is_lost_and_every_offset_leads_back(texts):
    """Reading again at the offset of a line gives the line again."""
    content = b"".join(text + b"\n" for text in texts)

    found = list(iter_lines(io.BytesIO(content)))

    assert texts == [text for text, _, _ in found]
    assert texts == [content[offset : offset + len(text)] for text, offset, _ in found]
    assert [*range(1, len(texts) + 1)] == [number for _, _, number in found]


A, B = '{"source-ref": "s3://b/a.jpg", "x": [1, {"y": 2}]}', '{"source-ref": "s3://b/b.jpg"}'


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (json.dumps(json.loads(A), indent=2) + "\n", "several lines"),
        (json.dumps(json.loads(A), indent=2) + "\n" + json.dumps(json.loads(B), indent=1), "several lines"),
        ('{"source-ref": "s3://b/a.jpg",\n "x": [' + "1," * 9999, "several lines"),
        ('{"source-ref": "s3://b/a.jpg"\n, "x": 1}', "several lines"),
        (f"[{A},{B}]", "array"),
        (f"[\n{A},\n{B}\n]\n", "array"),
        (f"\n [{A},\n", "array"),
        (f"[{A},{'x' * 9999}", "array"),
        (f"{A} {B}\n", "on one line"),
        (f"{A},{B}", "on one line"),
        (f"{A},\n{B},\n{A}\n", "commas"),
    ],
)
def test_json_in_another_form_is_distinguished_from_json_lines(text, form):
    """A JSON document is told from JSON lines, as json.dump, editors and query tools write it."""
    assert form in str(other_form(text.encode()[:8192]))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        A,
        f"{A}\n{B}\n",
        f"{A}\r\n{B}",
        f"[]\n{A}\n",
        f"{A[:9]}\n{B}\n",
        f"{A},\n{B}\n",
        f"{A} x",
        f"{A} {B}\nx\n",
        f"{A}, x\n",
        f"{A}{B}\n{B}\n",
        "x\n",
        '{"a',
        '"a",\n"b"',
        f'{A[:-1]}, "z": "{"z" * 9999}"}}',
    ],
)
def test_a_bad_line_is_no_other_form(text):
    """A bad line is an error of its own and hides no other line."""
    assert other_form(text.encode()[:8192]) is None


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("image,label\na.jpg,cow\n", "a table, such as CSV"),
        ("image;label\r\na.jpg;cow\r\n", "a table, such as CSV"),
        ("a.jpg\tcow\nb.jpg\tdog\n", "a table, such as CSV"),
        ("apiVersion: reconciler/v1\nkind: Entries\n", "YAML"),
        ("# labels\nimages:\n- image: a.jpg\n", "YAML"),
        ("<!DOCTYPE html>\n<html>\n", "a page in HTML, or XML"),
        ("\ufeff<annotation>\n<folder/>\n", "a page in HTML, or XML"),
        ("0 0.5 0.5 0.1 0.1\n1 0.2 0.2 0.1 0.1\n", "no JSON"),
        ("version https\n\n<<<<<<< HEAD\n", "no JSON"),
    ],
)
def test_another_format_is_named(text, form):
    """What is no JSON at all is one error with its name, and not one a line."""
    assert form == other_format(text.encode())[0]


@pytest.mark.parametrize(
    "text",
    ["", "x\n", "x\n\n", "42\n43\n", f"{A}\nx\ny\n", f"x\ny\n{A}\n", "'a'\n{'b': 1}\n", '{"a', '"a"\n"b"\n'],
)
def test_what_may_be_json_lines_is_judged_line_by_line(text):
    """Bad lines beside an object, or a single one, are errors of their own."""
    assert other_format(text.encode()) is None
