"""
The tables of the database.

A dataset points to its content, which entries and labels belong to. An import fills a content that no dataset
points to yet, in short transactions, and the last one moves the pointer: no reader waits, and none sees half.
"""

from __future__ import annotations

from typing import Final

VERSION: Final = 3

# What clients make. Contents and bodies are only dropped, and freed in slices.
CLEARED: Final = (
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

SCHEMA: Final = """
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
