"""
Store the state of the emulator in one SQLite database, in memory or in a directory.

In a directory the state survives a crash of the process at any time: requests are answered only after their
transaction is committed.

A dataset points to its content, which entries and labels belong to. An import fills a content that no dataset
points to yet, in short transactions, and the last one moves the pointer: no reader waits, and none sees half.
"""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

from reconciler.emulator.http import bad_token

_VERSION: Final = 3

# What clients make. Contents and bodies are only dropped, and freed in slices.
_CLEARED: Final = (
    "documents",
    "operations",
    "datasets",
    "versions",
    "projects",
    "tags",
    "sessions",
    "objects",
    "buckets",
)

_SCHEMA: Final = """
CREATE TABLE numbers (name TEXT PRIMARY KEY, value ANY) STRICT;
CREATE TABLE documents (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE projects (
    id INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, region TEXT NOT NULL,
    name TEXT NOT NULL, arn TEXT NOT NULL UNIQUE, created REAL NOT NULL, status TEXT NOT NULL,
    feature TEXT NOT NULL, auto_update TEXT, due REAL
) STRICT;
CREATE INDEX projects_by_owner ON projects (account, region, name);
CREATE TABLE contents (id INTEGER PRIMARY KEY AUTOINCREMENT, state TEXT NOT NULL) STRICT;
CREATE INDEX contents_dropped ON contents (state) WHERE state = 'dropped';
CREATE TABLE datasets (
    id INTEGER PRIMARY KEY AUTOINCREMENT, project INTEGER NOT NULL REFERENCES projects,
    arn TEXT NOT NULL UNIQUE, type TEXT NOT NULL, created REAL NOT NULL, updated REAL NOT NULL,
    status TEXT NOT NULL, message TEXT NOT NULL, code TEXT NOT NULL, content INTEGER
) STRICT;
CREATE INDEX datasets_by_project ON datasets (project);
CREATE TABLE entries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, content INTEGER NOT NULL, source_ref TEXT NOT NULL,
    labeled INTEGER NOT NULL, errors INTEGER NOT NULL, line TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX entries_by_ref ON entries (content, source_ref);
CREATE INDEX entries_in_order ON entries (content);
CREATE INDEX entries_by_labeled ON entries (content, labeled);
CREATE INDEX entries_errored ON entries (content) WHERE errors = 1;
CREATE TABLE labels (
    id INTEGER PRIMARY KEY, content INTEGER NOT NULL, label TEXT NOT NULL,
    declared INTEGER NOT NULL DEFAULT 0, UNIQUE (content, label)
) STRICT;
CREATE TABLE entry_labels (
    label INTEGER NOT NULL, entry INTEGER NOT NULL, box INTEGER NOT NULL, PRIMARY KEY (label, entry)
) STRICT, WITHOUT ROWID;
CREATE INDEX labels_by_entry ON entry_labels (entry);
CREATE TABLE versions (
    id INTEGER PRIMARY KEY AUTOINCREMENT, project INTEGER NOT NULL REFERENCES projects, name TEXT NOT NULL,
    arn TEXT NOT NULL UNIQUE, created REAL NOT NULL, status TEXT NOT NULL, message TEXT NOT NULL, due REAL,
    ended REAL, train INTEGER, test INTEGER, size INTEGER NOT NULL, settings TEXT NOT NULL,
    result TEXT NOT NULL, UNIQUE (project, name)
) STRICT;
CREATE TABLE operations (
    id INTEGER PRIMARY KEY AUTOINCREMENT, dataset INTEGER NOT NULL UNIQUE, kind TEXT NOT NULL,
    due REAL NOT NULL, polls INTEGER NOT NULL, body INTEGER, size INTEGER NOT NULL, arguments TEXT NOT NULL
) STRICT;
CREATE TABLE tags (
    arn TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (arn, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE sessions (
    access_key TEXT PRIMARY KEY, account TEXT NOT NULL, arn TEXT NOT NULL, expires REAL NOT NULL
) STRICT;
CREATE TABLE buckets (
    name TEXT PRIMARY KEY, account TEXT NOT NULL, region TEXT NOT NULL, created REAL NOT NULL,
    versioning TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE TABLE objects (
    id INTEGER PRIMARY KEY AUTOINCREMENT, bucket TEXT NOT NULL, key TEXT NOT NULL, version TEXT NOT NULL,
    latest INTEGER NOT NULL, marker INTEGER NOT NULL, size INTEGER NOT NULL, etag TEXT NOT NULL,
    type TEXT NOT NULL, modified REAL NOT NULL, metadata TEXT NOT NULL, body INTEGER NOT NULL,
    UNIQUE (bucket, key, version)
) STRICT;
CREATE UNIQUE INDEX objects_latest ON objects (bucket, key) WHERE latest = 1;
CREATE INDEX objects_by_body ON objects (body);
CREATE TABLE bodies (id INTEGER PRIMARY KEY AUTOINCREMENT, state TEXT NOT NULL) STRICT;
CREATE INDEX bodies_dropped ON bodies (state) WHERE state = 'dropped';
CREATE TABLE pieces (
    body INTEGER NOT NULL, start INTEGER NOT NULL, size INTEGER NOT NULL, chunk INTEGER NOT NULL,
    PRIMARY KEY (body, start)
) STRICT, WITHOUT ROWID;
CREATE INDEX pieces_by_chunk ON pieces (chunk);
CREATE TABLE chunks (id INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;
"""


class Store:
    """
    The database.

    Attributes:
        turn: Held by the thread that uses the database. A transaction takes it.
    """

    def __init__(self, directory: Path | None) -> None:
        """
        Open the database in *directory*, which is created if necessary; None keeps it in memory.

        Raises:
            OSError, sqlite3.Error: It cannot be opened, or has another schema version.
        """
        self.turn = threading.RLock()
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
        self._secret = bytes.fromhex(str(self._number("secret")))

    def close(self) -> None:
        self.db.close()

    def token_of(self, listing: Any, place: int) -> str:
        """Return a page token for *place* in *listing*, whose repr must include the filters; signed with both."""
        return f"{place:x}.{self._signature(listing, place)}"

    def place_of(self, listing: Any, token: str | None) -> int:
        """
        Return the position where a page starts; an empty token means the start, as AWS's samples expect.

        Raises:
            ServiceError: The token is invalid, or belongs to another listing.
        """
        if not token:
            return 0
        digits, _, signature = token.partition(".")
        try:
            place = int(digits, 16)
        except ValueError as exc:
            raise bad_token() from exc
        if signature != self._signature(listing, place):
            raise bad_token()
        return place

    def _signature(self, listing: Any, place: int) -> str:
        text = f"{listing!r}#{place}".encode(errors="surrogatepass")
        return blake2b(text, key=self._secret, digest_size=24).hexdigest()

    def drop_leftovers(self) -> None:
        """
        Drop what a process that died was building.

        If it is alive, it builds it again: dropped contents and bodies cannot be adopted.
        """
        with self.transaction() as db:
            for table in ("contents", "bodies"):
                db.execute(f"UPDATE {table} SET state = 'dropped' WHERE state = 'staged'")  # noqa: S608

    def has_dropped(self) -> bool:
        """Return whether there is space to free."""
        dropped = "SELECT 1 FROM {} WHERE state = 'dropped'"
        return (
            self.one(f"{dropped.format('contents')} UNION ALL {dropped.format('bodies')} LIMIT 1") is not None
        )

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """
        Commit the changes made inside, or roll them back on an exception. If nested, the outermost decides.

        Other threads wait, so that tests may edit while requests are answered.
        """
        with self.turn:
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

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Show the reads made inside one state of the data, whatever other processes write meanwhile."""
        with self.turn:
            if self.db.in_transaction:
                yield
                return
            self.db.execute("BEGIN")
            try:
                yield
            finally:
                self.db.execute("COMMIT")

    def one(self, sql: str, *values: Any) -> sqlite3.Row | None:
        with self.turn:
            row: sqlite3.Row | None = self.db.execute(sql, values).fetchone()
            return row

    def all(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        with self.turn:
            return self.db.execute(sql, values).fetchall()

    def document(self, name: str) -> Any:
        """Return the JSON value that was kept under *name*; None if there is none."""
        row = self.one("SELECT value FROM documents WHERE name = ?", name)
        return None if row is None else json.loads(row["value"])

    def keep(self, name: str, value: Any) -> None:
        with self.transaction() as db:
            db.execute("INSERT OR REPLACE INTO documents VALUES (?, ?)", (name, json.dumps(value)))

    def clear(self) -> None:
        """Forget all that clients have made. Numbers go on, so that no ARN is given twice."""
        with self.transaction() as db:
            for table in _CLEARED:
                db.execute(f"DELETE FROM {table}")  # noqa: S608
            db.execute("UPDATE contents SET state = 'dropped'")
            db.execute("UPDATE bodies SET state = 'dropped'")

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
            raise sqlite3.DatabaseError(f"{path} was written by another version of the emulator; remove it")
        return version
