"""Queues and their messages: each message is shown to one receiver at a time, until it is deleted."""

from __future__ import annotations

import secrets
from hashlib import md5
from typing import Final, NamedTuple
from uuid import uuid4

from reconciler.emulator.storage.store import Store

# Beside the numbered schema, so that data of an emulator without queues stays usable.
TABLES: Final = (
    """
CREATE TABLE IF NOT EXISTS queues (
    id INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, region TEXT NOT NULL, name TEXT NOT NULL,
    visibility REAL NOT NULL, retention REAL NOT NULL, UNIQUE (account, region, name)
) STRICT
""",
    """
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, queue INTEGER NOT NULL REFERENCES queues, name TEXT NOT NULL,
    body TEXT NOT NULL, sent REAL NOT NULL, visible REAL NOT NULL, first REAL, receives INTEGER NOT NULL,
    receipt TEXT
) STRICT
""",
    "CREATE INDEX IF NOT EXISTS messages_by_queue ON messages (queue, visible)",
)

VISIBILITY_SECONDS: Final = 30.0
RETENTION_SECONDS: Final = 345_600.0
"""The defaults of SQS: half a minute, and four days."""


class Queue(NamedTuple):
    """
    One queue.

    Attributes:
        visibility: Seconds for which a received message is hidden.
        retention: Seconds after which a message is dropped.
    """

    id: int
    account: str
    region: str
    name: str
    visibility: float
    retention: float


class Received(NamedTuple):
    """A message as a receiver gets it; times in seconds since the epoch."""

    name: str
    receipt: str
    body: str
    sent: float
    first: float
    receives: int

    @property
    def digest(self) -> str:
        """Return the MD5 of the body in hexadecimal."""
        return digest_of(self.body)


def digest_of(body: str) -> str:
    return md5(body.encode(), usedforsecurity=False).hexdigest()


def create_tables(store: Store) -> None:
    with store.transaction() as db:
        for statement in TABLES:
            db.execute(statement)


def clear(store: Store) -> None:
    with store.transaction() as db:
        db.execute("DELETE FROM messages")
        db.execute("DELETE FROM queues")


def create(store: Store, owner: tuple[str, str], name: str, visibility: float, retention: float) -> None:
    """Create a queue; one that exists keeps its messages."""
    with store.transaction() as db:
        db.execute(
            "INSERT INTO queues (account, region, name, visibility, retention) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET visibility = excluded.visibility, retention = excluded.retention",
            (*owner, name, visibility, retention),
        )


def delete(store: Store, queue: Queue) -> None:
    with store.transaction() as db:
        db.execute("DELETE FROM messages WHERE queue = ?", (queue.id,))
        db.execute("DELETE FROM queues WHERE id = ?", (queue.id,))


def find(store: Store, owner: tuple[str, str], name: str) -> Queue | None:
    row = store.one("SELECT * FROM queues WHERE account = ? AND region = ? AND name = ?", *owner, name)
    return None if row is None else Queue(*row)


def of_owner(store: Store, owner: tuple[str, str]) -> list[Queue]:
    rows = store.all("SELECT * FROM queues WHERE account = ? AND region = ? ORDER BY id", *owner)
    return [Queue(*row) for row in rows]


def send(store: Store, queue: Queue, body: str, now: float, visible: float) -> str:
    """Store a message that is hidden until *visible*, and return its id."""
    name = str(uuid4())
    with store.transaction() as db:
        db.execute(
            "INSERT INTO messages (queue, name, body, sent, visible, receives) VALUES (?, ?, ?, ?, ?, 0)",
            (queue.id, name, body, now, visible),
        )
    return name


def receive(store: Store, queue: Queue, most: int, visibility: float, now: float) -> list[Received]:
    """Return at most *most* visible messages, oldest first, and hide them for *visibility* seconds."""
    with store.transaction() as db:
        db.execute("DELETE FROM messages WHERE queue = ? AND sent < ?", (queue.id, now - queue.retention))
        rows = db.execute(
            "SELECT id FROM messages WHERE queue = ? AND visible <= ? ORDER BY id LIMIT ?",
            (queue.id, now, most),
        ).fetchall()
        return [_shown(store, row["id"], visibility, now) for row in rows]


def _shown(store: Store, number: int, visibility: float, now: float) -> Received:
    receipt = secrets.token_urlsafe(48)
    store.db.execute(
        "UPDATE messages SET visible = ?, receives = receives + 1, first = coalesce(first, ?), receipt = ?"
        " WHERE id = ?",
        (now + visibility, now, receipt, number),
    )
    row = store.one("SELECT name, receipt, body, sent, first, receives FROM messages WHERE id = ?", number)
    assert row is not None  # noqa: S101  of this transaction
    return Received(*row)


def hide(store: Store, queue: Queue, receipt: str, until: float) -> bool:
    """Hide a received message until then; return whether there is one of this receipt."""
    with store.transaction() as db:
        done = db.execute(
            "UPDATE messages SET visible = ? WHERE queue = ? AND receipt = ?", (until, queue.id, receipt)
        )
        return done.rowcount > 0


def remove(store: Store, queue: Queue, receipt: str) -> None:
    """Delete a received message; one that is gone already is no error, as in SQS."""
    with store.transaction() as db:
        db.execute("DELETE FROM messages WHERE queue = ? AND receipt = ?", (queue.id, receipt))
