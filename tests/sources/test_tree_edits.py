"""Edits of files that several datasets share, and of files that cannot be edited."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.core.entries.entry import Fields
from reconciler.core.entries.equality import Equality
from reconciler.core.planning.cause import Cause
from reconciler.core.proposals.report import EditKind, EditRequest
from reconciler.errors import SourceError
from reconciler.sources.tree_edits import TreeEdits, edit_tree
from tests.sources.builders import dataset, loaded, tree, write

A, B = '{"source-ref":"s3://b/a.jpg"}', '{"source-ref":"s3://b/b.jpg"}'


def request(
    name: str, ref: str, line: int, kind: EditKind = EditKind.CHANGE, **fields: object
) -> EditRequest:
    content: Fields = {"source-ref": f"s3://b/{ref}.jpg", **fields} if kind is not EditKind.REMOVE else {}
    return EditRequest(
        name,
        f"s3://b/{ref}.jpg",
        kind,
        Cause.DRIFT_MODIFIED,
        (),
        "specs/train.jsonl",
        line,
        None,
        content,
        Equality(),
    )


def edited(root: Path, *requests: EditRequest, text: str = f"{A}\n{B}\n") -> TreeEdits:
    write(root, a_yaml=dataset("a"), b_yaml=dataset("b"), train_jsonl=text)
    return edit_tree(tree(root), loaded(root).datasets, requests)


def test_datasets_that_share_a_file_and_agree_get_one_edit(tmp_path: Path):
    """Each of their requests is fulfilled by it."""
    found = edited(tmp_path, request("a", "a", 1, x=1), request("b", "a", 1, x=1))

    assert {"a", "b"} == {one.dataset for one in found.accepted}
    assert ([], ["train.jsonl"], 1) == (found.refusals, list(found.edits), len(found.edits["train.jsonl"]))


def test_datasets_that_share_a_file_and_disagree_get_none(tmp_path: Path):
    """The refusal names the file and the datasets; other images are edited all the same."""
    found = edited(tmp_path, request("b", "a", 1, x=1), request("a", "a", 1, x=2), request("a", "b", 2, x=1))

    reason = "specs/train.jsonl belongs to a, b, and AWS does not hold the same for them"
    assert [("b", reason), ("a", reason)] == [(one.dataset, one.reason) for one in found.refusals]
    assert ["s3://b/b.jpg"] == [one.source_ref for one in found.accepted]


def test_a_change_and_a_removal_of_one_image_disagree(tmp_path: Path):
    found = edited(tmp_path, request("a", "a", 1), request("b", "a", 1, EditKind.REMOVE))

    assert (2, []) == (len(found.refusals), found.accepted)


def test_a_file_that_is_gone_is_named(tmp_path: Path):
    """It was there when it was read."""
    write(tmp_path, a_yaml=dataset("a"), train_jsonl=f"{A}\n")
    datasets = loaded(tmp_path).datasets
    (tmp_path / "train.jsonl").unlink()

    with pytest.raises(SourceError, match=r"specs/train\.jsonl: No such file"):
        edit_tree(tree(tmp_path), datasets, [request("a", "a", 1, x=1)])
