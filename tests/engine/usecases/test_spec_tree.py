"""A spec tree, read line by line."""

from __future__ import annotations

from contextlib import closing

from reconciler.engine.usecases.spec_tree import read
from reconciler.sources.directory import open_path
from reconciler.sources.load import load
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
