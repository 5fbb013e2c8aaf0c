"""Since when which image is drifted, kept across runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.core.drift.sightings import Sighting
from reconciler.state.database import Database


class Sightings:
    """`ports.Sightings`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def of(self, dataset: str) -> Mapping[str, Sighting]:
        connection = self._db.connection
        if connection is None:
            return {}
        with self._db.decoding():
            rows = connection.execute(
                "SELECT source_ref, since, last, times, gone FROM sighted WHERE dataset = ?", (dataset,)
            ).fetchall()
        return {ref: Sighting(ref, since, last, times, bool(gone)) for ref, since, last, times, gone in rows}

    def replace(self, dataset: str, sightings: Iterable[Sighting]) -> None:
        with self._db.writing() as connection:
            connection.execute("DELETE FROM sighted WHERE dataset = ?", (dataset,))
            connection.executemany(
                "INSERT INTO sighted VALUES (?, ?, ?, ?, ?, ?)",
                ((dataset, s.source_ref, s.since, s.last, s.times, int(s.gone)) for s in sightings),
            )
