"""S3 objects in the database, with their versions."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import md5
from types import MappingProxyType
from uuid import uuid4

from reconciler.emulator.storage import bodies
from reconciler.emulator.storage.store import Store

# The version of an object that was written while its bucket had no versioning.
NULL = "null"

_COLUMNS = "id, key, version, latest, marker, size, etag, type, modified, metadata, body"


@dataclass(frozen=True, slots=True)
class Listing:
    """
    One page of keys.

    Attributes:
        prefixes: Common prefixes, into which keys with the delimiter are grouped.
        more: Whether more keys follow.
        last: The last key or prefix of this page.
    """

    objects: tuple[sqlite3.Row, ...]
    prefixes: tuple[str, ...]
    more: bool
    last: str


@dataclass(frozen=True, slots=True)
class Content:
    """
    What an object holds.

    Attributes:
        body: Number of its body, see `bodies`.
        etag: Without quotes.
        type: The content type.
    """

    body: int
    size: int
    etag: str
    type: str = ""
    metadata: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def content(store: Store, data: bytes, kind: str = "", metadata: Mapping[str, str] | None = None) -> Content:
    """Store *data* in short transactions, and describe it, for `put`."""
    etag = md5(data, usedforsecurity=False).hexdigest()
    return Content(bodies.write(store, data), len(data), etag, kind, metadata or {})


def joined(db: sqlite3.Connection, parts: Sequence[sqlite3.Row], whole: sqlite3.Row) -> Content:
    """Return the concatenation of *parts*, without copying them, with the type and metadata of *whole*."""
    sums = b"".join(bytes.fromhex(part["etag"]) for part in parts)
    etag = f"{md5(sums, usedforsecurity=False).hexdigest()}-{len(parts)}"
    body = bodies.join(db, [(part["body"], part["size"]) for part in parts])
    size = sum(part["size"] for part in parts)
    return Content(body, size, etag, whole["type"], json.loads(whole["metadata"]))


def owns(store: Store, owner: tuple[str, str], bucket: str) -> bool:
    """Return whether a bucket is of this account and Region."""
    sql = "SELECT 1 FROM buckets WHERE name = ? AND account = ? AND region = ?"
    return store.one(sql, bucket, *owner) is not None


def manifest(
    store: Store, owner: tuple[str, str], bucket: str, key: str, version: str | None = None
) -> Content | None:
    """Return an object in a bucket of this account and Region; None if it does not exist."""
    row = find(store, bucket, key, version) if owns(store, owner, bucket) else None
    if row is None or row["marker"]:
        return None
    return Content(row["body"], row["size"], row["etag"])


def find(store: Store, bucket: str, key: str, version: str | None = None) -> sqlite3.Row | None:
    """Return a version of an object, by default the latest; None if it does not exist or was deleted."""
    if version is not None:
        sql = f"SELECT {_COLUMNS} FROM objects WHERE bucket = ? AND key = ? AND version = ?"  # noqa: S608
        return store.one(sql, bucket, key, version)
    sql = f"SELECT {_COLUMNS} FROM objects WHERE bucket = ? AND key = ? AND latest = 1 AND marker = 0"  # noqa: S608
    return store.one(sql, bucket, key)


def body(store: Store, row: sqlite3.Row) -> bytes:
    return bodies.read(store, row["body"], 0, row["size"])


def put(db: sqlite3.Connection, bucket: str, key: str, new: Content, now: float) -> str:
    """Write an object and return its version, which is `NULL` if the bucket keeps none."""
    version = _next_version(db, bucket)
    if version == NULL:
        remove(db, bucket, key, NULL)
    _add_latest(db, bucket, key, version, now, new)
    bodies.adopt(db, new.body)
    return version


def delete(db: sqlite3.Connection, bucket: str, key: str, now: float) -> str | None:
    """Delete an object. In a bucket with versions, hide it behind a marker and return the marker's version."""
    row = db.execute("SELECT versioning FROM buckets WHERE name = ?", (bucket,)).fetchone()
    if row is None or not row["versioning"]:
        remove(db, bucket, key, NULL)
        return None
    version = _next_version(db, bucket)
    if version == NULL:
        remove(db, bucket, key, NULL)
    _add_latest(db, bucket, key, version, now, None)
    return version


def _add_latest(
    db: sqlite3.Connection, bucket: str, key: str, version: str, now: float, new: Content | None
) -> None:
    """Add a version, which becomes the latest; without content it is a marker of a deletion."""
    content: tuple[int, str, str, str, int] = (0, "", "", "{}", 0)
    if new is not None:
        content = (new.size, new.etag, new.type, json.dumps(dict(new.metadata)), new.body)
    db.execute("UPDATE objects SET latest = 0 WHERE bucket = ? AND key = ? AND latest = 1", (bucket, key))
    db.execute(
        "INSERT INTO objects (bucket, key, version, latest, marker, modified, size, etag, type, metadata, body)"
        " VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?)",
        (bucket, key, version, int(new is None), now, *content),
    )


def remove(db: sqlite3.Connection, bucket: str, key: str, version: str) -> sqlite3.Row | None:
    """Delete one version for good, and return its row. The one before becomes the latest."""
    row: sqlite3.Row | None = db.execute(
        "DELETE FROM objects WHERE bucket = ? AND key = ? AND version = ? RETURNING body, marker, latest",
        (bucket, key, version),
    ).fetchone()
    if row is None:
        return None
    bodies.release(db, row["body"])
    if row["latest"]:
        db.execute(
            "UPDATE objects SET latest = 1 WHERE id ="
            " (SELECT max(id) FROM objects WHERE bucket = ? AND key = ?)",
            (bucket, key),
        )
    return row


def forget(db: sqlite3.Connection, bucket: str) -> None:
    for row in db.execute("DELETE FROM objects WHERE bucket = ? RETURNING body", (bucket,)).fetchall():
        bodies.release(db, row["body"])


def page(store: Store, bucket: str, prefix: str, delimiter: str, after: str, size: int) -> Listing:
    """List up to *size* keys and common prefixes after *after*, in UTF-8 order."""
    objects: list[sqlite3.Row] = []
    prefixes: list[str] = []
    last = after
    while len(objects) + len(prefixes) < size:
        row = _next(store, bucket, prefix, last)
        if row is None:
            return Listing(tuple(objects), tuple(prefixes), more=False, last=last)
        rest = row["key"][len(prefix) :]
        if delimiter and delimiter in rest:
            rolled = prefix + rest[: rest.index(delimiter) + len(delimiter)]
            if rolled != after:
                prefixes.append(rolled)
            last = rolled + "\U0010ffff"
        else:
            objects.append(row)
            last = row["key"]
    more = size > 0 and _next(store, bucket, prefix, last) is not None
    return Listing(tuple(objects), tuple(prefixes), more, last)


def versions(store: Store, bucket: str, prefix: str) -> list[sqlite3.Row]:
    """Return all versions of the objects whose key starts with *prefix*, by key, the latest first."""
    sql = f"SELECT {_COLUMNS} FROM objects WHERE bucket = ? AND substr(key, 1, ?) = ? ORDER BY key, id DESC"  # noqa: S608
    return store.all(sql, bucket, len(prefix), prefix)


def _next(store: Store, bucket: str, prefix: str, after: str) -> sqlite3.Row | None:
    return store.one(
        "SELECT key, size, etag, modified FROM objects"
        " WHERE bucket = ? AND latest = 1 AND marker = 0 AND key > ? AND key >= ?"
        " AND substr(key, 1, ?) = ? ORDER BY key LIMIT 1",
        bucket,
        after,
        prefix,
        len(prefix),
        prefix,
    )


def _next_version(db: sqlite3.Connection, bucket: str) -> str:
    row = db.execute("SELECT versioning FROM buckets WHERE name = ?", (bucket,)).fetchone()
    return uuid4().hex if row is not None and row["versioning"] == "Enabled" else NULL
