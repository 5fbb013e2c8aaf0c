"""A spec tree, read line by line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from reconciler.core.validation.judged.dataset import JudgedDataset
from reconciler.engine.dataset.desired import Desired
from reconciler.engine.usecases.reading import name_of
from reconciler.engine.usecases.spec_tree import _remember_apart, log_skipped, read
from reconciler.sources.directory import open_path
from reconciler.sources.load import load
from reconciler.state.judged import JudgedFiles
from tests.sources.builders import LINE, dataset, line, write


def test_every_problem_of_every_dataset_is_told_once_and_in_order(tmp_path):
    """Those of documents, of lines, and of the datasets beside one another."""
    write(
        tmp_path / "specs",
        a_yaml=dataset("a", "a.jsonl"),
        a_jsonl=line("1") + "{}\n" + line("2") + "[]\n",
        b_yaml=dataset("b", "b.jsonl"),
        b_jsonl="{}\n" + line("3"),
        c_yaml=dataset("c", "c.jsonl").replace("type: TRAIN", "type: TRIAN"),
        c_jsonl=LINE,
    )

    with closing(read(load(open_path(tmp_path / "specs").tree))) as found:
        places = [str(problem.origin).rpartition("/")[2] for problem in found.problems if problem.is_error]

    assert ["a.jsonl:2", "a.jsonl:4", "b.jsonl:1"] == [place for place in places if "jsonl" in place]
    assert 1 == sum(place.startswith("c.yaml:") for place in places)
    assert sorted(places) == places


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Desired, Desired, JudgedFiles]]:
    """A training and a test dataset that share no image, and the memory that knows the latter."""
    write(
        tmp_path / "specs",
        a_yaml=dataset("a", "a.jsonl", "p"),
        b_yaml=dataset("b", "b.jsonl", "p").replace("TRAIN", "TEST"),
        a_jsonl=line("1"),
        b_jsonl=line("2"),
    )
    judged = JudgedFiles(tmp_path / "judged")
    with closing(read(load(open_path(tmp_path / "specs").tree))) as found:
        train, test = (replace(one, key=one.name.encode()) for one in found.datasets)
        parts = test.facts.parts
        judged.put_dataset(name_of(test.loaded), JudgedDataset(b"b", 1, True, parts, (), b"", ()))
        yield train, test, judged


def test_the_last_eight_datasets_that_share_no_image_are_remembered(pair):
    """A project has one; a few more are those of other branches."""
    train, test, judged = pair

    for number in range(9):
        _remember_apart(replace(train, key=b"%d" % number), test, judged)

    assert tuple(b"%d" % number for number in range(1, 9)) == judged.dataset(name_of(test.loaded)).apart


@pytest.mark.parametrize("changed", ["train", "test", "both", "other"])
def test_that_datasets_share_no_image_is_remembered_of_what_was_read_alone(pair, changed: str):
    """Not where the key of either is unknown, nor of other content of the same name."""
    train, test, judged = pair
    if changed in ("train", "both"):
        train = replace(train, key=None)
    if changed in ("test", "both"):
        test = replace(test, key=None)
    if changed == "other":
        test = replace(test, key=b"another")

    _remember_apart(train, test, judged)
    _remember_apart(train, test, None)

    assert () == judged.dataset(name_of(test.loaded)).apart


def test_each_document_of_another_program_is_logged_with_its_place(tmp_path: Path):
    """For one who wonders why a file of theirs is not read."""
    write(
        tmp_path / "specs",
        a_yaml=dataset("a", "a.jsonl") + "---\nkind: ConfigMap\n",
        a_jsonl=LINE,
        b_yaml="b: 1\n",
    )

    with capture_logs() as events:
        log_skipped(load(open_path(tmp_path / "specs").tree))

    assert ["a.yaml:9", "b.yaml:1"] == [event["place"].rpartition("/")[2] for event in events]


def test_each_image_of_both_datasets_of_a_project_is_named_with_both_places(tmp_path: Path):
    """Not one that datasets of different projects have in common."""
    write(
        tmp_path / "specs",
        a_yaml=dataset("a", "a.jsonl", "p"),
        b_yaml=dataset("b", "b.jsonl", "p").replace("TRAIN", "TEST"),
        c_yaml=dataset("c", "a.jsonl", "q").replace("TRAIN", "TEST"),
        a_jsonl=line("1") + line("2") + line("3"),
        b_jsonl=line("3") + line("4") + line("2"),
    )

    with closing(read(load(open_path(tmp_path / "specs").tree))) as found:
        leaks = [problem for problem in found.across if problem.source_ref]

    def short(text: object) -> str:
        return str(text).rpartition("/")[2]

    assert [("2.jpg", "b.jsonl:3"), ("3.jpg", "b.jsonl:1")] == [
        (short(one.source_ref), short(one.origin)) for one in leaks
    ]
    assert all(f"a.jsonl:{number}" in one.message for number, one in zip((2, 3), leaks, strict=True))
