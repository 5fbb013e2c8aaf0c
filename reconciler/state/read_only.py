"""Open the SQLite file for reading only, whatever its version."""

from __future__ import annotations

import sqlite3
import zlib
from contextlib import closing
from pathlib import Path

from reconciler.errors import StateUnusable
from reconciler.state.damage import check, check_rows, damage_message, is_damage, version_of
from reconciler.state.schema import NEWEST, define_functions, migrate


def opened_for_reading(path: Path) -> sqlite3.Connection:
    """Open the file for reading, without checking its content."""
    # Without a log there is no writer, and SQLite needs neither log nor locks, which the directory may forbid.
    return reading(path, immutable=not path.with_name(f"{path.name}-wal").exists())


def reading(path: Path, *, immutable: bool = False) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode=ro&immutable={immutable:d}"
    connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
    connection.text_factory = text
    define_functions(connection)
    return connection


def open_read_only(path: Path) -> tuple[sqlite3.Connection | None, str | None]:
    """
    Open the file for reading; None if it is of a newer version, or damaged, with a message about that.

    A file of an older version is read through a copy in memory, which gets the tables of this version.
    """
    try:
        connection = opened_for_reading(path)
    except sqlite3.Error:
        return None, damage_message(
            path, IsADirectoryError("a directory"), read_only=True
        ) if path.is_dir() else None
    damage = None
    try:
        check(connection)
        if (found := version_of(connection, path)) < NEWEST:
            connection = _upgraded_copy(connection, found)
        check_rows(connection)
        return connection, None
    except StateUnusable as exc:
        damage = f"{exc}; what it remembers is not used"
    except (sqlite3.Error, ValueError, KeyError, TypeError, zlib.error) as exc:
        damage = damage_message(path, exc, read_only=True) if is_damage(exc) else None
    connection.close()
    return None, damage


def _upgraded_copy(connection: sqlite3.Connection, version: int) -> sqlite3.Connection:
    """Return a copy in memory with the tables of this version, and close the connection to the file."""
    copy = sqlite3.connect(":memory:", check_same_thread=False)
    copy.text_factory = text
    define_functions(copy)
    with closing(connection):
        connection.backup(copy)
    migrate(copy, version)
    return copy


def text(raw: bytes) -> str:
    """Decode a text leniently: SQLite reports invalid UTF-8 as a temporary error, the parser as damage."""
    return raw.decode(errors="replace")
