"""The last complete look at each dataset."""

from __future__ import annotations

import json

from reconciler.ports import Kept
from reconciler.state.database import Database


class Looks:
    """`ports.Looks`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def of(self, dataset: str) -> Kept | None:
        connection = self._db.connection
        if connection is None:
            return None
        query = "SELECT arn, desired, standing, scanned_at, body FROM look WHERE dataset = ?"
        with self._db.decoding():
            row = connection.execute(query, (dataset,)).fetchone()
            if row is None:
                return None
            arn, desired, standing, scanned_at, body = row
            return Kept(arn, desired, standing, scanned_at, json.loads(body))

    def put(self, dataset: str, kept: Kept | None) -> None:
        with self._db.writing() as connection:
            if kept is None:
                connection.execute("DELETE FROM look WHERE dataset = ?", (dataset,))
                return
            body = json.dumps(kept.body, sort_keys=True)
            row = (dataset, kept.arn, kept.desired, kept.standing, kept.scanned_at, body)
            connection.execute("INSERT OR REPLACE INTO look VALUES (?, ?, ?, ?, ?, ?)", row)
