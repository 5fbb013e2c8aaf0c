"""Edits of YAML that leave every other character as it is."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from reconciler.core.proposals.longhand import NotExpressible
from reconciler.sources.yaml.edit import Member, YamlEditor
from reconciler.sources.yaml.positions import Node, parse_nodes

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
