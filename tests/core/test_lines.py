"""Lines out of a stream, however long they are."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.lines import iter_lines


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", []),
        (b"a", [(0, b"a")]),
        (b"a\n", [(0, b"a")]),
        (b"a\nb", [(0, b"a"), (2, b"b")]),
        (b"a\r\nb\r\n", [(0, b"a"), (3, b"b")]),
        (b"\n\na\n", [(0, b""), (1, b""), (2, b"a")]),
        (b"a\rb\n", [(0, b"a\rb")]),
        (b"a\r", [(0, b"a")]),
        (b"a\r\r\nb", [(0, b"a"), (4, b"b")]),
    ],
)
def test_lines_come_with_their_offsets(content, expected):
    """Blank lines count, line ends do not, and a lone carriage return inside ends nothing."""
    assert expected == list(iter_lines(io.BytesIO(content)))


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""])
@pytest.mark.parametrize("length", [9, 10, 11, 12, 13, 14, 100, 200_000])
def test_a_line_over_the_limit_is_cut_and_shows_it(length, end):
    """Its length gives it away, and the next line starts where it should."""
    content = b"x" * length + end + (b"next\n" if end else b"")

    found = list(iter_lines(io.BytesIO(content), limit=10))

    assert (0, b"x" * min(length, 11)) == found[0]
    assert ([(length + len(end), b"next")] if end else []) == found[1:]


class Counting(io.BytesIO):
    """Remembers the longest piece that was asked for."""

    longest = 0

    def readline(self, size=-1):
        piece = super().readline(size)
        self.longest = max(self.longest, len(piece))
        return piece


def test_a_line_of_ten_megabytes_is_never_held_whole():
    stream = Counting(b"x" * 10_000_000 + b"\n{}\n")

    assert [(0, b"x" * 1_001), (10_000_001, b"{}")] == list(iter_lines(stream, limit=1_000))
    assert stream.longest <= 1 << 16


@given(st.lists(st.binary(max_size=20).map(lambda raw: raw.replace(b"\n", b"").rstrip(b"\r"))))
def test_nothing_is_lost_and_every_offset_leads_back(texts):
    """Reading again at an offset gives the line again."""
    content = b"".join(text + b"\n" for text in texts)

    found = list(iter_lines(io.BytesIO(content)))

    assert texts == [text for _, text in found]
    assert texts == [content[offset : offset + len(text)] for offset, text in found]
