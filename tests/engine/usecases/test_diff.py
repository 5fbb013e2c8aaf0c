"""What changes between two spec trees is what a plan would show, if AWS held exactly the earlier one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.planning.diff import Action
from reconciler.core.revision_diff import DatasetDiff, DatasetState, ImageAction
from reconciler.engine.usecases.diff import diff_specs
from reconciler.engine.usecases.each_dataset import plan_against
from reconciler.engine.usecases.spec_tree import Reading, read
from tests.builders import boxed, classified, ref
from tests.sources.builders import loaded

NAMES = "abcdef"
CONTENT = st.one_of(
    st.sampled_from(["rose", "tulip"]).map(lambda label: ("label", label)),
    st.tuples(st.sampled_from(["x", "y"]), st.integers(0, 3)).map(lambda box: ("box", *box)),
)
ENTRIES = st.dictionaries(st.sampled_from(NAMES), CONTENT, min_size=1)
IGNORES = st.sampled_from([[], [{"paths": ["/*-metadata/creation-date"]}]])


def content_of(name: str, content: tuple[object, ...], day: str) -> bytes:
    kind, *rest = content
    made = classified(name, *rest) if kind == "label" else boxed(name, (rest[0], rest[1], 2, 30, 40))
    return made.replace(b"2026-03-01", day.encode())


def write(root: Path, lines: list[bytes], name: str = "d", ignore: object = (), files: int = 1) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    for number in range(files):
        part = lines[number::files]
        (root / f"part{number}.jsonl").write_bytes(b"".join(line + b"\n" for line in part))
    names = [{"file": f"part{number}.jsonl"} for number in range(files)]
    spec = {"target": {"project": "p", "type": "TRAIN"}, "entries": names, "ignore": ignore}
    spec["policy"] = {"allowEmpty": True}
    document = {"apiVersion": "reconciler/v1", "kind": "Dataset", "metadata": {"name": name}, "spec": spec}
    (root / "d.yaml").write_text(json.dumps(document))
    return root


@contextmanager
def readings(*roots: Path) -> Iterator[list[Reading]]:
    found = [read(loaded(root)) for root in roots]
    try:
        yield found
    finally:
        for one in found:
            one.close()


def compared(before: Path, after: Path) -> DatasetDiff:
    with readings(before, after) as sides:
        (found,) = diff_specs(*sides)
    return found


@settings(deadline=None, max_examples=60)
@given(ENTRIES, ENTRIES, IGNORES, st.integers(1, 3), st.booleans())
def test_it_is_the_plan_that_would_bring_the_later_revision_about(
    tmp_path_factory, old, new, ignore, files, other_day
):
    """The same images, the same fields and the same numbers as a plan against a listing of the earlier lines."""
    root = tmp_path_factory.mktemp("diff")
    before = [content_of(name, content, "2026-03-01") for name, content in old.items()]
    day = "2026-04-05" if other_day else "2026-03-01"
    after = [content_of(name, content, day) for name, content in new.items()]
    write(root / "before", before, files=files)
    write(root / "after", after, ignore=ignore)
    listing = root / "observed.jsonl"
    listing.write_bytes(b"".join(line + b"\n" for line in before))

    found = compared(root / "before", root / "after")

    with readings(root / "after") as (reading,), closing(reading):
        plan = plan_against(reading.datasets[0], listing)
    actions = {Action.ADD: "added", Action.UPDATE: "changed", Action.ORPHAN: "removed"}
    assert [(actions[c.action], c.source_ref, c.fields) for c in plan.changes] == [
        (c.action, c.source_ref, c.fields) for c in found.changes
    ]
    numbers, counts = found.numbers, plan.counts
    assert (numbers.added, numbers.changed, numbers.removed) == (counts.add, counts.update, counts.orphan)
    assert (numbers.unchanged, numbers.ignored) == (counts.unchanged, counts.ignored)
    assert numbers.before == numbers.changed + numbers.removed + numbers.unchanged + numbers.ignored
    assert numbers.after == numbers.changed + numbers.added + numbers.unchanged + numbers.ignored
    assert (numbers.before, numbers.after) == (counts.observed, counts.desired)


@settings(deadline=None, max_examples=30)
@given(ENTRIES, ENTRIES)
def test_turned_round_it_says_the_opposite(tmp_path_factory, old, new):
    """What was added is removed, label by label; and nothing differs from itself."""
    root = tmp_path_factory.mktemp("diff")
    sides = [
        write(root / name, [content_of(ref, content, "2026-03-01") for ref, content in entries.items()])
        for name, entries in (("before", old), ("after", new))
    ]
    forth, back = compared(*sides), compared(*reversed(sides))

    turned = {"added": "removed", "removed": "added", "changed": "changed"}
    assert [(turned[c.action], c.source_ref) for c in forth.changes] == [
        (c.action, c.source_ref) for c in back.changes
    ]
    assert {(r.label, r.gained, r.lost, r.moved) for r in forth.labels} == {
        (r.label, r.lost, r.gained, r.moved) for r in back.labels
    }
    assert (DatasetState.SAME, ()) == (
        compared(sides[0], sides[0]).state,
        compared(sides[0], sides[0]).changes,
    )


def test_lines_that_cannot_be_read_are_neither_added_nor_removed(tmp_path):
    """What a bad line says is not known, on either side; the others are compared."""
    good, bad = classified("a", "rose"), b'{"source-ref": "s3://b/b.jpg", "rose": 1}'
    before = write(tmp_path / "before", [good, bad, classified("c", "rose")])
    after = write(tmp_path / "after", [good, classified("b", "rose"), bad.replace(b"/b.jpg", b"/c.jpg")])

    found = compared(before, after)

    assert (DatasetState.UNKNOWN, (), 5) == (found.state, found.changes, found.error_code)
    assert ["part0.jsonl:2", "part0.jsonl:3"] == sorted(
        f"{Path(error.origin.file).name}:{error.origin.line}"
        for error in found.errors
        if error.origin.line > 1
    )


def test_an_image_that_moves_to_another_file_or_line_is_the_same(tmp_path):
    lines = [classified(name, "rose") for name in NAMES]

    found = compared(write(tmp_path / "a", lines, files=3), write(tmp_path / "b", list(reversed(lines))))

    assert (DatasetState.SAME, 6) == (found.state, found.numbers.unchanged)


def test_each_image_has_both_of_its_places(tmp_path):
    before = write(tmp_path / "before", [classified("a", "rose"), classified("b", "rose")], files=2)
    after = write(tmp_path / "after", [classified("c", "rose"), classified("b", "tulip")])

    found = {change.source_ref: change for change in compared(before, after).changes}

    def place(origin):
        return origin and f"{Path(origin.file).name}:{origin.line}"

    assert {
        ref("a"): (ImageAction.REMOVED, "part0.jsonl:1", None),
        ref("b"): (ImageAction.CHANGED, "part1.jsonl:1", "part0.jsonl:2"),
        ref("c"): (ImageAction.ADDED, None, "part0.jsonl:1"),
    } == {name: (c.action, place(c.before), place(c.after)) for name, c in found.items()}


def test_a_new_name_for_the_same_target_is_a_new_name_alone(tmp_path):
    lines = [classified("a", "rose")]

    found = compared(write(tmp_path / "a", lines, name="old"), write(tmp_path / "b", lines, name="new"))

    assert ("new", "old", DatasetState.CHANGED, ()) == (found.name, found.was, found.state, found.changes)


def test_a_dataset_that_is_broken_at_one_revision_is_neither_added_nor_removed(tmp_path):
    """Its document cannot be read there, so that what becomes of it is not known."""
    before = write(tmp_path / "before", [classified("a", "rose")])
    after = write(tmp_path / "after", [classified("a", "rose")])
    document = (after / "d.yaml").read_text()
    (after / "d.yaml").write_text(document.replace('"spec": {', '"spec": {"nonsense": 1, '))

    for found in (compared(before, after), compared(after, before)):
        assert ("d", DatasetState.UNKNOWN, 5) == (found.name, found.state, found.error_code)
        assert any("nonsense" in error.message for error in found.errors)


@pytest.mark.parametrize("broken", ["a", "m", "z"])
def test_the_errors_of_a_broken_dataset_are_its_own(tmp_path, broken):
    """Not those of other datasets, broken or with a bad line, at either revision."""
    bad = b'{"source-ref": "s3://b/b.jpg", "rose": 1}'
    for side in ("before", "after"):
        for name in "amz":
            write(tmp_path / side / name, [classified("a", "rose"), bad], name=name)
        for name in (broken, "c"):
            place = write(tmp_path / side / name, [classified("c", "rose")], name=name) / "d.yaml"
            if side == "after":
                place.write_text(place.read_text().replace('"spec": {', f'"spec": {{"odd-{name}": 1, '))

    with readings(tmp_path / "before", tmp_path / "after") as sides:
        found = {one.name: one for one in diff_specs(*sides)}

    assert ["a", "c", "m", "z"] == sorted(found)
    for name in (broken, "c"):
        messages = [error.message for error in found[name].errors if "odd-" in error.message]
        assert [True] == [f"odd-{name}" in message for message in messages]
        assert all(f"/{name}/" in str(error.origin.file) for error in found[name].errors)


def test_an_image_that_is_named_twice_at_one_revision_is_not_compared(tmp_path):
    """Which of its lines is meant is not known: it is neither unchanged, nor changed, nor added."""
    twice = [classified("a", "rose"), classified("a", "rose"), classified("b", "rose")]
    before, after = write(tmp_path / "a", twice), write(tmp_path / "b", twice[1:])

    found = compared(before, after)

    assert (DatasetState.UNKNOWN, (), 1, 1) == (
        found.state,
        found.changes,
        found.numbers.before,
        found.numbers.unchanged,
    )


def test_only_a_changed_image_has_kinds_and_fields(tmp_path):
    """An image that is new or gone differs in nothing that could be named."""
    write(tmp_path / "before", [classified("gone", "x"), boxed("moved", ("x", 1, 2, 30, 40))])
    write(tmp_path / "after", [classified("new", "x"), boxed("moved", ("x", 6, 2, 30, 40))])

    found = {image.source_ref: image for image in compared(tmp_path / "before", tmp_path / "after").changes}

    assert {
        ref("gone"): ImageAction.REMOVED,
        ref("moved"): ImageAction.CHANGED,
        ref("new"): ImageAction.ADDED,
    } == {source_ref: image.action for source_ref, image in found.items()}
    assert [ref("moved")] == [source_ref for source_ref, image in found.items() if image.classes]
    assert [ref("moved")] == [source_ref for source_ref, image in found.items() if image.fields]


@pytest.mark.parametrize(
    "change", [lambda raw: raw.replace(b"rose", b"oaks"), lambda _: b""], ids=["edited", "emptied"]
)
def test_a_file_that_changes_meanwhile_leaves_the_difference_unknown(tmp_path, change):
    """Exit 3: a mix of two states of a file is no revision."""
    before = write(tmp_path / "before", [classified(name, "rose") for name in "ab"])
    after = write(tmp_path / "after", [classified(name, "oaks") for name in "ab"])
    with readings(before, after) as sides:
        part = before / "part0.jsonl"
        part.write_bytes(change(part.read_bytes()))
        (found,) = diff_specs(*sides)

    assert (DatasetState.UNKNOWN, 3, ()) == (found.state, found.error_code, found.changes)
    assert found.errors[-1].message.endswith("part0.jsonl: the file changed while it was in use")


def test_a_setting_that_changed_is_named_and_the_name_of_a_dataset_is_none(tmp_path):
    before = write(tmp_path / "before", [classified("a", "rose")])
    after = write(tmp_path / "after", [classified("a", "rose")], name="e")
    document = (after / "d.yaml").read_text()
    (after / "d.yaml").write_text(document.replace('"policy": {', '"policy": {"mode": "upsert", '))

    found = compared(before, after)

    assert ("e", "d", DatasetState.CHANGED) == (found.name, found.was, found.state)
    assert [("/spec/policy/mode", "observe", "upsert")] == [
        (field.path, field.before, field.after) for field in found.settings
    ]


@pytest.mark.parametrize(("gone", "state"), [("before", "added"), ("after", "removed")])
def test_a_dataset_that_one_revision_lacks_is_added_or_removed_whole(tmp_path, gone, state):
    """With every image, and every label."""
    for name in ("before", "after"):
        write(tmp_path / name, [classified("a", "rose"), classified("b", "rose")])
    (tmp_path / gone / "d.yaml").rename(tmp_path / gone / "e.yaml")
    write(tmp_path / gone, [classified("z", "oak")], name="e").joinpath("d.yaml").unlink()
    target = (tmp_path / gone / "e.yaml").read_text().replace('"name": "d"', '"name": "e"')
    (tmp_path / gone / "e.yaml").write_text(target.replace('"project": "p"', '"project": "q"'))

    with readings(tmp_path / "before", tmp_path / "after") as sides:
        found = {one.name: one for one in diff_specs(*sides)}

    one, numbers = found["d"], found["d"].numbers
    assert (state, 0) == (one.state, one.error_code)
    expected = {"added": (0, 2, 2, 0), "removed": (2, 0, 0, 2)}[state]
    assert expected == (numbers.before, numbers.after, numbers.added, numbers.removed)
    assert [(state, ref("a")), (state, ref("b"))] == [(c.action, c.source_ref) for c in one.changes]
    (rose,) = one.labels
    assert {"added": (2, 0), "removed": (0, 2)}[state] == (rose.gained, rose.lost)


def test_beyond_a_bound_changes_are_outlined_and_not_drawn(tmp_path, monkeypatch):
    """Memory and the size of the page are bounded; every change is still listed and counted."""
    monkeypatch.setattr("reconciler.engine.usecases.diff.MAX_VIEWS", 2)
    before = write(tmp_path / "before", [classified(name, "rose") for name in "abc"])
    after = write(tmp_path / "after", [classified(name, "oak") for name in "abc"])

    found = compared(before, after)

    assert [True, True, False] == [change.view is not None for change in found.changes]
    assert (3, 3) == (found.numbers.changed, len(found.changes))
