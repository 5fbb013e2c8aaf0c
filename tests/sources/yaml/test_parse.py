"""An indentation that fits no line above is explained, and no other is blamed."""

from __future__ import annotations

import pytest

from reconciler.sources.yaml.parse import misplaced


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "a: 1\n b: 2",
            "indented by 1 space, and the line above by 0: keys of one mapping stand in one column",
        ),
        (
            "- a: 1\n   b: 2",
            "indented by 3 spaces, and the line above by 2: keys of one mapping stand in one column",
        ),
        ("x:\n    a: 1\n  b: 2", "indented by 2 spaces; the lines above it, by 0 or 4"),
        ("x:\n  - a: 1\n\n  # note\n   b: 2", "indented by 3 spaces; the lines above it, by 0 or 2 or 4"),
        ("- a:\n   z: 1\n-    b: 2\n   c: 3", "indented by 3 spaces; the lines above it, by 0 or 5"),
        ("x:\n  - a: 1\n  - b: 2", None),
        ("x:\n  - a: 1\n    b: 2", None),
        ("x:\n  - - a: 1\n    - b: 2", None),
        ("x: # why\n    a: 1", None),
        ("x: |\n    text", None),
        ("- \n  a: 1", None),
        ("a: 1", None),
        ("", None),
        ("a: 1\n", None),
        ("a: 1\n   ", None),
        (
            "\na: 1\n\n  b: 2",
            "indented by 2 spaces, and the line above by 0: keys of one mapping stand in one column",
        ),
    ],
)
def test_it_names_the_columns_above(text: str, expected: str | None):
    """The last line is judged by those before it, without blank ones and comments."""
    assert expected == misplaced(text, text.count("\n") + 1)


def test_a_line_beyond_the_end_is_none():
    """The parser may name the line after the last."""
    assert misplaced("a: 1", 5) is None
