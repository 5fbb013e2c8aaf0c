"""
Bodies of objects and updates, stored in chunks of 1 MiB.

A body is written in short transactions, one for each chunk, and belongs to nothing until an object or an
operation names it. Chunks never change, so that a copy, or an upload in parts, only refers to them.
"""

from __future__ import annotations

import io
import sqlite3
from typing import Any, BinaryIO, Final

from reconciler.emulator.storage.store import Store

CHUNK_BYTES: Final = 1024 * 1024


def write(store: Store, data: bytes) -> int:
    """Store *data* and return its number, for `adopt`."""
    with store.transaction() as db:
        body = _new(db)
    view = memoryview(data)
    for start in range(0, len(view), CHUNK_BYTES):
        with store.transaction() as db:
            part = view[start : start + CHUNK_BYTES]
            (chunk,) = db.execute("INSERT INTO chunks (data) VALUES (?) RETURNING id", (part,)).fetchone()
            db.execute("INSERT INTO pieces VALUES (?, ?, ?, ?)", (body, start, len(part), chunk))
    return body


def join(db: sqlite3.Connection, parts: list[tuple[int, int]]) -> int:
    """Return the number of a new body that consists of *parts*: number and size of each, in order."""
    body, start = _new(db), 0
    for part, size in parts:
        db.execute(
            "INSERT INTO pieces SELECT ?, start + ?, size, chunk FROM pieces WHERE body = ?",
            (body, start, part),
        )
        start += size
    return body


def adopt(db: sqlite3.Connection, body: int) -> None:
    """
    Keep a body from now on, since something refers to it.

    Raises:
        sqlite3.IntegrityError: Another process that was starting took it for a leftover.
    """
    if db.execute("UPDATE bodies SET state = 'live' WHERE id = ? AND state != 'dropped'", (body,)).rowcount:
        return
    raise sqlite3.IntegrityError("the body was dropped before it was complete")


def release(db: sqlite3.Connection, body: int | None) -> None:
    """Drop a body if neither an object nor an operation refers to it. `sweep` frees its space."""
    db.execute(
        "UPDATE bodies SET state = 'dropped' WHERE id = ?1"
        " AND NOT EXISTS (SELECT 1 FROM objects WHERE body = ?1)"
        " AND NOT EXISTS (SELECT 1 FROM operations WHERE body = ?1)",
        (body,),
    )


def read(store: Store, body: int, start: int, length: int) -> bytes:
    """Return a part of a body without reading the rest."""
    found = bytearray()
    rows = store.all(
        "SELECT p.start, c.data FROM pieces p JOIN chunks c ON c.id = p.chunk"
        " WHERE p.body = ? AND p.start < ? AND p.start + p.size > ? ORDER BY p.start",
        body,
        start + length,
        start,
    )
    for row in rows:
        found += row["data"][max(0, start - row["start"]) : start + length - row["start"]]
    return bytes(found)


def open_body(store: Store, body: int) -> BinaryIO:
    """Open a body as a buffered file, which is never completely in memory."""
    return io.BufferedReader(_Body(store, body), CHUNK_BYTES)


def sweep(store: Store) -> bool:
    """Free one chunk of a dropped body; return whether there was one."""
    with store.transaction() as db:
        row = db.execute("SELECT id FROM bodies WHERE state = 'dropped' LIMIT 1").fetchone()
        if row is None:
            return False
        piece = db.execute("SELECT start, chunk FROM pieces WHERE body = ? LIMIT 1", (row["id"],)).fetchone()
        if piece is None:
            db.execute("DELETE FROM bodies WHERE id = ?", (row["id"],))
            return True
        db.execute("DELETE FROM pieces WHERE body = ? AND start = ?", (row["id"], piece["start"]))
        db.execute(
            "DELETE FROM chunks WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM pieces WHERE chunk = ?1)",
            (piece["chunk"],),
        )
    return True


class _Body(io.RawIOBase):
    """A body as a raw stream that reads one piece at a time."""

    def __init__(self, store: Store, body: int) -> None:
        self._store, self._body, self._place = store, body, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        row = self._store.one(
            "SELECT p.start, c.data FROM pieces p JOIN chunks c ON c.id = p.chunk"
            " WHERE p.body = ? AND p.start <= ? ORDER BY p.start DESC LIMIT 1",
            self._body,
            self._place,
        )
        part = b"" if row is None else memoryview(row["data"])[self._place - row["start"] :][: len(buffer)]
        buffer[: len(part)] = part
        self._place += len(part)
        return len(part)

    def seek(self, place: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_SET:
            self._place = place
        elif whence == io.SEEK_CUR:
            self._place += place
        else:
            raise io.UnsupportedOperation("the size is not known")
        return self._place


def _new(db: sqlite3.Connection) -> int:
    (body,) = db.execute("INSERT INTO bodies (state) VALUES ('staged') RETURNING id").fetchone()
    return int(body)
