"""How far each rebuild has come: written before every step, so that a kill at any of them is survived."""

from __future__ import annotations

import json

from reconciler.core.spec.choices import DatasetType
from reconciler.errors import StateError
from reconciler.ports import Content, Rebuild, Step
from reconciler.state.database import Database


class Rebuilds:
    """`ports.Rebuilds`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def of(self, dataset: str) -> Rebuild | None:
        connection = self._db.connection
        if connection is None:
            return None
        with self._db.decoding():
            row = connection.execute("SELECT body FROM rebuild WHERE dataset = ?", (dataset,)).fetchone()
            return None if row is None else _read(row[0])

    def put(self, rebuild: Rebuild) -> None:
        with self._db.writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO rebuild VALUES (?, ?, ?)",
                (rebuild.dataset, rebuild.step.value, json.dumps(rebuild._asdict(), sort_keys=True)),
            )

    def over(self, dataset: str) -> None:
        with self._db.writing() as connection:
            connection.execute("DELETE FROM rebuild WHERE dataset = ?", (dataset,))


def _read(body: str) -> Rebuild:
    try:
        fields = json.loads(body)
        return Rebuild(
            **fields
            | {
                "step": Step(fields["step"]),
                "dataset_type": DatasetType(fields["dataset_type"]),
                "before": Content(*fields["before"]),
                "desired": Content(*fields["desired"]),
            }
        )
    except (ValueError, KeyError, TypeError) as exc:
        raise StateError(f"a rebuild was begun, and what is noted of it cannot be read: {exc}") from exc
