"""Contents: the entries and labels that a dataset points to, built and freed in short transactions."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Final

from reconciler.emulator.behaviour.judge import Entry
from reconciler.emulator.storage import entries
from reconciler.emulator.storage.store import Store

# What one short transaction takes, some 2 ms: this many entries, or fewer if they are long.
SLICE: Final = 25
_SLICE_CHARS: Final = 64 * 1024


class DroppedError(Exception):
    """Another process that was starting took a content for a leftover."""


def stage(store: Store) -> int:
    """Make an empty content that no dataset points to."""
    with store.transaction() as db:
        return new(db, "staged")


def new(db: sqlite3.Connection, state: str = "live") -> int:
    (content,) = db.execute("INSERT INTO contents (state) VALUES (?) RETURNING id", (state,)).fetchone()
    return int(content)


def fill(store: Store, content: int, found: Iterable[Entry]) -> Iterator[None]:
    """
    Add entries to a staged content, slice by slice.

    Raises:
        DroppedError
    """
    for part in _slices(found):
        with store.transaction() as db:
            _require_staged(db, content)
            entries.put_into(db, content, part)
        yield


def _slices(found: Iterable[Entry]) -> Iterator[list[Entry]]:
    part: list[Entry] = []
    size = 0
    for entry in found:
        part.append(entry)
        size += len(entry.line)
        if len(part) == SLICE or size > _SLICE_CHARS:
            yield part
            part, size = [], 0
    if part:
        yield part


def copy(store: Store, source: int, content: int) -> Iterator[None]:
    """Add all entries of another content to a staged one, slice by slice; raises as `fill` does."""
    last = 0
    while True:
        with store.transaction() as db:
            _require_staged(db, content)
            db.execute("DELETE FROM chosen")
            db.execute(
                "INSERT INTO chosen SELECT seq FROM entries INDEXED BY entries_in_order"
                " WHERE content = ? AND seq > ? ORDER BY seq LIMIT ?",
                (source, last, SLICE),
            )
            (end,) = db.execute("SELECT max(seq) FROM chosen").fetchone()
            entries.copy_chosen(db, source, content)
        yield
        if end is None:
            return
        last = end


def adopt(db: sqlite3.Connection, dataset: int, content: int) -> None:
    """Let a dataset point to a staged content, and drop the content that it had; raises as `fill` does."""
    _require_staged(db, content)
    drop(db, dataset)
    db.execute("UPDATE contents SET state = 'live' WHERE id = ?", (content,))
    db.execute("UPDATE datasets SET content = ? WHERE id = ?", (content, dataset))


def drop(db: sqlite3.Connection, dataset: int) -> None:
    """Drop the content of a dataset. `sweep` frees its space."""
    db.execute(
        "UPDATE contents SET state = 'dropped' WHERE id = (SELECT content FROM datasets WHERE id = ?)",
        (dataset,),
    )


def discard(store: Store, content: int) -> None:
    """Drop a staged content."""
    with store.transaction() as db:
        db.execute("UPDATE contents SET state = 'dropped' WHERE id = ? AND state = 'staged'", (content,))


def sweep(store: Store) -> bool:
    """Free a slice of a dropped content; return whether there was one."""
    with store.transaction() as db:
        row = db.execute("SELECT id FROM contents WHERE state = 'dropped' LIMIT 1").fetchone()
        if row is None:
            return False
        deleted = db.execute(
            "DELETE FROM entries WHERE seq IN"
            " (SELECT seq FROM entries INDEXED BY entries_in_order WHERE content = ? LIMIT ?) RETURNING seq",
            (row["id"], SLICE),
        ).fetchall()
        db.executemany("DELETE FROM entry_labels WHERE entry = ?", [(entry["seq"],) for entry in deleted])
        if not deleted:
            db.execute("DELETE FROM labels WHERE content = ?", (row["id"],))
            db.execute("DELETE FROM contents WHERE id = ?", (row["id"],))
    return True


def _require_staged(db: sqlite3.Connection, content: int) -> None:
    if not db.execute("SELECT 1 FROM contents WHERE id = ? AND state = 'staged'", (content,)).fetchone():
        raise DroppedError
