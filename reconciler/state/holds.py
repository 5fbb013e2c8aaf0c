"""Lines that are not sent for now, kept across runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.core.planning.quarantine import Hold, HoldKind
from reconciler.state.database import Database


class Holds:
    """`ports.Holds`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def of(self, dataset: str) -> Mapping[str, Hold]:
        connection = self._db.connection
        if connection is None:
            return {}
        columns = "source_ref, digest, kind, reason, rounds, since, until"
        with self._db.decoding():
            rows = connection.execute(
                f"SELECT {columns} FROM held WHERE dataset = ? ORDER BY source_ref",  # noqa: S608  constant
                (dataset,),
            ).fetchall()
        return {ref: Hold(ref, digest, HoldKind(kind), *rest) for ref, digest, kind, *rest in rows}

    def put(self, dataset: str, holds: Iterable[Hold], released: Iterable[str]) -> None:
        with self._db.writing() as connection:
            connection.executemany(
                "DELETE FROM held WHERE dataset = ? AND source_ref = ?",
                ((dataset, source_ref) for source_ref in released),
            )
            connection.executemany(
                "INSERT OR REPLACE INTO held VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    (dataset, h.source_ref, h.digest, h.kind.value, h.reason, h.rounds, h.since, h.until)
                    for h in holds
                ),
            )
