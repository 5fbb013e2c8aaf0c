"""A selection of changes takes what every one of its parts takes, and reads no more than it must."""

from __future__ import annotations

import re
from types import SimpleNamespace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.entries.image_view import view_of
from reconciler.core.planning.cause import Cause
from reconciler.core.planning.diff import Action, Change
from reconciler.core.planning.plan import PlannedChange
from reconciler.core.planning.withholding import ALL_CHANGES, KINDS, ChangeSelection, Traits
from reconciler.engine.dataset.make_plan import is_selected
from tests.builders import classified, ref

REFS = st.text("ab/.", max_size=6).map(lambda key: f"s3://b/{key}")
GLOBS = st.text("ab/.*?", max_size=6).map(lambda key: f"s3://b/{key}")
LABELS = st.sampled_from(["rose", "tulip", "red tulip"])


def matches(glob: str, text: str) -> bool:
    """Match as the documentation says, with the regular expressions of Python."""
    wild = {"**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*|\*|\?)", glob)
    return (
        re.fullmatch("".join(wild.get(part, re.escape(part)) for part in parts), text, re.DOTALL) is not None
    )


@pytest.mark.parametrize("errored", [(), (ref("a"),)])
def test_a_change_is_also_what_aws_marks_it_as(errored):
    """`errored`, as drift calls an entry with error codes, besides what differs."""
    view = view_of(*(orjson.loads(classified("a", label)) for label in ("rose", "tulip")))
    composer = SimpleNamespace(view=lambda _: view)
    item = PlannedChange(Change(Action.UPDATE, ref("a"), None, None), Cause.CONFLICT, None, None)

    assert bool(errored) == is_selected(ChangeSelection(("errored",)), item, composer, errored)
    for kind in ("relabelled", "update", "conflict"):
        assert is_selected(ChangeSelection((kind,), ("tulip",)), item, composer, errored)


def unread() -> Traits:
    raise AssertionError("the lines were read, and need not be")


@given(
    st.lists(st.sampled_from(KINDS), max_size=2),
    st.lists(st.sampled_from(["rose", "*tulip", "x"]), max_size=2),
    st.lists(GLOBS, max_size=2),
    REFS,
    st.sets(st.sampled_from(KINDS), min_size=1, max_size=3),
    st.sets(LABELS),
)
def test_each_part_must_take_a_change_and_an_empty_part_takes_all(kinds, labels, refs, ref, own, shown):
    selection = ChangeSelection(tuple(kinds), tuple(labels), tuple(refs))

    expected = (
        (not refs or any(matches(glob, ref) for glob in refs))
        and (not kinds or bool(own & set(kinds)))
        and (not labels or any(matches(glob, label) for glob in labels for label in shown))
    )
    assert expected == selection.takes(ref, lambda: Traits(own, shown))
    assert bool(kinds or labels or refs) == bool(selection)


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (ALL_CHANGES, True),
        (ChangeSelection(source_refs=("s3://b/a*",)), True),
        (ChangeSelection(source_refs=("s3://b/x*",)), False),
        (ChangeSelection(kinds=("add",), source_refs=("s3://b/x*",)), False),
    ],
)
def test_lines_are_read_only_if_they_decide(selection, expected):
    assert expected == selection.takes("s3://b/a.jpg", unread)


def test_a_pattern_cannot_hang_the_matcher():
    """Stars and letters at will: the matcher is linear in the text."""
    selection = ChangeSelection(source_refs=("s3://b/" + "**a" * 40 + "b",))

    assert not selection.takes("s3://b/" + "a" * 1_000, unread)
