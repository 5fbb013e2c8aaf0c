"""A diary of updates: written before each call, so that a killed process is not a forgotten one."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from contextlib import suppress

import orjson

from reconciler.core.explanation import Past
from reconciler.ports import Begun
from reconciler.state.database import Database


class Journal:
    """`ports.Journal`. What it says was begun may have arrived or not: only a look can tell."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def begin(self, dataset: str, arn: str, source_refs: Sequence[str], now: float, standing: str) -> int:
        packed = zlib.compress(orjson.dumps(list(source_refs)), 1)
        with self._db.writing() as connection:
            cursor = connection.execute(
                "INSERT INTO journal (dataset, arn, begun_at, source_refs, standing) VALUES (?, ?, ?, ?, ?)",
                (dataset, arn, now, packed, standing),
            )
            number = cursor.lastrowid
        return number or 0

    def end(self, number: int, result: str) -> None:
        with self._db.writing() as connection:
            connection.execute("UPDATE journal SET result = ? WHERE id = ?", (result, number))
            # What is over is history; the last thousand updates are enough of it.
            connection.execute("DELETE FROM journal WHERE id < ? AND result IS NOT NULL", (number - 1_000,))

    def forget(self, number: int) -> None:
        with self._db.writing() as connection:
            connection.execute("DELETE FROM journal WHERE id = ?", (number,))

    def unfinished(self, dataset: str) -> Sequence[Begun]:
        connection = self._db.connection
        if connection is None:
            return ()
        query = "SELECT id, arn, begun_at, source_refs, standing FROM journal WHERE dataset = ?"
        with self._db.decoding():
            rows = connection.execute(f"{query} AND result IS NULL ORDER BY id", (dataset,)).fetchall()
            return [
                Begun(number, arn, begun_at, tuple(orjson.loads(zlib.decompress(packed))), standing)
                for number, arn, begun_at, packed, standing in rows
            ]

    def past(self, dataset: str, source_ref: str) -> Sequence[Past]:
        connection = self._db.connection
        if connection is None:
            return ()
        query = "SELECT begun_at, source_refs, result FROM journal WHERE dataset = ? ORDER BY id"
        found = []
        with self._db.decoding():
            for begun_at, packed, result in connection.execute(query, (dataset,)):
                with suppress(ValueError, zlib.error):  # history that cannot be read is no reason to stop
                    refs = orjson.loads(zlib.decompress(packed))
                    if source_ref in refs:
                        found.append(Past(begun_at, len(refs), result))
        return found
