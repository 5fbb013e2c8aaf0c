"""The tables of the state file, version by version, and the checksums of their rows."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Mapping
from typing import Final

from reconciler.state.applied import Packer, block_of

# The columns that each row's checksum covers. SQLite detects damage to its own structure, not to what is stored.
CHECKED: Final[Mapping[str, str]] = {
    "applied_to": "dataset, arn",
    "applied_block": "dataset, number, body",
    "status": "dataset, body",
    "journal": "dataset, arn, begun_at, source_refs, standing, result",
    "held": "dataset, source_ref, digest, kind, reason, rounds, since, until",
    "look": "dataset, arn, desired, standing, scanned_at, body",
    "sighted": "dataset, source_ref, since, last, times, gone",
    "rebuild": "dataset, step, body",
    "observed": "dataset, serial, arn, scope, description, scanned_at, are_applied, desired",
    "observed_block": "dataset, first, body",
    "suspended": "dataset, reason, since, until",
    "notified": "name, body",
    "foreign_call": "dataset, id, at, settled_at, body",
    "own_request": "id, arn, at",
}

# Tables of which a damaged row is left out when it is read, since it only costs a request. To check them whenever
# the file is opened would cost every command time.
CHECKED_WHEN_READ: Final[Mapping[str, str]] = {
    "image": "dataset, source_ref, etag, size_bytes, form, width, height, orientation",
    "image_hash": "etag, size_bytes, hash",
}

# One script per version; an older file runs those it lacks. Never edit a released one.
MIGRATIONS: Final = (
    """
CREATE TABLE applied_to (
    dataset TEXT PRIMARY KEY,
    arn     TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE applied (
    dataset    TEXT NOT NULL,
    source_ref TEXT NOT NULL,
    desired    BLOB NOT NULL,
    observed   BLOB NOT NULL,
    PRIMARY KEY (dataset, source_ref)
) STRICT, WITHOUT ROWID;
CREATE TABLE status (
    dataset TEXT PRIMARY KEY,
    body    TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE journal (
    id          INTEGER PRIMARY KEY,
    dataset     TEXT NOT NULL,
    arn         TEXT NOT NULL,
    begun_at    REAL NOT NULL,
    source_refs BLOB NOT NULL,
    result      TEXT
) STRICT;
CREATE INDEX journal_open ON journal (dataset) WHERE result IS NULL;
CREATE TABLE held (
    dataset    TEXT NOT NULL,
    source_ref TEXT NOT NULL,
    digest     BLOB NOT NULL,
    kind       TEXT NOT NULL,
    reason     TEXT NOT NULL,
    rounds     INTEGER NOT NULL,
    since      REAL NOT NULL,
    until      REAL NOT NULL,
    PRIMARY KEY (dataset, source_ref)
) STRICT, WITHOUT ROWID;
""",
    """
CREATE TABLE look (
    dataset    TEXT PRIMARY KEY,
    arn        TEXT NOT NULL,
    desired    BLOB NOT NULL,
    standing   TEXT NOT NULL,
    scanned_at REAL NOT NULL,
    body       TEXT NOT NULL
) STRICT, WITHOUT ROWID;
""",
    """
CREATE TABLE sighted (
    dataset    TEXT NOT NULL,
    source_ref TEXT NOT NULL,
    since      REAL NOT NULL,
    last       REAL NOT NULL,
    times      INTEGER NOT NULL,
    gone       INTEGER NOT NULL,
    PRIMARY KEY (dataset, source_ref)
) STRICT, WITHOUT ROWID;
""",
    """
CREATE TABLE rebuild (
    dataset TEXT PRIMARY KEY,
    step    TEXT NOT NULL,
    body    TEXT NOT NULL
) STRICT, WITHOUT ROWID;
""",
    """
ALTER TABLE journal ADD COLUMN standing TEXT NOT NULL DEFAULT ''
""",
    """
ALTER TABLE applied_to ADD COLUMN checksum INTEGER;
ALTER TABLE applied ADD COLUMN checksum INTEGER;
ALTER TABLE status ADD COLUMN checksum INTEGER;
ALTER TABLE journal ADD COLUMN checksum INTEGER;
ALTER TABLE held ADD COLUMN checksum INTEGER;
ALTER TABLE look ADD COLUMN checksum INTEGER;
ALTER TABLE sighted ADD COLUMN checksum INTEGER;
ALTER TABLE rebuild ADD COLUMN checksum INTEGER;
UPDATE applied_to SET checksum = row_checksum(dataset, arn);
UPDATE applied SET checksum = row_checksum(dataset, source_ref, desired, observed);
UPDATE status SET checksum = row_checksum(dataset, body);
UPDATE journal SET checksum = row_checksum(dataset, arn, begun_at, source_refs, standing, result);
UPDATE held SET checksum = row_checksum(dataset, source_ref, digest, kind, reason, rounds, since, until);
UPDATE look SET checksum = row_checksum(dataset, arn, desired, standing, scanned_at, body);
UPDATE sighted SET checksum = row_checksum(dataset, source_ref, since, last, times, gone);
UPDATE rebuild SET checksum = row_checksum(dataset, step, body)
""",
    """
CREATE TABLE observed (
    dataset     TEXT PRIMARY KEY,
    serial      INTEGER NOT NULL,
    arn         TEXT NOT NULL,
    scope       BLOB NOT NULL,
    description TEXT NOT NULL,
    scanned_at  REAL NOT NULL,
    are_applied INTEGER NOT NULL,
    checksum    INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE observed_block (
    dataset TEXT NOT NULL,
    first   TEXT NOT NULL,
    body    BLOB NOT NULL,
    checksum INTEGER,
    PRIMARY KEY (dataset, first)
) STRICT;
""",
    """
CREATE TABLE suspended (
    dataset  TEXT PRIMARY KEY,
    reason   TEXT NOT NULL,
    since    REAL NOT NULL,
    until    REAL,
    checksum INTEGER
) STRICT, WITHOUT ROWID;
""",
    """
CREATE TABLE image (
    dataset     TEXT NOT NULL,
    source_ref  TEXT NOT NULL,
    etag        TEXT NOT NULL,
    size_bytes  INTEGER NOT NULL,
    form        TEXT NOT NULL,
    width       INTEGER NOT NULL,
    height      INTEGER NOT NULL,
    orientation INTEGER NOT NULL,
    checksum    INTEGER,
    PRIMARY KEY (dataset, source_ref)
) STRICT, WITHOUT ROWID;
""",
    """
ALTER TABLE observed ADD COLUMN desired BLOB NOT NULL DEFAULT x'';
UPDATE observed SET checksum =
    row_checksum(dataset, serial, arn, scope, description, scanned_at, are_applied, desired)
""",
    """
CREATE TABLE notified (
    name     TEXT PRIMARY KEY,
    body     TEXT NOT NULL,
    checksum INTEGER
) STRICT, WITHOUT ROWID;
""",
    """
CREATE TABLE foreign_call (
    dataset    TEXT NOT NULL,
    id         TEXT NOT NULL,
    at         REAL NOT NULL,
    settled_at REAL,
    body       TEXT NOT NULL,
    checksum   INTEGER,
    PRIMARY KEY (dataset, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE own_request (
    id       TEXT PRIMARY KEY,
    arn      TEXT NOT NULL,
    at       REAL NOT NULL,
    checksum INTEGER
) STRICT, WITHOUT ROWID;
""",
    """
CREATE TABLE image_hash (
    etag       TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    hash       BLOB NOT NULL,
    checksum   INTEGER,
    PRIMARY KEY (etag, size_bytes)
) STRICT, WITHOUT ROWID;
""",
    """
CREATE TABLE applied_block (
    dataset  TEXT NOT NULL,
    number   INTEGER NOT NULL,
    body     BLOB NOT NULL,
    checksum INTEGER,
    PRIMARY KEY (dataset, number)
) STRICT;
INSERT INTO applied_block (dataset, number, body)
    SELECT dataset, block_of(source_ref), packed(
        source_ref, desired, observed, checksum <> row_checksum(dataset, source_ref, desired, observed)
    ) FROM applied GROUP BY 1, 2;
UPDATE applied_block SET checksum = row_checksum(dataset, number, body);
DROP TABLE applied
""",
)

NEWEST: Final = len(MIGRATIONS)


def define_functions(connection: sqlite3.Connection) -> None:
    """Define `row_checksum`, which insertions and the search for damage call, and what migrations call."""
    connection.create_function("row_checksum", -1, _checksum, deterministic=True)
    connection.create_function("block_of", 1, block_of, deterministic=True)
    connection.create_aggregate("packed", 4, Packer)  # type: ignore[arg-type]  # the arguments of step vary


def migrate(connection: sqlite3.Connection, found: int) -> None:
    """Run the scripts that a file of the version *found* lacks, each in a transaction of its own."""
    if found != noted_version(connection):
        connection.execute(f"PRAGMA user_version = {found}")
    for version, script in enumerate(MIGRATIONS[found:], start=found + 1):
        connection.execute("BEGIN IMMEDIATE")
        with connection:
            if noted_version(connection) < version:  # else another process has migrated it meanwhile
                for statement in script.split(";"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {version}")


def noted_version(connection: sqlite3.Connection) -> int:
    """Return the version in the header of a file."""
    found: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return found


def insertion(table: str) -> str:
    """Return the statement that inserts or replaces one row; its parameters are its checked columns."""
    columns = CHECKED.get(table) or CHECKED_WHEN_READ[table]
    marks = ", ".join(f"?{number}" for number in range(1, columns.count(",") + 2))
    values = f"VALUES ({marks}, row_checksum({marks}))"
    return f"INSERT OR REPLACE INTO {table} ({columns}, checksum) {values}"


def _checksum(*values: str | bytes | float | None) -> int:
    # Called for every row of the tables above, each time the file is opened: one call of crc32 for all values.
    texts = [
        value if type(value) is bytes else value.encode() if type(value) is str else _other(value)
        for value in values
    ]
    return zlib.crc32(b"".join(texts))


def _other(value: str | bytes | float | None) -> bytes:
    return b"\0" if value is None else repr(float(value)).encode()  # a column of real numbers stores 1 as 1.0
