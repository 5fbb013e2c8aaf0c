"""Quoting values in messages."""

import pytest

from reconciler.core.validation.checked_line import quoted, some


@pytest.mark.parametrize("label", ["猫", "Äpfel", "قطة", "кошка", "हिन्दी", "🐝"])
def test_a_label_is_quoted_as_its_author_wrote_it(label):
    """A label of any script is quoted as its author wrote it."""
    assert f"'{label}'" == quoted(label)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\u200bb", r"'a\u200bb'"),
        ("a\u3164b", r"'a\u3164b'"),
        ("\u202eb", r"'\u202eb'"),
        ("a\n", r"'a\n'"),
        (None, "nothing"),
        ({"猫": "\xa0"}, r"{'猫': '\xa0'}"),
        ("猫" * 99, f"'{'猫' * 76}..."),
    ],
)
def test_what_cannot_be_seen_is_written_out(text, expected):
    """Invisible characters are escaped, and long values cut."""
    assert expected == quoted(text)


def test_a_list_of_names_is_cut_after_five():
    assert "'a', 'b'" == some(["a", "b"])
    assert "'a', 'b', 'c', 'd', 'e'" == some("abcde")
    assert "'a', 'b', 'c', 'd', 'e' and 2 more" == some("abcdefg")


def test_a_value_is_cut_after_eighty_characters():
    assert f"'{'x' * 78}'" == quoted("x" * 78)
    assert f"'{'x' * 76}..." == quoted("x" * 79)
