"""A damaged state file: how it is told from one that is locked, what is saved of it, and where it goes."""

from __future__ import annotations

import json
import shutil
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing, suppress
from functools import cache
from pathlib import Path
from typing import Any, Final

import orjson

from reconciler.errors import StateUnusable
from reconciler.state.schema import MIGRATIONS, NEWEST

SUFFIXES: Final = ("", "-wal", "-shm")
_DAMAGED: Final = ".damaged"

# What a new file would not cure: locked, full, not allowed, out of memory, interrupted, or a fault of ours.
_NO_DAMAGE: Final = frozenset(
    {
        sqlite3.SQLITE_PERM, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY, sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_AUTH, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISUSE,
    }
)  # fmt: skip
_UNREADABLE: Final = (ValueError, KeyError, TypeError, zlib.error)

# An update that may have arrived, and a rebuild that was begun: all that cannot be found out by looking.
_KEPT: Final = (
    ("journal", "dataset, arn, begun_at, source_refs, standing", "WHERE result IS NULL"),
    ("rebuild", "dataset, step, body", ""),
)


def is_damage(exc: Exception) -> bool:
    """Tell it from what a new file would not cure."""
    if isinstance(exc, sqlite3.Error):
        code = getattr(exc, "sqlite_errorcode", None)
        return code is None or code & 0xFF not in _NO_DAMAGE
    return isinstance(exc, _UNREADABLE)


def check_header(path: Path) -> None:
    """
    Read what SQLite takes for a reason to write nothing, and calls no damage.

    Raises:
        sqlite3.DatabaseError: It is damaged.
    """
    with suppress(FileNotFoundError), path.open("rb") as stream:
        if (header := stream.read(20)) and header[18:20] not in (b"\1\1", b"\2\2"):
            raise sqlite3.DatabaseError("of a format that cannot be written")


def check(connection: sqlite3.Connection) -> None:
    """
    Read the whole file once: a header that is intact says nothing of what is behind it.

    Costs 0.1 s of CPU where 250,000 entries are remembered.

    Raises:
        sqlite3.DatabaseError: It is damaged.
    """
    _require_ok(connection, "quick_check(1)")


def check_rows(connection: sqlite3.Connection) -> None:
    """
    Read what was written as JSON, so that damage in it is met when the file is opened, and not in mid-work.

    Raises:
        sqlite3.DatabaseError, ValueError, zlib.error: It is damaged.
    """
    _require_ok(connection, "integrity_check(journal)")  # its index, through which open updates are found
    for table in ("status", "look", "rebuild"):
        for (body,) in connection.execute(f"SELECT body FROM {table}"):  # noqa: S608  constants
            json.loads(body)
    for row in connection.execute("SELECT begun_at, source_refs FROM journal WHERE result IS NULL"):
        _check_journal(*row)


def _require_ok(connection: sqlite3.Connection, pragma: str) -> None:
    found: str = connection.execute(f"PRAGMA {pragma}").fetchone()[0]
    if found != "ok":
        raise sqlite3.DatabaseError(found)


def _check_journal(begun_at: float, packed: bytes) -> None:
    refs = orjson.loads(zlib.decompress(packed))
    if not 0 <= begun_at < 1e11 or not all(isinstance(ref, str) for ref in refs):
        raise ValueError("an update that no process can have begun")


def version_of(connection: sqlite3.Connection, path: Path) -> int:
    """
    Return the version that the tables are of; the number in the header is mended where it says otherwise.

    Raises:
        sqlite3.DatabaseError: The tables are not those of any version.
        StateUnusable: A newer version wrote the file.
    """
    noted: int = connection.execute("PRAGMA user_version").fetchone()[0]
    tables = _tables(connection)
    if tables in _versions():
        return _versions().index(tables)
    if noted > NEWEST:
        raise StateUnusable(f"{path}: written by a newer version of this tool (format {noted})")
    raise sqlite3.DatabaseError("the tables are not those of any version")


@cache
def _versions() -> tuple[frozenset[tuple[str, str]], ...]:
    """Return the tables of every version, the empty one first."""
    found = []
    with closing(sqlite3.connect(":memory:")) as connection:
        for script in ("", *MIGRATIONS):
            connection.executescript(script)
            found.append(_tables(connection))
    return tuple(found)


def _tables(connection: sqlite3.Connection) -> frozenset[tuple[str, str]]:
    query = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
    return frozenset((name, sql) for name, sql in connection.execute(query))


def put_aside(path: Path) -> None:
    """Give the file, and what belongs to it, another name; the one that was put aside before gives way."""
    for suffix in SUFFIXES:
        part = path.with_name(path.name + suffix)
        if part.exists() or part.is_symlink():
            aside = part.with_name(part.name + _DAMAGED)
            if aside.is_dir() and not aside.is_symlink():
                shutil.rmtree(aside)
            else:
                aside.unlink(missing_ok=True)
            part.replace(aside)


def carry_over(path: Path, connection: sqlite3.Connection) -> None:
    """Write into a new file what can still be read of the one put aside, and cannot be found out by looking."""
    for table, columns, which in _KEPT:
        marks = ", ".join("?" * (columns.count(",") + 1))
        for row in _rows(path, f"SELECT {columns} FROM {table} NOT INDEXED {which}"):  # noqa: S608  constants
            with suppress(*_UNREADABLE, sqlite3.Error), connection:
                if table == "journal":
                    _check_journal(row[2], row[3])
                else:
                    json.loads(row[2])
                connection.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", row)  # noqa: S608


def _rows(path: Path, query: str) -> Iterator[tuple[Any, ...]]:
    """Give the rows of a damaged file, as far as SQLite gets."""
    damaged = path.with_name(path.name + _DAMAGED)
    if not damaged.is_file():
        return
    copy = damaged.with_name(damaged.name + ".copy")  # the evidence stays as it was found
    try:
        shutil.copyfile(damaged, copy)
        log = damaged.with_name(f"{path.name}-wal{_DAMAGED}")
        if log.is_file():
            shutil.copyfile(log, copy.with_name(copy.name + "-wal"))
        _mend_header(copy, path)
        _mend_schema(copy)
        with closing(sqlite3.connect(copy)) as connection:
            connection.text_factory = lambda raw: raw.decode(errors="replace")
            yield from connection.execute(query)
    except (*_UNREADABLE, sqlite3.Error, OSError):
        return
    finally:
        for suffix in SUFFIXES:
            copy.with_name(copy.name + suffix).unlink(missing_ok=True)


def _mend_header(copy: Path, new: Path) -> None:
    """Write over the header what every file of ours has there: without it SQLite reads nothing at all."""
    with new.open("rb") as stream:
        header = stream.read(100)
    with copy.open("r+b") as target:
        for start, end in (
            (0, 24),
            (44, 48),
            (56, 60),
        ):  # page size and the like; schema format; text encoding
            target.seek(start)
            target.write(header[start:end])


def _mend_schema(copy: Path) -> None:
    """Write the tables' own text over what stands in the file: without it SQLite finds nothing."""
    with suppress(*_UNREADABLE, sqlite3.Error), closing(sqlite3.connect(copy)) as connection, connection:
        connection.execute("PRAGMA writable_schema = ON")
        for name, sql in _versions()[-1]:
            connection.execute("UPDATE sqlite_master SET sql = ? WHERE name = ?", (sql, name))
