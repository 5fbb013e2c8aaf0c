"""Tests of the rebuilds that are stored: a rebuild outlives the version of the program that began it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from reconciler.core.spec.choices import DatasetType
from reconciler.ports import ContentDigest, Rebuild, RebuildStep
from reconciler.state import State

REBUILD = Rebuild(
    id="r1",
    dataset="d",
    step=RebuildStep.KEPT,
    plan="p",
    revision=None,
    project_arn="arn",
    dataset_type=DatasetType.TRAIN,
    old_arn="old",
    description="described",
    bucket="b",
    prefix="",
    begun_at=1.0,
    tags={},
    before=ContentDigest(1, "x"),
    desired=ContentDigest(2, "y"),
    new_arn="new",
)
MEMBERS = {*REBUILD._fields} - {"description", "old_arn", "new_arn"} | {"standing", "doomed", "made"}


def test_a_rebuild_keeps_its_stored_form(tmp_path: Path):
    """A rebuild that an earlier version began must be found, whatever its fields were called then."""
    with closing(State(tmp_path)) as state:
        state.rebuilds.put(REBUILD)
    with closing(sqlite3.connect(tmp_path / "state.sqlite3")) as file:
        (body,) = file.execute("SELECT body FROM rebuild").fetchone()

    stored = json.loads(body)
    assert MEMBERS == set(stored)
    assert ("described", "old", "new") == (stored["standing"], stored["doomed"], stored["made"])
    with closing(State(tmp_path)) as state:
        assert REBUILD == state.rebuilds.of("d")
