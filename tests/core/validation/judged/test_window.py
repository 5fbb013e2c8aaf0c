"""What comes next in a stream, looked at and taken line by line."""

from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.entries.lines import MAX_LINE_BYTES
from reconciler.core.validation.judged import window as module
from reconciler.core.validation.judged.window import Window


@given(
    st.lists(st.sampled_from([b"", b"a", b"long line", b"x" * 40]), max_size=30),
    st.booleans(),
    st.lists(st.tuples(st.integers(1, 4), st.integers(1, 60), st.integers(0, 90)), min_size=1),
)
def test_lines_are_taken_whole_whatever_is_expected_of_them(lines, ended, asked) -> None:
    """Any number of them, of any expected size, with any part of the stream looked at before."""
    content = b"\n".join(lines) + (b"\n" if ended else b"")
    expected = content.splitlines(keepends=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_BUFFER_BYTES", 16)
        window, taken, at = Window(BytesIO(content)), 0, 0
        for count, size, ahead in asked * len(expected):
            assert content[at : at + ahead] == bytes(window.ahead(ahead)[:ahead])
            found = window.lines(count, size)
            assert found is not None
            piece, texts = found
            assert b"".join(expected[taken : taken + count]) == piece
            assert [text.removesuffix(b"\n") for text in expected[taken : taken + count]] == texts
            taken, at = taken + count, at + len(piece)


def test_a_line_that_is_too_long_ends_it() -> None:
    window = Window(BytesIO(b"a\n" + b"x" * (2 * MAX_LINE_BYTES) + b"\n"))

    assert (b"a\n", [b"a"]) == window.lines(1, 2)
    assert window.lines(1, 2) is None
