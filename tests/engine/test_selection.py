"""Selection: a dataset whose document cannot be read is dropped only if it certainly does not match."""

from __future__ import annotations

import pytest

from reconciler.engine.usecases.spec_tree import Selection, select
from reconciler.errors import UsageError
from tests.sources.builders import LINE, dataset, loaded, write

GOOD = dataset("good", "good.jsonl").replace("  name: good", "  name: good\n  labels: {team: x}")


def broken(metadata: str, rest: str = "") -> str:
    return f"apiVersion: reconciler/v1\nkind: Dataset\n{metadata}\nspec: {{target: 5}}\n{rest}"


def selected(tmp_path, bad: str, *names: str, **labels: str):
    write(tmp_path, good_yaml=GOOD, good_jsonl=LINE, bad_yaml=bad)
    part = select(loaded(tmp_path), Selection(frozenset(names), labels))
    assert all(problem in part.problems for one in part.broken for problem in one.problems)
    return [one.name for one in (*part.datasets, *part.broken)]


SAME = "metadata: {name: bad, labels: {team: x}}"
OTHER = "metadata: {name: bad, labels: {team: y}}"


@pytest.mark.parametrize(
    "bad",
    [
        broken(SAME),
        broken(SAME, "suspend: [\n"),
        broken("metadata: {name: bad, lables: {team: y}}"),
        broken("metadata: {name: bad, labels: [team, y]}"),
        broken("metadata: {name: bad, labels: {team: 5}}"),
        broken("metadata: {name: bad, labels: {team: y, team: x}}"),
        broken("metadata: {name: bad, labels: {team: on}}"),
        broken("metdata: {name: bad, labels: {team: y}}"),
        broken("metadata: bad"),
        "apiVersion: reconciler/v1\nkind: Dataset\nmetadata: {labels: {team: y\n",
        OTHER.replace("metadata", "apiVersion: v1\nkind: Dataset\nmetdata"),
        "version https://git-lfs.github.com/spec/v1\n",
    ],
)
def test_what_matches_or_cannot_be_known_survives_labels(tmp_path, bad):
    """A broken document that may match the selector is kept, so that its problems are reported."""
    found = selected(tmp_path, bad, team="x")

    assert ["good", True] == [found[0], bool(found[1:])]


@pytest.mark.parametrize(
    "bad",
    [
        broken(OTHER),
        broken(OTHER, "suspend: yes\n"),
        broken("metadata: {name: bad}"),
        broken("metadata: {name: bad, labels: {other: x}}"),
        broken("metadata: {name: BAD, labels: {team: y}}"),
    ],
)
def test_what_clearly_has_other_labels_does_not(tmp_path, bad):
    """A broken document whose labels certainly do not match is dropped."""
    assert ["good"] == selected(tmp_path, bad, team="x")


def test_a_label_may_select_broken_ones_only(tmp_path):
    assert ["bad"] == selected(tmp_path, broken(OTHER), team="y")


def test_a_name_selects_what_has_it(tmp_path):
    """A name selects every dataset of that name, broken or not, whose labels fit."""
    assert ["bad"] == selected(tmp_path, broken(SAME), "bad")
    assert ["bad"] == selected(tmp_path, broken(SAME), "bad", team="x")
    assert ["good"] == selected(tmp_path, broken(SAME), "good")
    with pytest.raises(UsageError, match="no dataset is called bad"):
        selected(tmp_path, broken(OTHER), "bad", team="x")


def test_a_file_that_cannot_be_read_may_hold_a_name_that_is_missing(tmp_path):
    """An unreadable file may hold a missing name, but not one that another file holds."""
    cut = "apiVersion: reconciler/v1\nkind: Dataset\nmetadata: {name: [\n"

    assert ["specs/bad.yaml"] == selected(tmp_path, cut, "lost")
    assert ["good", "specs/bad.yaml"] == selected(tmp_path, cut, "lost", "good")
    assert ["good"] == selected(tmp_path, cut, "good")
    with pytest.raises(UsageError, match="no dataset is called lost"):
        selected(tmp_path, broken(SAME), "lost")


def test_labels_that_nothing_has_are_reported(tmp_path):
    with pytest.raises(UsageError, match="no dataset has the labels team=z"):
        selected(tmp_path, broken(OTHER), team="z")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["Bee"], "no dataset is called Bee; did you mean beet?"),
        (["Bee", "wsp"], "no dataset is called Bee, wsp; did you mean beet, wasp?"),
        (["Bee", "zebra"], "no dataset is called Bee, zebra; there are: Wasps, bees, beet, wasp"),
        (["bees,wasp"], "no dataset is called bees,wasp; repeat the flag: --dataset bees --dataset wasp"),
        (["bees,zebra"], "no dataset is called bees,zebra; there are: Wasps, bees, beet, wasp"),
    ],
)
def test_a_name_that_no_dataset_has_is_answered_with_the_nearest(tmp_path, names, message):
    """One for each; all names there are, if one of them is near none."""
    there = ("bees", "beet", "wasp", "Wasps")
    write(tmp_path, a_jsonl=LINE, **{f"{name}_yaml": dataset(name, "a.jsonl") for name in there})

    with pytest.raises(UsageError) as found:
        select(loaded(tmp_path), Selection(frozenset(names)))

    assert message == str(found.value)
