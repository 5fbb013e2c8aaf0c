"""S3 objects in the database."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import md5

from reconciler.emulator.storage.store import Store


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


def read(store: Store, account: str, region: str, bucket: str, key: str) -> bytes | None:
    """Return the body of an object in a bucket of this account and Region; None if it does not exist."""
    row = store.one(
        "SELECT o.id, o.size FROM objects o JOIN buckets b ON b.name = o.bucket"
        " WHERE b.name = ? AND b.account = ? AND b.region = ? AND o.key = ?",
        bucket,
        account,
        region,
        key,
    )
    return None if row is None else body(store, row["id"], 0, row["size"])


def find(store: Store, bucket: str, key: str) -> sqlite3.Row | None:
    """Return the row of an object without its body; None if it does not exist."""
    return store.one(
        "SELECT id, key, size, etag, type, modified, metadata FROM objects WHERE bucket = ? AND key = ?",
        bucket,
        key,
    )


def body(store: Store, number: int, start: int, length: int) -> bytes:
    """Return part of an object's body without reading the rest."""
    return store.blob("objects", "body", number, start, length)


def put(
    store: Store, bucket: str, key: str, data: bytes, kind: str, metadata: Mapping[str, str], now: float
) -> str:
    """Write an object and return its ETag, without quotes."""
    etag = md5(data, usedforsecurity=False).hexdigest()
    _write(store, [data], (bucket, key, len(data), etag, kind, now, json.dumps(dict(metadata))))
    return etag


def join(
    store: Store,
    parts: Sequence[sqlite3.Row],
    bucket: str,
    key: str,
    kind: str,
    metadata: Mapping[str, str],
    now: float,
) -> str:
    """Write the concatenation of *parts*, loading one at a time; return its ETag, without quotes."""
    sums = b"".join(bytes.fromhex(part["etag"]) for part in parts)
    etag = f"{md5(sums, usedforsecurity=False).hexdigest()}-{len(parts)}"
    size = sum(part["size"] for part in parts)
    bodies = (body(store, part["id"], 0, part["size"]) for part in parts)
    _write(store, bodies, (bucket, key, size, etag, kind, now, json.dumps(dict(metadata))))
    return etag


def _write(store: Store, bodies: Iterable[bytes], row: tuple[str, str, int, str, str, float, str]) -> None:
    """Write a row whose body is the concatenation of *bodies*."""
    size = row[2]
    with store.transaction() as db:
        (number,) = db.execute(
            "INSERT OR REPLACE INTO objects (bucket, key, size, etag, type, modified, metadata, body)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, zeroblob(?)) RETURNING id",
            (*row, size),
        ).fetchone()
        store.fill("objects", "body", number, bodies)


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


def _next(store: Store, bucket: str, prefix: str, after: str) -> sqlite3.Row | None:
    return store.one(
        "SELECT key, size, etag, modified FROM objects"
        " WHERE bucket = ? AND key > ? AND key >= ? AND substr(key, 1, ?) = ? ORDER BY key LIMIT 1",
        bucket,
        after,
        prefix,
        len(prefix),
        prefix,
    )
