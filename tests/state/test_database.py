"""The state database, in one process over months and in several."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from reconciler.core.planning.cause import Applied
from reconciler.errors import StateError, StateLost, StateUnusable
from reconciler.state import State, schema
from reconciler.state.damage import reason_of

ARN = "arn:aws:rekognition:us-east-1:111122223333:project/p/dataset/train/1"


def fill(state: State, number: int = 500) -> None:
    entries = ((f"s3://bucket/{n}.jpg", Applied(b"d" * 16, b"o" * 16)) for n in range(number))
    state.remember("roses", ARN, entries, ())


def test_a_commit_is_on_the_disk_when_it_returns(tmp_path: Path):
    """A state that is written is there after a power failure, as SQLite documents of `synchronous = FULL`."""
    code = (
        "import pathlib, sys; from reconciler.state.database import _prepared;"
        "print(_prepared(pathlib.Path(sys.argv[1])).execute('PRAGMA synchronous').fetchone())"
    )
    done = subprocess.check_output([sys.executable, "-c", code, tmp_path / "state.sqlite3"], text=True)

    assert "(2,)\n" == done


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EFBIG])
def test_a_full_disk_does_not_ask_for_another_directory(number: int, tmp_path: Path, monkeypatch):
    """A limit for the size of files counts as a full disk: it is no mistake in the command line."""

    def full(path: Path) -> None:
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr("reconciler.state.database.private_file", full)

    with pytest.raises(StateError, match=os.strerror(number)) as caught:
        State(tmp_path / "state")
    assert not isinstance(caught.value, StateUnusable)


HURRY = """
import sys, threading
from pathlib import Path
from reconciler.state import State
with State(Path(sys.argv[1])) as state:
    def write():
        for number in range(100):
            state.record("roses", {"number": number})
    def read():
        while writer.is_alive():
            state.applied("roses", "arn")
    writer = threading.Thread(target=write)
    readers = [threading.Thread(target=read) for _ in range(3)]
    for thread in (writer, *readers): thread.start()
    for thread in (writer, *readers): thread.join()
    print(state.statuses())
"""


@pytest.mark.fault("state", "threads read while another one writes", "neither waits for the other for ever")
def test_threads_that_read_and_write_do_not_block_one_another_for_ever(tmp_path: Path):
    """One that waits for SQLite may hold the interpreter, which the checksum of another one's row needs."""
    words = [sys.executable, "-c", HURRY, str(tmp_path / "state")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)

    assert "{'roses': {'number': 99}}\n" == done.stdout, done.stderr


def overwrite(place: Path) -> None:
    """Overwrite a part of the file, as a broken disk does."""
    for path in place.glob("state.sqlite3*"):
        with path.open("r+b") as stream:
            stream.write(os.urandom(path.stat().st_size))


def test_a_file_that_is_damaged_under_a_running_process_is_replaced(state: State, tmp_path: Path):
    """A file damaged under a running process gives one error; then an empty state works."""
    fill(state)
    overwrite(tmp_path / "state")

    def use() -> None:
        for _ in range(3):  # SQLite still has intact pages in memory
            state.record("roses", {"verdict": "converged"})
            state.applied("roses", ARN)

    with pytest.raises(StateLost, match="put aside"):
        use()

    assert not state.applied("roses", ARN).known
    fill(state, 1)
    assert 1 == len(state.applied("roses", ARN).entries)
    assert (tmp_path / "state" / "state.sqlite3.damaged").exists()


@pytest.mark.parametrize("what", ["the file", "the directory"])
def test_a_file_that_is_deleted_under_a_running_process_is_recreated(state: State, tmp_path: Path, what: str):
    """A file deleted under a running process is created again, and the loss is reported once."""
    fill(state)
    if what == "the directory":
        shutil.rmtree(tmp_path / "state")
    else:
        for path in (tmp_path / "state").glob("state.sqlite3*"):
            path.unlink()

    with pytest.raises(StateLost, match="deleted or replaced"):
        state.applied("roses", ARN)
    fill(state, 2)

    after = State(tmp_path / "state", read_only=True)
    assert 2 == len(after.applied("roses", ARN).entries)
    after.close()


def test_closing_waits_for_a_thread_that_writes(tmp_path: Path):
    """Such as one that stores which messages were sent when the process ends; afterwards it gets an error."""
    state = State(tmp_path)
    writing, goes_on = threading.Event(), threading.Event()
    errors: list[str] = []

    def write() -> None:
        with state._db.writing() as connection:
            connection.execute(schema.insertion("applied_to"), ("train", "arn:1"))
            writing.set()
            goes_on.wait(30)
        try:
            state.remember("train", "arn:2", (), ())
        except StateError as exc:
            errors.append(str(exc))

    writer, closer = threading.Thread(target=write), threading.Thread(target=state.close)
    writer.start()
    writing.wait(30)
    closer.start()
    closer.join(0.1)
    assert closer.is_alive()
    goes_on.set()
    writer.join(30)
    closer.join(30)

    with State(tmp_path) as again:
        assert again.applied_to("train") in ("arn:1", "arn:2")
        assert bool(errors) is (again.applied_to("train") == "arn:1")


def test_closing_leaves_the_connection_to_a_thread_that_reads(tmp_path: Path):
    """It would crash below it; with the end of the reading nothing refers to the connection, and it closes."""
    state = State(tmp_path)
    for name in ("test", "train"):
        state.remember(name, f"arn:{name}", (), ())

    def read(found: str) -> str:
        state.close()
        return found

    query = "SELECT arn FROM applied_to ORDER BY arn"
    assert ["arn:test", "arn:train"] == state._db.rows(read, query)
    assert [] == state._db.rows(str, query)


def test_a_full_disk_is_no_damage(state: State, tmp_path: Path):
    """A full disk is no damage: the stored state is kept."""
    fill(state, 3)
    with state._db.writing() as connection:
        connection.execute("PRAGMA max_page_count = 1")  # SQLite answers as for a full disk

    with pytest.raises(StateError, match="full"):
        fill(state, 5_000)

    assert 3 == len(state.applied("roses", ARN).entries)


@pytest.mark.parametrize(
    ("free", "expected"),
    [(0, "disk I/O error: no space left on device"), (1000, "disk I/O error")],
    ids=["full", "broken"],
)
def test_a_disk_that_is_full_is_named_though_sqlite_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, expected: str
):
    """SQLite says "disk I/O error" if the index of its log cannot grow."""
    exc = sqlite3.OperationalError("disk I/O error")
    exc.sqlite_errorcode = sqlite3.SQLITE_IOERR_SHMSIZE
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_bavail=free, f_frsize=4096))

    assert expected == reason_of(exc, tmp_path / "state.sqlite3")


def test_two_processes_may_make_it_at_the_same_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A process that finds an empty file which another one fills meanwhile uses that file."""
    version = schema.noted_version
    others = [tmp_path]

    def version_before_somebody_else_was_faster(connection) -> int:
        found = version(connection)
        while others:
            with State(others.pop()) as theirs:
                theirs.record("d", {"verdict": "converged"})
        return found

    monkeypatch.setattr(schema, "noted_version", version_before_somebody_else_was_faster)

    with State(tmp_path) as state:
        assert {"d": {"verdict": "converged"}} == state.statuses()
