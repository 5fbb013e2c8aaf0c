"""A damaged state file costs a full look, and never more than one run."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.core.cause import NOTHING_APPLIED, Applied
from reconciler.errors import StateError
from reconciler.state import State

PAGE = 4096
REFS = [f"s3://b/{number:04}.jpg" for number in range(500)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return the file of a state that knows 500 entries and one update."""
    with State(tmp_path) as state:
        state.remember("d", "arn", ((ref, Applied(b"d" * 16, b"o" * 16)) for ref in REFS), ())
        state.record("d", {"verdict": "converged"})
        state.journal.begin("d", "arn", REFS, 0.0, "")
    return tmp_path / "state.sqlite3"


def zeroed(raw: bytes) -> bytes:
    """Keep the header and lose the rest: what some file systems leave after a crash."""
    return raw[:PAGE] + bytes(len(raw) - PAGE)


def one_page_of_others(raw: bytes) -> bytes:
    """Overwrite one page in the middle."""
    middle = len(raw) // PAGE // 2 * PAGE
    return raw[:middle] + b"\xa5" * PAGE + raw[middle + PAGE :]


@pytest.mark.parametrize("damage", [zeroed, one_page_of_others])
def test_behind_an_intact_header_it_is_noticed_when_it_is_opened(
    file: Path, damage: Callable[[bytes], bytes]
):
    """To read, nothing is known; to write, the file is put aside, and a new one serves from then on."""
    file.write_bytes(damage(file.read_bytes()))

    with State(file.parent, read_only=True) as state:
        assert NOTHING_APPLIED == state.applied("d", "arn")
        assert {} == state.statuses()
        assert state.damage
    with State(file.parent) as state:
        assert state.damage
        assert NOTHING_APPLIED == state.applied("d", "arn")
        assert [] == list(state.journal.unfinished("d"))
        state.record("d", {"verdict": "unknown"})
        assert {"d": {"verdict": "unknown"}} == state.statuses()
    assert file.with_name("state.sqlite3.damaged").exists()


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE status SET body = '{'",
        "UPDATE status SET body = CAST(x'7bff' AS TEXT)",
        "UPDATE journal SET source_refs = x'00'",
    ],
)
def test_in_what_is_written_there_it_is_put_aside_where_it_is_met(file: Path, damage: str):
    """What meets it says so, once; whoever asks next finds a file that works."""
    with sqlite3.connect(file) as connection:
        connection.execute(damage)

    with State(file.parent) as state:
        with pytest.raises(StateError, match="put aside"):
            _read_everything(state)
        _read_everything(state)
        assert {} == state.statuses()


def _read_everything(state: State) -> None:
    state.statuses()
    state.journal.unfinished("d")


def test_a_disk_that_says_no_is_no_damage(file: Path):
    """A file that is locked is kept: nothing that a new file would cure."""
    with sqlite3.connect(file) as other, State(file.parent) as state:
        other.execute("BEGIN IMMEDIATE")
        state._db.connection.execute("PRAGMA busy_timeout = 0")
        with pytest.raises(StateError, match="locked"):
            state.record("d", {})
    assert not file.with_name("state.sqlite3.damaged").exists()
