"""
Store the state of the emulator in one SQLite database, in memory or in a directory.

In a directory the state survives a crash of the process at any time: requests are answered only after their
transaction is committed.
"""

from __future__ import annotations

import io
import os
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final

_VERSION: Final = 1
_BUFFER_BYTES: Final = 1024 * 1024

_SCHEMA: Final = """
CREATE TABLE numbers (name TEXT PRIMARY KEY, value ANY) STRICT;
CREATE TABLE projects (
    id INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, region TEXT NOT NULL,
    name TEXT NOT NULL, arn TEXT NOT NULL UNIQUE, created REAL NOT NULL, status TEXT NOT NULL,
    feature TEXT NOT NULL, auto_update TEXT, due REAL
) STRICT;
CREATE INDEX projects_by_owner ON projects (account, region, name);
CREATE TABLE datasets (
    id INTEGER PRIMARY KEY AUTOINCREMENT, project INTEGER NOT NULL REFERENCES projects,
    arn TEXT NOT NULL UNIQUE, type TEXT NOT NULL, created REAL NOT NULL, updated REAL NOT NULL,
    status TEXT NOT NULL, message TEXT NOT NULL, code TEXT NOT NULL
) STRICT;
CREATE INDEX datasets_by_project ON datasets (project);
CREATE TABLE entries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, dataset INTEGER NOT NULL, source_ref TEXT NOT NULL,
    labeled INTEGER NOT NULL, errors INTEGER NOT NULL, line TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX entries_by_ref ON entries (dataset, source_ref);
CREATE INDEX entries_in_order ON entries (dataset);
CREATE INDEX entries_by_labeled ON entries (dataset, labeled);
CREATE INDEX entries_errored ON entries (dataset) WHERE errors = 1;
CREATE TABLE labels (
    id INTEGER PRIMARY KEY, dataset INTEGER NOT NULL, label TEXT NOT NULL,
    declared INTEGER NOT NULL DEFAULT 0, UNIQUE (dataset, label)
) STRICT;
CREATE TABLE entry_labels (
    label INTEGER NOT NULL, entry INTEGER NOT NULL, box INTEGER NOT NULL, PRIMARY KEY (label, entry)
) STRICT, WITHOUT ROWID;
CREATE INDEX labels_by_entry ON entry_labels (entry);
CREATE TABLE operations (
    dataset INTEGER PRIMARY KEY, kind TEXT NOT NULL, due REAL NOT NULL, polls INTEGER NOT NULL,
    payload BLOB NOT NULL, arguments TEXT NOT NULL
) STRICT;
CREATE TABLE tags (
    arn TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (arn, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE sessions (
    access_key TEXT PRIMARY KEY, account TEXT NOT NULL, arn TEXT NOT NULL, expires REAL NOT NULL
) STRICT;
CREATE TABLE buckets (
    name TEXT PRIMARY KEY, account TEXT NOT NULL, region TEXT NOT NULL, created REAL NOT NULL
) STRICT;
CREATE TABLE objects (
    id INTEGER PRIMARY KEY, bucket TEXT NOT NULL, key TEXT NOT NULL, size INTEGER NOT NULL,
    etag TEXT NOT NULL, type TEXT NOT NULL, modified REAL NOT NULL, metadata TEXT NOT NULL,
    body BLOB NOT NULL, UNIQUE (bucket, key)
) STRICT;
"""


class _Blob(io.RawIOBase):
    """A blob as a raw stream, for `io.BufferedReader`."""

    def __init__(self, blob: sqlite3.Blob) -> None:
        self._blob = blob

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._blob.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, place: int, whence: int = io.SEEK_SET) -> int:
        self._blob.seek(place, whence)
        return self._blob.tell()

    def close(self) -> None:
        self._blob.close()
        super().close()


class Store:
    """
    The database.

    Attributes:
        secret: Key that signs page tokens; persistent.
    """

    def __init__(self, directory: Path | None) -> None:
        """
        Open the database in *directory*, which is created if necessary; None keeps it in memory.

        Raises:
            OSError, sqlite3.Error: It cannot be opened, or has another schema version.
        """
        self._turn = threading.RLock()
        path = ":memory:"
        if directory is not None:
            directory.mkdir(parents=True, exist_ok=True)
            path = str(directory / "emulator.sqlite3")
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # readable by the owner only
        self.db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self.db.row_factory = sqlite3.Row
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute("PRAGMA synchronous = NORMAL")
        self.db.execute("PRAGMA busy_timeout = 30000")
        self._prepare(path)
        self.secret = bytes.fromhex(str(self._number("secret")))

    def close(self) -> None:
        self.db.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """
        Commit the changes made inside, or roll them back on an exception. If nested, the outermost decides.

        Other threads wait, so that tests may edit while requests are answered.
        """
        with self._turn:
            if self.db.in_transaction:
                yield self.db
                return
            self.db.execute("BEGIN IMMEDIATE")
            try:
                yield self.db
            except BaseException:
                self.db.execute("ROLLBACK")
                raise
            self.db.execute("COMMIT")

    @contextmanager
    def trial(self) -> Iterator[Callable[[], None]]:
        """Yield a function that rolls back the changes made inside. Requires a transaction."""
        self.db.execute("SAVEPOINT trial")
        try:
            yield self._undo_trial
        finally:
            self.db.execute("RELEASE trial")

    def _undo_trial(self) -> None:
        self.db.execute("ROLLBACK TO trial")

    def one(self, sql: str, *values: Any) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self.db.execute(sql, values).fetchone()
        return row

    def all(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        return self.db.execute(sql, values).fetchall()

    def blob(self, table: str, column: str, row: int, start: int = 0, length: int = -1) -> bytes:
        """Return part of a blob without reading the rest."""
        with self.db.blobopen(table, column, row, readonly=True) as blob:
            blob.seek(start)
            data: bytes = blob.read(length)
            return data

    def file(self, table: str, column: str, row: int) -> BinaryIO:
        """Open a blob as a buffered file, which is never completely in memory."""
        raw = _Blob(self.db.blobopen(table, column, row, readonly=True))
        return io.BufferedReader(raw, _BUFFER_BYTES)

    def fill(self, table: str, column: str, row: int, parts: Iterable[bytes]) -> None:
        """
        Overwrite a blob with the concatenation of *parts*, which must have its size.

        A blob passed as a statement parameter would be copied, and kept in memory with the cached statement.
        """
        with self.db.blobopen(table, column, row) as blob:
            for part in parts:
                blob.write(part)

    def unique_milliseconds(self, now: float) -> int:
        """Return *now* in milliseconds, or the last number returned plus 1 if that is greater."""
        number = max(int(now * 1000), int(self._number("last_arn")) + 1)
        self.db.execute("UPDATE numbers SET value = ? WHERE name = 'last_arn'", (number,))
        return number

    def _number(self, name: str) -> Any:
        row = self.one("SELECT value FROM numbers WHERE name = ?", name)
        return row["value"] if row else 0

    def _prepare(self, path: str) -> None:
        """Create all tables in one transaction, so that a crash leaves an empty database."""
        self.db.execute("CREATE TEMPORARY TABLE chosen (seq INTEGER PRIMARY KEY)")
        if self._version(path) == _VERSION:
            return
        with self.transaction() as db:
            if self._version(path) == _VERSION:  # another process created them in the meantime
                return
            for statement in _SCHEMA.split(";"):
                db.execute(statement)
            db.execute("INSERT INTO numbers VALUES ('last_arn', 0)")
            db.execute("INSERT INTO numbers VALUES ('secret', ?)", (secrets.token_hex(32),))
            db.execute(f"PRAGMA user_version = {_VERSION}")

    def _version(self, path: str) -> int:
        version: int = self.db.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, _VERSION):
            raise sqlite3.DatabaseError(f"{path} was written by another version of the emulator")
        return version
