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
    """Blank lines count, line ends do not, and a lone carriage return inside ends nothing."""
    assert expected == list(iter_lines(io.BytesIO(content)))


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""])
@pytest.mark.parametrize("length", [9, 10, 11, 12, 13, 14, 100, 200_000])
def test_a_line_over_the_limit_is_cut_and_shows_it(length, end):
    """Its length gives it away, and the next line starts where it should."""
    content = b"x" * length + end + (b"next\n" if end else b"")

    found = list(iter_lines(io.BytesIO(content), limit=10))

    assert (b"x" * min(length, 11), 0, 1) == found[0]
    assert ([(b"next", length + len(end), 2)] if end else []) == found[1:]


class Counting(io.BytesIO):
    """Remembers the longest piece that was asked for."""

    longest = 0

    def readline(self, size=-1):
        piece = super().readline(size)
        self.longest = max(self.longest, len(piece))
        return piece


def test_a_line_of_ten_megabytes_is_never_held_whole():
    stream = Counting(b"x" * 10_000_000 + b"\n{}\n")

    assert [(b"x" * 1_001, 0, 1), (b"{}", 10_000_001, 2)] == list(iter_lines(stream, limit=1_000))
    assert stream.longest <= 1 << 16


@given(st.lists(st.binary(max_size=20).map(lambda raw: raw.replace(b"\n", b"").rstrip(b"\r"))))
def test_nothing_is_lost_and_every_offset_leads_back(texts):
    """Reading again at an offset gives the line again."""
    content = b"".join(text + b"\n" for text in texts)

    found = list(iter_lines(io.BytesIO(content)))

    assert texts == [text for text, _, _ in found]
    assert texts == [content[offset : offset + len(text)] for text, offset, _ in found]
    assert [*range(1, len(texts) + 1)] == [number for _, _, number in found]
