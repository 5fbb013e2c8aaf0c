"""What is remembered is its owner's alone."""

from __future__ import annotations

import errno
import io
import os
import tempfile
from pathlib import Path

import pytest

from reconciler.ports import BackupHeader
from reconciler.private import TemporaryFileError, temporary_directory, temporary_file
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


@pytest.mark.parametrize("moment", ["created", "written to"])
def test_an_error_of_a_temporary_file_names_the_disk_that_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """Such a file has no name, and several disks may be in use."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def made(**_: str) -> tuple[int, str]:
        if moment == "created":
            raise OSError(errno.ENOSPC, "No space left on device", str(tmp_path / "x1"))
        (tmp_path / "x1").touch()
        return os.open("/dev/full", os.O_RDWR), str(tmp_path / "x1")

    monkeypatch.setattr(tempfile, "mkstemp", made)

    with pytest.raises(TemporaryFileError) as found, temporary_file() as stream:
        stream.write(b"x" * 100_000)

    assert (str(tmp_path), "No space left on device") == (found.value.filename, found.value.strerror)
    assert [] == list(tmp_path.iterdir())


def test_a_temporary_file_is_written_read_and_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with temporary_file() as stream:
        stream.write(b"a\nb\n")
        stream.seek(2)
        assert ([b"b\n"], []) == (stream.readlines(), list(tmp_path.iterdir()))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.ENOENT])
def test_a_full_disk_is_blamed_on_a_temporary_directory_and_nothing_else(number: int) -> None:
    made: list[Path] = []

    def fail() -> None:
        with temporary_directory() as directory:
            made.append(directory)
            (directory / "file").touch()
            raise OSError(number, "why")

    with pytest.raises(OSError, match="why") as found:
        fail()

    assert (number == errno.ENOSPC) == isinstance(found.value, TemporaryFileError)
    assert not made[0].exists()
