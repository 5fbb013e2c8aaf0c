"""Edits of YAML that leave every other character as it is."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from reconciler.core.proposals.longhand import NotExpressible
from reconciler.sources.yaml.edit import Member, YamlEditor
from reconciler.sources.yaml.parse import Node, parse_nodes

Act = Callable[[YamlEditor, Node], None]


def edited(text: str, act: Act) -> str:
    """Return the text after the edits, applied line by line as a patch would."""
    (root,) = parse_nodes(text).values()
    editor = YamlEditor(text)
    act(editor, root)
    lines = text.splitlines(keepends=True)
    for edit in reversed(editor.edits()):
        lines[edit.first - 1 : edit.first - 1 + edit.removed] = [line.decode() for line in edit.added]
    return "".join(lines)


def without(key: str) -> Act:
    return lambda editor, root: editor.remove_key(root, key)


@pytest.mark.parametrize(
    ("text", "key", "expected"),
    [
        ("{a: 1, b: 2, c: 3}\n", "a", "{b: 2, c: 3}\n"),
        ("{a: 1, b: 2, c: 3}\n", "b", "{a: 1, c: 3}\n"),
        ("{a: 1, b: 2,  c: [3]}  # why\n", "c", "{a: 1, b: 2}  # why\n"),
        ("a: 1  # one\nb: 2\nc: 3\n", "a", "b: 2\nc: 3\n"),
        ("# top\na: 1\nb: 2  # two\n# three\nc: 3\n", "b", "# top\na: 1\n# three\nc: 3\n"),
        ("a: 1\nb:\n  - x\n  - y\n", "b", "a: 1\n"),
        ("a: 1\nb: 2", "b", "a: 1\n"),
    ],
)
def test_a_key_is_removed_with_its_value(text: str, key: str, expected: str) -> None:
    """In brackets with its comma, else with its lines."""
    assert expected == edited(text, without(key))


@pytest.mark.parametrize(
    ("text", "act"),
    [
        pytest.param("a: 1\n", without("a"), id="the-only-key"),
        pytest.param("a: &x 1\nb: *x\n", without("a"), id="an-anchor"),
        pytest.param("a: {c: &x 1}\nb: *x\n", without("a"), id="an-anchor-within"),
        pytest.param("a: *x\n", lambda e, r: e.put(r.items[0], 1), id="an-alias"),
        pytest.param("a: &x 1\nb: *x\n", lambda e, r: e.put(r.items[0], 2), id="an-anchored-scalar"),
        pytest.param("a: |\n  text\n", lambda e, r: e.put(r.items[0], "t"), id="a-block-of-text"),
        pytest.param("a:\n", lambda e, r: e.put(r.items[0], "t"), id="no-value"),
        pytest.param("a: 1\n", lambda e, r: e.set_list(r, "a", []), id="no-list"),
        pytest.param(
            "a: &x [1]\nb: *x\n", lambda e, r: e.set_list(r, "a", [Member(0)]), id="an-anchored-list"
        ),
        pytest.param(
            "a: [&x 1, 2]\nb: *x\n", lambda e, r: e.set_list(r, "a", [Member(1)]), id="a-removed-anchor"
        ),
        pytest.param(
            "a: [1, 2]\n", lambda e, r: e.set_list(r, "a", [Member(1), Member(0)]), id="another-order"
        ),
        pytest.param(
            "a:\n  - # why\n    b: 1\n  - c: 2\n",
            lambda e, r: e.set_list(r, "a", [Member(1)]),
            id="a-comment-after-the-dash",
        ),
        pytest.param(
            "? a\n: - 1\n  - 2\n", lambda e, r: e.set_list(r, "a", [Member(1)]), id="a-dash-within-a-line"
        ),
    ],
)
def test_what_may_change_another_place_is_not_edited(text: str, act: Act) -> None:
    """Other places may refer to an anchor; the rest would change more than the value."""
    with pytest.raises(NotExpressible):
        edited(
            text.replace("*x", "*x") if "&x" in text else f"z: &x 0\n{text}" if "*x" in text else text, act
        )


def test_aliases_are_told_wherever_they_are() -> None:
    """A value that holds an alias changes with another place of the file."""
    (root,) = parse_nodes("a: &x 1\nb: *x\nc: {d: [*x]}\ne: 2\n").values()

    assert [False, True, True, False] == [item.aliased for item in root.items]
    assert [True, False, False, False] == [item.anchored for item in root.items]
    assert root.aliased
    assert root.anchored
    assert not root.anchor


@pytest.mark.parametrize(
    ("text", "members", "expected"),
    [
        ("a: [x, y]\n", [Member(0), Member(None, "on"), Member(1)], 'a: [x, "on", y]\n'),
        ("a: [ 'x' , 'y' ]\n", [Member(1), Member(None, "z")], "a: [ 'y' , 'z' ]\n"),
        ("a: [x]\n", [], "a: []\n"),
        ("a: [x, &k y]\nb: *k\n", [Member(1)], "a: [&k y]\nb: *k\n"),
        ("a:\n  - x  # one\n  - y\n", [Member(1)], "a:\n  - y\n"),
        ("a:\n  - x\n  - y\n", [Member(0), Member(None, "n"), Member(1)], "a:\n  - x\n  - n\n  - y\n"),
        ("a:\n  - x\n", [Member(None, "n"), Member(0)], "a:\n  - n\n  - x\n"),
        ("a:\n  - x\n", [], "a: []\n"),
        ("a:\n  - x", [Member(0), Member(None, "n")], "a:\n  - x\n  - n"),
        ("a:\r\n  - x\r\n", [Member(0), Member(None, "n")], "a:\r\n  - x\r\n  - n\r\n"),
    ],
)
def test_a_list_keeps_the_text_of_what_stays(text: str, members: list[Member], expected: str) -> None:
    assert expected == edited(text, lambda editor, root: editor.set_list(root, "a", members))


def adding(after: str, key: str, value: object) -> Act:
    return lambda editor, root: editor.add_key(root, after, key, value)


@pytest.mark.parametrize(
    ("text", "after", "value", "expected"),
    [
        ("{a: 1, b: 2}\n", "a", [3, 4], "{a: 1, c: [3, 4], b: 2}\n"),
        ("{a: 1, b: 2}  # why\n", "b", "x", "{a: 1, b: 2, c: x}  # why\n"),
        ("a: 1  # one\nb: 2\n", "a", ["x"], "a: 1  # one\nc: [x]\nb: 2\n"),
        ("  a: 1\n  b: 2\n", "b", [3, 4], "  a: 1\n  b: 2\n  c: [3, 4]\n"),
        ("a: 1\nb: 2", "b", "x", "a: 1\nb: 2\nc: x"),
        ("a:\n  - 1\n  - 2\nb: 2\n", "a", "x", "a:\n  - 1\n  - 2\nc: x\nb: 2\n"),
    ],
)
def test_a_key_is_added_behind_another(text: str, after: str, value: object, expected: str) -> None:
    """In brackets with a comma, else on a line of its own, in the column of the others."""
    assert expected == edited(text, adding(after, "c", value))


def line_edits(text: str, act: Act) -> list[tuple[int, int, bytes]]:
    (root,) = parse_nodes(text).values()
    editor = YamlEditor(text)
    act(editor, root)
    return [(edit.first, edit.removed, b"".join(edit.added)) for edit in editor.edits()]


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ([0, 2], [(2, 1, b"")]),
        ([0, 1], [(2, 2, b"    2]\n")]),
        ([1, 2], [(1, 2, b"a: [2,\n")]),
        ([0, 1, 2], []),
    ],
)
def test_only_lines_that_differ_are_in_the_patch(
    members: list[int], expected: list[tuple[int, int, bytes]]
) -> None:
    """A list in brackets is written again as a whole: its lines that come out the same are no change."""
    text = "a: [1,\n    2,\n    3]\nb: 4\n"

    assert expected == line_edits(text, lambda e, r: e.set_list(r, "a", [Member(n) for n in members]))


def test_lines_behind_two_that_differ_are_not_in_the_patch() -> None:
    """Those before them are not, either."""
    text = "a: [0,\n    1,\n    2,\n    3,\n    4]\n"

    def act(editor: YamlEditor, root: Node) -> None:
        items = root.items[0].items
        changes = [Member(n, change=lambda n=n: editor.put(items[n], n + 5)) for n in (1, 2)]
        editor.set_list(root, "a", [Member(0), *changes, Member(4)])

    assert [(2, 3, b"    6,\n    7,\n")] == line_edits(text, act)


def test_two_changes_of_one_place_are_refused() -> None:
    """Which of them is meant is not known."""

    def twice(editor: YamlEditor, root: Node) -> None:
        editor.put(root.items[0], 2)
        editor.put(root.items[0], 3)

    with pytest.raises(NotExpressible):
        edited("a: 1\n", twice)


def test_a_value_that_stays_is_no_change() -> None:
    assert [] == line_edits("a: 1\nb: x\n", lambda e, r: (e.put(r.items[0], 1), e.put(r.items[1], "x")))
