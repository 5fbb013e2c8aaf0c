"""The one SQLite file: opened, migrated, put aside when damaged, and its errors put into words."""

from __future__ import annotations

import errno
import sqlite3
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from reconciler.errors import ReconcilerError, StateError, StateUnusable
from reconciler.private import private_file, state_directory
from reconciler.state.damage import (
    carry_over,
    check,
    check_header,
    check_rows,
    is_damage,
    put_aside,
    version_of,
)
from reconciler.state.schema import MIGRATIONS, NEWEST

FILE_NAME: Final = "state.sqlite3"


class Database:
    """
    A connection. A file that is found to be damaged is put aside, and one that somebody deleted is made anew:
    whoever notices gets an error, and finds an empty file the next time.

    Args:
        directory: Made if it is missing, unless *read_only*.
        read_only: Never create or change anything: for commands that promise to write nothing.

    Attributes:
        damage: What was wrong with the file when it was opened, and what became of it; None if all is well.

    Raises:
        StateUnusable: The directory cannot be used, or a newer version wrote the file.
        StateError: It can be, and not now: the disk is full, or the file is locked.
    """

    def __init__(self, directory: Path, *, read_only: bool) -> None:
        self._path = directory / FILE_NAME
        self._read_only = read_only
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        # Other threads may still be reading through them.
        self._retired: list[sqlite3.Connection] = []
        self._one_at_a_time = threading.RLock()
        self.damage: str | None = None
        try:
            with self.explained():
                if not read_only:
                    self._begin()
                elif self._path.exists():
                    self._connection, self.damage = _open_read_only(self._path)
        except StateError as exc:
            raise _blamed(directory, exc) from exc.__cause__

    def _begin(self) -> None:
        state_directory(self._path.parent)
        self._connection, self.damage = _open(self._path)
        self._file = _identity(self._path)

    @property
    def connection(self) -> sqlite3.Connection | None:
        """
        Return the connection; None if there is nothing to read and nothing may be made.

        Raises:
            StateError: The file is not the one that was opened.
        """
        # Without this a process that lives for months would go on remembering in a file that nobody can find.
        if self._file is not None and self._file != _identity(self._path):
            self._begin_anew(self._connection)
            raise StateError(
                f"{self._path}: somebody deleted or replaced it; what it held is not known any more"
            )
        return self._connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """
        Give the connection within a transaction: on the disk when the block is left, or undone by its error.

        Raises:
            StateError: It was opened for reading only, or the disk says no.
        """
        # A transaction belongs to the connection: that of another thread would end with ours.
        with self._one_at_a_time, self.explained():
            if (found := self.connection) is None:
                raise StateError(f"{self._path}: opened for reading only")
            with found as connection:
                yield connection

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Raise our error in place of SQLite's and the file system's; a damaged file is put aside at once."""
        before = self._connection
        try:
            yield
        except (sqlite3.Error, OSError, UnicodeDecodeError) as exc:
            if not is_damage(exc):
                raise StateError(f"{self._path}: {exc}") from exc
            raise self._damaged(before, exc) from exc

    @contextmanager
    def decoding(self) -> Iterator[None]:
        """Do as `explained`, while what was written here before is read: what cannot be is damage, too."""
        before = self._connection
        try:
            with self.explained():
                yield
        except ReconcilerError:
            raise
        except Exception as exc:
            if not is_damage(exc):
                raise
            raise self._damaged(before, exc) from exc

    def _damaged(self, connection: sqlite3.Connection | None, exc: Exception) -> StateError:
        """Begin anew, and return what is to be said."""
        if self._read_only:
            self._connection = None
        else:
            self._begin_anew(connection)
        return StateError(_told(self._path, exc, read_only=self._read_only))

    def _begin_anew(self, failed: sqlite3.Connection | None) -> None:
        """Leave a connection that is of no use, and put its file aside if that is still there."""
        with self._one_at_a_time, suppress(sqlite3.Error, OSError):
            if self._connection is not failed:
                return  # another thread was here before
            if failed is not None:
                self._retired.append(failed)
                self._connection = None
            if self._file == _identity(self._path):
                put_aside(self._path)
            self._begin()

    def close(self) -> None:
        # The retired ones last: SQLite deletes a log by its name, which by now is that of the new file.
        for connection in (*filter(None, (self._connection,)), *self._retired):
            connection.close()
        self._retired.clear()
        self._connection = self._file = None


# What passes, or is the disk's fault: another directory on it would be no better.
_NOT_THE_NAME: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE})
_OF_THE_NAME: Final = frozenset({"SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM", "SQLITE_AUTH"})


def _blamed(directory: Path, exc: StateError) -> StateError:
    """Return an error of the opening; if it is the directory's fault, one that says to name another."""
    cause, path = exc.__cause__, directory / FILE_NAME
    if isinstance(cause, sqlite3.Error):
        kind = "_".join((getattr(cause, "sqlite_errorname", None) or "").split("_")[:2])
        unusable = kind in _OF_THE_NAME or (path.exists() and not path.is_file())
    else:
        unusable = isinstance(cause, OSError) and cause.errno not in _NOT_THE_NAME
    return StateUnusable(f"--state-dir {directory}: {exc}") if unusable else exc


def _told(path: Path, damage: Exception, *, read_only: bool) -> str:
    """Say what was wrong with the file, and what becomes of it."""
    if read_only:
        return f"{path}: damaged: {damage}; the next apply puts it aside"
    return f"{path}: damaged: {damage}; put aside, the next run looks at everything anew"


def _identity(path: Path) -> tuple[int, int] | None:
    """Name the file that is at this path now; None if there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _open(path: Path) -> tuple[sqlite3.Connection, str | None]:
    """Open the file for writing; if it is damaged, put it aside, start afresh, and say so, too."""
    try:
        if path.is_dir():
            raise sqlite3.DatabaseError("a directory stands in its place")
        check_header(path)
        return _prepared(path), None
    except (sqlite3.Error, ValueError, KeyError, TypeError, zlib.error) as exc:
        if not is_damage(exc):
            raise
        put_aside(path)
        connection = _prepared(path)
        carry_over(path, connection)
        return connection, _told(path, exc, read_only=False)


def opened_for_reading(path: Path) -> sqlite3.Connection:
    """Open the file, whatever is in it."""
    # Without a log there is no writer, and SQLite need not make one, nor locks, beside a file that is only
    # read; the directory may not even allow it.
    how = "mode=ro" if path.with_name(f"{path.name}-wal").exists() else "mode=ro&immutable=1"
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True, check_same_thread=False)
    connection.text_factory = _text
    return connection


def _open_read_only(path: Path) -> tuple[sqlite3.Connection | None, str | None]:
    """Open the file for reading; None if it is damaged, and why, or of another version: then nothing is known."""
    try:
        connection = opened_for_reading(path)
    except sqlite3.Error:
        return None, _told(path, IsADirectoryError("a directory"), read_only=True) if path.is_dir() else None
    damage = None
    try:
        check(connection)
        if version_of(connection, path) == NEWEST:
            check_rows(connection)
            return connection, None
    except StateError:
        pass
    except (sqlite3.Error, ValueError, KeyError, TypeError, zlib.error) as exc:
        damage = _told(path, exc, read_only=True) if is_damage(exc) else None
    connection.close()
    return None, damage


def _prepared(path: Path) -> sqlite3.Connection:
    private_file(path)  # the log beside it takes over its mode
    connection = sqlite3.connect(path, timeout=10, check_same_thread=False)
    connection.text_factory = _text
    try:
        check(connection)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # a commit is on the disk when it returns
        found = version_of(connection, path)
        if found != _noted(connection):
            connection.execute(f"PRAGMA user_version = {found}")
        for version, script in enumerate(MIGRATIONS[found:], start=found + 1):
            _migrate(connection, version, script)
        check_rows(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _migrate(connection: sqlite3.Connection, version: int, script: str) -> None:
    connection.execute("BEGIN IMMEDIATE")
    with connection:
        if _noted(connection) < version:  # else another process has done it since we looked
            for statement in script.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {version}")


def _text(raw: bytes) -> str:
    """Decode a text; a damaged one is left to who understands it, for SQLite calls that a passing fault."""
    return raw.decode(errors="replace")


def _noted(connection: sqlite3.Connection) -> int:
    found: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return found
