"""Whatever is read from outside can be shown on one line, and is seen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.moments import moment
from reconciler.reports.visible import counted, shortened, size, value, visible

ANY_TEXT = st.text(st.characters())  # surrogates included


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("with_leaves", "with_leaves"),
        ("Löwenzahn 蒲公英", "Löwenzahn 蒲公英"),
        ("\x1b[2J", r"\u001b[2J"),
        ("\x9b2J", r"\u009b2J"),
        ("a\r\nb", r"a\u000d\u000ab"),
        ("abc\u202egpj", r"abc\u202egpj"),
        ("label\u200b", r"label\u200b"),
        ("a\u2028b", r"a\u2028b"),
        ("tag\U000e0041", r"tag\U000e0041"),
        ("file\udcff", r"file\udcff"),
    ],
)
def test_what_cannot_be_seen_is_written_out(raw, shown):
    """Terminal sequences, line ends, marks that turn text round, what has no width, bytes of no text."""
    assert shown == visible(raw)


@given(ANY_TEXT)
def test_anything_becomes_one_printable_line(raw):
    """And stays as it is when it is made visible again."""
    shown = visible(raw)

    assert shown.isprintable()
    assert shown == visible(shown)


@given(ANY_TEXT | st.integers() | st.lists(ANY_TEXT), st.integers(1, 40))
def test_a_value_fits(content, most):
    """Any value at all, JSON or not."""
    assert len(value(content, most)) <= most


def test_a_shortened_text_says_so():
    """Nobody takes a part for the whole."""
    assert "spur…" == shortened("spurge", 5)
    assert "spurge" == shortened("spurge", 6)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (2_096, "2.1 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (5e9, "5.0 GB"),
    ],
)
def test_sizes_are_for_people(number, text):
    """Decimal units, and never a thousand of one."""
    assert text == size(int(number))


def test_numbers_agree_with_their_nouns():
    """One entry, two entries."""
    assert ["1 entry", "2,500 entries"] == [counted(number, "entry", "entries") for number in (1, 2_500)]


@pytest.mark.parametrize(("seconds", "text"), [(1_700_000_000.9, "2023-11-14T22:13:20Z"), (1e300, "-")])
def test_moments_are_in_utc(seconds, text):
    """And a number that is no moment is not the end of the report."""
    assert text == moment(seconds)
