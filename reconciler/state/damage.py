"""Detect a damaged state file, move it aside, and recover its open updates, rebuilds and suspensions."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing, suppress
from functools import cache
from pathlib import Path
from typing import Any, Final

import orjson

from reconciler.core.planning.quarantine import QuarantineReason
from reconciler.core.spec.choices import DatasetType
from reconciler.errors import StateUnusable
from reconciler.ports import ContentDigest, Rebuild, RebuildStep
from reconciler.state.schema import (
    CHECKED,
    MIGRATIONS,
    NEWEST,
    define_functions,
    insertion,
    noted_version,
)

# The members of a stored rebuild that have other names in state files of every version.
_STORED_NAMES: Final = {"description": "standing", "old_arn": "doomed", "new_arn": "made"}
_FIELDS: Final = {stored: name for name, stored in _STORED_NAMES.items()}

SUFFIXES: Final = ("", "-wal", "-shm")
_DAMAGED: Final = ".damaged"

# Errors that a new file would not mend: locked, full, forbidden, out of memory, interrupted, or misuse.
_NO_DAMAGE: Final = frozenset(
    {
        sqlite3.SQLITE_PERM, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY, sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_AUTH, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISUSE,
    }
)  # fmt: skip
_LITTLE_BYTES: Final = 64 * 1024  # the index of SQLite's log grows by 32 KiB
UNREADABLE: Final = (ValueError, KeyError, TypeError, zlib.error)

# Updates that may have arrived, unfinished rebuilds and suspensions: what no observation can restore.
# A damaged row of the journal only makes the next run wait; a damaged rebuild might delete another dataset.
_RECOVERED: Final = (
    ("journal", "WHERE result IS NULL"),
    ("rebuild", "WHERE checksum IS NULL OR checksum = row_checksum(dataset, step, body)"),
    ("suspended", "WHERE checksum = row_checksum(dataset, reason, since, until)"),
)


def is_damage(exc: Exception) -> bool:
    """Return whether an error means damage, which a new file mends."""
    if isinstance(exc, sqlite3.Error):
        code = getattr(exc, "sqlite_errorcode", None)
        return code is None or code & 0xFF not in _NO_DAMAGE
    return isinstance(exc, UNREADABLE)


def reason_of(exc: Exception, path: Path) -> str:
    """Return the reason of an error; SQLite has one name for many errors of the disk, a full one included."""
    if isinstance(exc, OSError):
        return exc.strerror or str(exc)
    if getattr(exc, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_IOERR:
        with suppress(OSError):
            disk = os.statvfs(path.parent)
            if disk.f_bavail * disk.f_frsize < _LITTLE_BYTES:
                return f"{exc}: no space left on device"
    return str(exc)


def check_header(path: Path) -> None:
    """
    Check the format version, which SQLite opens read-only instead of reporting it as damage.

    Raises:
        sqlite3.DatabaseError: It is damaged.
    """
    with suppress(FileNotFoundError), path.open("rb") as stream:
        if (header := stream.read(20)) and header[18:20] not in (b"\1\1", b"\2\2"):
            raise sqlite3.DatabaseError("of a format that cannot be written")


def check(connection: sqlite3.Connection) -> None:
    """
    Check the whole file, not only its header. Takes 0.01 s of CPU for 250,000 entries.

    Raises:
        sqlite3.DatabaseError: It is damaged.
    """
    _require_ok(connection, "quick_check(1)")


def check_rows(connection: sqlite3.Connection) -> None:
    """
    Check all checksums and parse all JSON, so that damage is found when the file is opened, not later.

    Takes 0.02 s of CPU for 250,000 entries.

    Raises:
        sqlite3.DatabaseError, ValueError, zlib.error: It is damaged.
    """
    _require_ok(connection, "integrity_check(journal)")  # covers the index by which open updates are found
    for table, columns in CHECKED.items():
        query = f"SELECT 1 FROM {table} WHERE checksum <> row_checksum({columns}) LIMIT 1"  # noqa: S608  constants
        if connection.execute(query).fetchone():
            raise sqlite3.DatabaseError(f"{table}: a row differs from its checksum")
    for table in ("status", "look"):
        for (body,) in connection.execute(f"SELECT body FROM {table}"):  # noqa: S608  constants
            if not isinstance(json.loads(body), dict):
                raise ValueError(f"{table}: not what was written there")
    for (body,) in connection.execute("SELECT body FROM rebuild"):
        read_rebuild(body)
    for (kind,) in connection.execute("SELECT DISTINCT kind FROM held"):
        QuarantineReason(kind)
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


def write_rebuild(rebuild: Rebuild) -> str:
    """Return the stored form of a rebuild, which `read_rebuild` reads."""
    fields = {_STORED_NAMES.get(name, name): value for name, value in rebuild._asdict().items()}
    return json.dumps(fields, sort_keys=True)


def read_rebuild(body: str) -> Rebuild:
    """
    Return the rebuild that a row stores.

    Raises:
        ValueError, KeyError, TypeError: It is damaged.
    """
    stored: dict[str, Any] = dict(json.loads(body))
    fields = {_FIELDS.get(name, name): value for name, value in stored.items()}
    known = {
        "step": RebuildStep(fields["step"]),
        "dataset_type": DatasetType(fields["dataset_type"]),
        "before": ContentDigest(*fields["before"]),
        "desired": ContentDigest(*fields["desired"]),
    }
    return Rebuild(**fields | known)


def version_of(connection: sqlite3.Connection, path: Path) -> int:
    """
    Return the version of the tables, which counts more than the number in the header.

    Raises:
        sqlite3.DatabaseError: The tables are not those of any version.
        StateUnusable: A newer version wrote the file.
    """
    noted = noted_version(connection)
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
        define_functions(connection)
        for script in ("", *MIGRATIONS):
            connection.executescript(script)
            found.append(_tables(connection))
    return tuple(found)


def _tables(connection: sqlite3.Connection) -> frozenset[tuple[str, str]]:
    query = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
    return frozenset((name, sql) for name, sql in connection.execute(query))


def put_aside(path: Path) -> None:
    """Rename the file and its companions; they replace those that were put aside before."""
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
    """Copy the rows that no observation can restore from the damaged file into the new one, if readable."""
    for table, which in _RECOVERED:
        query = f"SELECT {CHECKED[table]} FROM {table} NOT INDEXED {which}"  # noqa: S608  constants
        for row in _rows(path, query):
            with suppress(*UNREADABLE, sqlite3.Error), connection:
                if table == "journal":
                    _check_journal(row[2], row[3])
                elif table == "rebuild":
                    read_rebuild(row[2])
                connection.execute(insertion(table), row)


def _rows(path: Path, query: str) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a damaged file, as far as SQLite can read them."""
    damaged = path.with_name(path.name + _DAMAGED)
    if not damaged.is_file():
        return
    copy = damaged.with_name(damaged.name + ".copy")  # the damaged file stays unchanged
    try:
        shutil.copyfile(damaged, copy)
        log = damaged.with_name(f"{path.name}-wal{_DAMAGED}")
        if log.is_file():
            shutil.copyfile(log, copy.with_name(copy.name + "-wal"))
        _mend_header(copy, path)
        _mend_schema(copy)
        with closing(sqlite3.connect(copy)) as connection:
            connection.text_factory = lambda raw: raw.decode(errors="replace")
            define_functions(connection)
            yield from connection.execute(query)
    except (*UNREADABLE, sqlite3.Error, OSError):
        return
    finally:
        for suffix in SUFFIXES:
            copy.with_name(copy.name + suffix).unlink(missing_ok=True)


def _mend_header(copy: Path, new: Path) -> None:
    """Overwrite the constant parts of the header, without which SQLite reads nothing."""
    with new.open("rb") as stream:
        header = stream.read(100)
    with copy.open("r+b") as target:
        # Page size and the like; schema format; text encoding.
        for start, end in ((0, 24), (44, 48), (56, 60)):
            target.seek(start)
            target.write(header[start:end])


def _mend_schema(copy: Path) -> None:
    """Overwrite the table definitions, without which SQLite finds no table."""
    with suppress(*UNREADABLE, sqlite3.Error), closing(sqlite3.connect(copy)) as connection, connection:
        connection.execute("PRAGMA writable_schema = ON")
        for name, sql in _versions()[-1]:
            connection.execute("UPDATE sqlite_master SET sql = ? WHERE name = ?", (sql, name))


def damage_message(path: Path, damage: Exception, *, read_only: bool) -> str:
    """Return the message about a damaged file, and what happens to it."""
    if read_only:
        return f"{path}: damaged: {damage}; the next apply puts it aside"
    return f"{path}: damaged: {damage}; put aside, the next run observes everything again"
