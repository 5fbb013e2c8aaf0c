"""The tables of the state file, version by version."""

from __future__ import annotations

from typing import Final

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
)

NEWEST: Final = len(MIGRATIONS)
