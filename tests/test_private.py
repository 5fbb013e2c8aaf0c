"""What is remembered is its owner's alone."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from reconciler.ports import BackupHeader
from reconciler.sources.blobs import Blobs
from reconciler.state import State


@pytest.fixture(params=[0o000, 0o022, 0o077])
def umask(request: pytest.FixtureRequest):
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_no_other_user_reads_the_state_whatever_the_umask(tmp_path: Path) -> None:
    """It names images, accounts and commits."""
    with State(tmp_path / "new" / "state") as state:
        state.record("d", {})
        with state.claim("d"):
            pass
        state.backups.keep(BackupHeader("d", "arn", None, 1.0, "plan", 0), [])
        Blobs(tmp_path / "new" / "state").keep(io.BytesIO(b"line"))
        modes = {path: path.stat().st_mode & 0o777 for path in (tmp_path / "new" / "state").rglob("*")}
        modes[tmp_path / "new" / "state"] = (tmp_path / "new" / "state").stat().st_mode & 0o777

    assert {0o600, 0o700} == set(modes.values()), modes


def test_a_file_of_before_is_closed_to_others(tmp_path: Path) -> None:
    with State(tmp_path) as state:
        state.record("d", {})
    (tmp_path / "state.sqlite3").chmod(0o644)

    with State(tmp_path):
        pass

    assert 0o600 == (tmp_path / "state.sqlite3").stat().st_mode & 0o777


def test_git_leaves_the_state_directory_out_of_commits(tmp_path: Path) -> None:
    """One that holds other things already is left alone: it may be the repository itself."""
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "README").touch()
    for directory in (tmp_path / "new", shared):
        with State(directory):
            pass

    assert "*\n" == (tmp_path / "new" / ".gitignore").read_text()
    assert not (shared / ".gitignore").exists()
