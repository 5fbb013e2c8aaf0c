"""The tables of calls that were read from the queue of events, and of own calls, which come from there as well."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from reconciler.core.drift.foreign_calls import ForeignCall
from reconciler.state.database import Database
from reconciler.state.schema import CHECKED, insertion

KEPT_CALLS: Final = 200
"""Calls kept of each dataset. A message that is delivered again later counts as a new call."""

KEPT_REQUESTS: Final = 10_000

_SETTLE: Final = (
    "UPDATE foreign_call SET settled_at = ?3 WHERE dataset = ?1 AND settled_at IS NULL AND at <= ?2"
)
_CHECK: Final = (
    f"UPDATE foreign_call SET checksum = row_checksum({CHECKED['foreign_call']}) "  # noqa: S608  constants
    "WHERE dataset = ? AND settled_at = ?"
)


class ForeignCalls:
    """`ports.ForeignCalls`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def of(self, dataset: str) -> Sequence[ForeignCall]:
        def make(key: str, at: float, settled_at: float | None, body: str) -> ForeignCall:
            return ForeignCall.of_stored(key, at, settled_at, json.loads(body))

        query = "SELECT id, at, settled_at, body FROM foreign_call WHERE dataset = ? ORDER BY at DESC, id"
        return self._db.rows(make, query, dataset)

    def add(self, dataset: str, call: ForeignCall) -> bool:
        with self._db.writing() as connection:
            query = "SELECT 1 FROM foreign_call WHERE dataset = ? AND id = ?"
            if connection.execute(query, (dataset, call.id)).fetchone():
                return False
            body = json.dumps(call.stored(), sort_keys=True)
            connection.execute(insertion("foreign_call"), (dataset, call.id, call.at, call.settled_at, body))
            connection.execute(
                "DELETE FROM foreign_call WHERE dataset = ?1 AND id NOT IN"
                " (SELECT id FROM foreign_call WHERE dataset = ?1 ORDER BY at DESC, id LIMIT ?2)",
                (dataset, KEPT_CALLS),
            )
        return True

    def settle(self, dataset: str, until: float, now: float) -> None:
        query = "SELECT 1 FROM foreign_call WHERE dataset = ? AND settled_at IS NULL AND at <= ? LIMIT 1"
        if not self._db.rows(bool, query, dataset, until):
            return  # a cycle without a call writes nothing
        with self._db.writing() as writing:
            writing.execute(_SETTLE, (dataset, until, now))
            writing.execute(_CHECK, (dataset, now))

    def add_own(self, arn: str, request_id: str, now: float) -> None:
        with self._db.writing() as connection:
            connection.execute(insertion("own_request"), (request_id, arn, now))
            connection.execute(
                "DELETE FROM own_request"
                " WHERE at < (SELECT at FROM own_request ORDER BY at DESC LIMIT 1 OFFSET ?)",
                (KEPT_REQUESTS,),
            )

    def is_own(self, request_id: str) -> bool:
        return bool(self._db.rows(bool, "SELECT 1 FROM own_request WHERE id = ?", request_id))

    def unanswered(self, arn: str, since: float, until: float) -> int:
        begun = "SELECT 1 FROM journal WHERE arn = ? AND begun_at BETWEEN ? AND ?"
        answered = "SELECT 1 FROM own_request WHERE arn = ? AND at BETWEEN ? AND ?"
        updates, answers = (len(self._db.rows(bool, query, arn, since, until)) for query in (begun, answered))
        return max(0, updates - answers)
