"""Backups of what was overwritten: complete or absent, and limited in number and size."""

from __future__ import annotations

import errno
import gzip
from pathlib import Path

import pytest

from reconciler.errors import StateError
from reconciler.ports import BackupHeader
from reconciler.state.backups import Backups

LINES = [
    b'{"source-ref":"s3://b/a.jpg"}',
    b'{"source-ref":"s3://b/b.jpg","cl-metadata":{"is_labeled":false}}',
]


def head(at: float = 0.0, entries: int = 2, dataset: str = "train") -> BackupHeader:
    return BackupHeader(dataset, "arn:aws:…", "c0ffee", at, "d1" * 16, entries)


def lines_of(backups: Backups, backup_id: str) -> list[bytes]:
    with backups.open("train", backup_id) as stream:
        return stream.read().splitlines()


def test_what_is_kept_comes_back_byte_for_byte(tmp_path: Path):
    """A backup returns the lines byte for byte, with dataset, revision, time, plan and number."""
    backups = Backups(tmp_path)

    saved = backups.keep(head(1_700_000_000.5), LINES)

    assert f"20231114T221320.500000Z-{'d1' * 16}" == saved.id
    assert [saved] == backups.of("train")
    assert head(1_700_000_000.5) == saved.head
    assert LINES == lines_of(backups, saved.id)


def test_each_dataset_has_its_own(tmp_path: Path):
    backups = Backups(tmp_path)

    backups.keep(head(dataset="test"), LINES)

    assert [] == backups.of("train")


def test_the_oldest_make_room_and_the_newest_never(tmp_path: Path):
    """The oldest backups are deleted when there are too many or they are too large; the newest never is."""
    few, small = Backups(tmp_path / "few", most_files=2), Backups(tmp_path / "small", most_bytes=1)

    for at in range(3):
        few.keep(head(at), LINES)
        small.keep(head(at), LINES)

    assert [1.0, 2.0] == [saved.head.at for saved in few.of("train")]
    assert [2.0] == [saved.head.at for saved in small.of("train")]


def test_what_a_killed_process_began_makes_room_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """An unfinished file of a killed process is never read and is deleted in time."""
    backups = Backups(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", lambda *_, **__: None)  # the process is gone before it can clean up
        with pytest.raises(ZeroDivisionError):
            backups.keep(head(1.0), (LINES[0][:: 1 // 0] for _ in range(2)))
    assert 1 == len(list((tmp_path / "train").iterdir()))

    backups.keep(head(2.0), LINES)

    assert [2.0] == [saved.head.at for saved in backups.of("train")]
    assert 1 == len(list((tmp_path / "train").iterdir()))


def test_fewer_lines_than_announced_are_no_snapshot(tmp_path: Path):
    """Fewer lines than announced are an error and leave no backup."""
    backups = Backups(tmp_path)

    with pytest.raises(StateError, match="2 lines instead of 3"):
        backups.keep(head(entries=3), LINES)

    assert [] == list((tmp_path / "train").iterdir())


def test_a_full_disk_is_an_error_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)

    with pytest.raises(StateError, match="No space left on device"):
        Backups(tmp_path).keep(head(), LINES)

    assert [] == list((tmp_path / "train").iterdir())


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-5], lambda data: data[:30] + b"!!" + data[32:], lambda _: b"x"]
)
def test_a_damaged_file_is_named_and_never_read_in_part(tmp_path: Path, damage):
    backups = Backups(tmp_path)
    saved = backups.keep(head(), LINES)
    path = tmp_path / "train" / f"{saved.id}.jsonl.gz"
    path.write_bytes(damage(path.read_bytes()))

    with pytest.raises(StateError, match=saved.id):
        backups.open("train", saved.id)


def test_a_file_of_another_kind_is_left_out(tmp_path: Path):
    backups = Backups(tmp_path)
    backups.keep(head(), LINES)
    (tmp_path / "train" / "0.jsonl.gz").write_bytes(gzip.compress(b'{"format":"snapshot/v9"}\n'))

    assert 1 == len(backups.of("train"))
