"""
Open and migrate the SQLite file, put a damaged one aside, and translate the errors of SQLite.

Without SQLAlchemy: the tables are few, and damage is known by SQLite's own errors.
"""

from __future__ import annotations

import errno
import sqlite3
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TypeVar

from reconciler.errors import ReconcilerError, StateError, StateLost, StateUnusable
from reconciler.private import private_file, state_directory
from reconciler.state.damage import (
    carry_over,
    check,
    check_header,
    check_rows,
    damage_message,
    is_damage,
    put_aside,
    reason_of,
    version_of,
)
from reconciler.state.read_only import open_read_only, reading, text
from reconciler.state.schema import define_functions, migrate

T = TypeVar("T")

FILE_NAME: Final = "state.sqlite3"
SYNCHRONOUS = "FULL"
"""A commit is on the disk when it returns. Tests, which lose no power, do not wait for the disk."""


class Database:
    """
    The state file: a connection for one writer at a time, and another through which all threads read.

    Writes call a function in Python while SQLite holds a lock of that connection. Another thread that used it
    would wait for the lock without releasing the interpreter, which the function needs: neither would ever go on.
    A damaged file is put aside, and a deleted one is created again: the call that notices it raises an error, the
    next one finds an empty file.

    Args:
        directory: Created if it is missing, unless *read_only*.
        read_only: Never create or change anything: for commands that promise to write nothing.

    Attributes:
        read_only: As given.
        damage: The damage found when the file was opened, and what was done about it; None without damage.

    Raises:
        StateUnusable: The directory cannot be used, or a newer version wrote the file.
        StateError: It cannot be used at the moment: the disk is full, or the file is locked.
    """

    def __init__(self, directory: Path, *, read_only: bool) -> None:
        self._path = directory / FILE_NAME
        self.read_only = read_only
        self._connection: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._retired: list[sqlite3.Connection] = []  # other threads may still be reading through them
        self._one_at_a_time = threading.RLock()
        self._readers, self._counting = 0, threading.Lock()
        self.damage: str | None = None
        try:
            with self.explained():
                if not read_only:
                    self._begin()
                elif self._path.exists():
                    self._reader, self.damage = open_read_only(self._path)
        except StateError as exc:
            raise _blamed(directory, exc) from exc.__cause__

    def _begin(self) -> None:
        state_directory(self._path.parent)
        self._connection, self.damage = _open(self._path)
        self._reader = reading(self._path)
        self._file = _identity(self._path)

    @property
    def connection(self) -> sqlite3.Connection | None:
        """
        Return the connection to read from; None if it is read-only and there is no file.

        Raises:
            StateError: The file is not the one that was opened.
        """
        # Otherwise a long-running process would keep writing to a file that has no name any more.
        if self._file is not None and self._file != _identity(self._path):
            self._replace(self._connection)
            raise StateLost(f"{self._path}: another process deleted or replaced it; its content is lost")
        return self._reader

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """
        Yield the connection within a transaction, which is committed to the disk or rolled back by an error.

        Raises:
            StateError: It was opened for reading only, or the write failed.
        """
        with self._one_at_a_time, self.explained():
            if self.connection is None or (found := self._connection) is None:
                raise StateError(f"{self._path}: opened for reading only")
            with found as connection:
                yield connection

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Translate errors of SQLite and the file system; put a damaged file aside at once."""
        before = self._connection
        try:
            yield
        except (sqlite3.Error, OSError, UnicodeDecodeError) as exc:
            if not is_damage(exc):
                raise StateError(f"{self._path}: {reason_of(exc, self._path)}") from exc
            raise self._replace_damaged(before, exc) from exc

    @contextmanager
    def decoding(self) -> Iterator[None]:
        """Translate errors like `explained` while rows are parsed: rows that cannot be parsed are damage, too."""
        before = self._connection
        try:
            with self._counted(), self.explained():
                yield
        except ReconcilerError:
            raise
        except Exception as exc:
            if not is_damage(exc):
                raise
            raise self._replace_damaged(before, exc) from exc

    @contextmanager
    def _counted(self) -> Iterator[None]:
        """Count a thread that reads, so that the connection is not closed below it."""
        with self._counting:
            self._readers += 1
        try:
            yield
        finally:
            with self._counting:
                self._readers -= 1

    def rows(self, make: Callable[..., T], query: str, *values: object) -> list[T]:
        """Return the result of *make* for each row; a row that it cannot read is damage. Empty without a file."""
        connection = self.connection
        if connection is None:
            return []
        with self.decoding():
            return [make(*row) for row in connection.execute(query, values)]

    def row(self, make: Callable[..., T], query: str, *values: object) -> T | None:
        """Return the result of *make* for the first row; None if there is none."""
        return next(iter(self.rows(make, query, *values)), None)

    def _replace_damaged(self, connection: sqlite3.Connection | None, exc: Exception) -> StateLost:
        """Replace the file, and return the error to raise."""
        if self.read_only:
            self._reader = None
        else:
            self._replace(connection)
        return StateLost(damage_message(self._path, exc, read_only=self.read_only))

    def _replace(self, failed: sqlite3.Connection | None) -> None:
        """Retire a connection, put its file aside if it still exists, and open a new one."""
        with self._one_at_a_time, suppress(sqlite3.Error, OSError):
            if self._connection is not failed:
                return  # another thread has replaced it
            if failed is not None:
                self._retired += filter(None, (failed, self._reader))
                self._connection = self._reader = None
            if self._file == _identity(self._path):
                put_aside(self._path)
            self._begin()

    def close(self) -> None:
        """
        Close the file once no other thread writes to it, which would crash; later writes are errors.

        A thread that reads keeps the connection, which closes when it lets go of it.
        """
        with self._one_at_a_time, self._counting:
            if not self._readers:
                # The retired ones last: SQLite deletes a log by its name, which the new file uses as well.
                for connection in (*filter(None, (self._reader, self._connection)), *self._retired):
                    connection.close()
            elif self._connection is not None:
                self._connection.close()
            self._connection = self._reader = self._file = None
            self._retired.clear()


# Temporary errors, and those of the disk: another directory on it would not help.
OF_THE_DISK: Final = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EMFILE, errno.ENFILE}
)
_OF_THE_NAME: Final = frozenset({"SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM", "SQLITE_AUTH"})


def _blamed(directory: Path, exc: StateError) -> StateError:
    """Return the error of opening the file; `StateUnusable` if only another directory would help."""
    cause, path = exc.__cause__, directory / FILE_NAME
    if isinstance(cause, sqlite3.Error):
        kind = "_".join((getattr(cause, "sqlite_errorname", None) or "").split("_")[:2])
        unusable = kind in _OF_THE_NAME or (path.exists() and not path.is_file())
    else:
        unusable = isinstance(cause, OSError) and cause.errno not in OF_THE_DISK
    return StateUnusable(f"--state-dir {directory}: {exc}") if unusable else exc


def _identity(path: Path) -> tuple[int, int] | None:
    """Return device and inode of a file; None if it does not exist."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _open(path: Path) -> tuple[sqlite3.Connection, str | None]:
    """Open the file for writing; replace a damaged one, and return a message about that as well."""
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
        return connection, damage_message(path, exc, read_only=False)


def _prepared(path: Path) -> sqlite3.Connection:
    private_file(path)  # the log beside it gets the same mode
    connection = sqlite3.connect(path, timeout=10, check_same_thread=False)
    connection.text_factory = text
    define_functions(connection)
    try:
        check(connection)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {SYNCHRONOUS}")
        migrate(connection, version_of(connection, path))
        check_rows(connection)
    except BaseException:
        connection.close()
        raise
    return connection
