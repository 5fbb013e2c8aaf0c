"""Checking whether the state directory is usable, without changing it."""

import os
import sqlite3
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from reconciler.core.preflight import Mark
from reconciler.state import State
from reconciler.state.database import FILE_NAME
from reconciler.state.fitness import check_state
from reconciler.state.schema import NEWEST


@pytest.fixture
def used(tmp_path):
    """A state directory that was used before."""
    with closing(State(tmp_path / "state")) as memory:
        memory.record("a", {})
    return tmp_path / "state"


def test_what_was_used_before_can_be_used_again(used):
    assert Mark.OK is check_state(used).mark


def test_while_somebody_uses_it(used):
    """A running controller is no problem."""
    with closing(State(used)) as memory:
        memory.record("b", {})
        assert Mark.OK is check_state(used).mark


def test_what_is_not_there_can_be_made(tmp_path):
    directory = tmp_path / "not" / "yet"

    assert Mark.OK is check_state(directory).mark
    assert [] == list(tmp_path.iterdir())


def test_a_file_in_its_place(tmp_path):
    """A file at the path, or at one of its parents, is a problem."""
    (tmp_path / "file").write_text("")

    assert Mark.FAILED is check_state(tmp_path / "file").mark
    assert Mark.FAILED is check_state(tmp_path / "file" / "below").mark


@pytest.mark.parametrize(("name", "said"), [("", "cannot be written to"), ("below", "cannot be made")])
def test_no_right_to_write(name, said):
    """Missing write permission is a problem, in the directory or in its parent."""
    with TemporaryDirectory() as outer:  # that of pytest is closed to all others
        Path(outer).chmod(0o755)
        directory = Path(outer) / "state"
        directory.mkdir(mode=0o555)
        with nobody():
            found = check_state(directory / name)

    assert (Mark.FAILED, 64) == (found.mark, found.exit_code)
    assert said in found.message


@contextmanager
def nobody():
    """Drop root rights, as root may write anywhere."""
    if (own := os.geteuid()) == 0:
        os.seteuid(65_534)
    yield
    os.seteuid(own)


def test_a_newer_version_was_here(used):
    """A state of a newer version is a problem and left alone, as by apply."""
    with closing(sqlite3.connect(used / FILE_NAME)) as connection:
        connection.execute(f"PRAGMA user_version = {NEWEST + 1}")

    found = check_state(used)

    assert (Mark.FAILED, 64) == (found.mark, found.exit_code)
    assert "newer version" in found.message


@pytest.mark.parametrize("place", [0, 8_192])
def test_a_page_that_is_garbage(used, place):
    """Garbage in the header or in a table is reported and left alone."""
    file = used / FILE_NAME
    raw = bytearray(file.read_bytes())
    raw[place : place + 2_000] = b"\xff" * 2_000
    file.write_bytes(raw)

    found = check_state(used)

    assert (Mark.WARNING, 0) == (found.mark, found.exit_code)
    assert raw == file.read_bytes()
    assert [".gitignore", FILE_NAME] == sorted(path.name for path in used.iterdir() if path.is_file())


def test_a_row_that_is_not_what_was_written(used):
    """A changed digit is reported as damage, as an apply would find it."""
    with State(used) as open_state:
        open_state.record("d", {"observed": 3})
    with closing(sqlite3.connect(used / FILE_NAME)) as connection:
        connection.execute("UPDATE status SET body = replace(body, '3', '2')")
        connection.commit()

    found = check_state(used)

    assert (Mark.WARNING, 0) == (found.mark, found.exit_code)
    assert "checksum" in found.message
