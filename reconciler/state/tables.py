"""The small tables of state: quarantine, observations, suspensions, notices, journal, foreign calls and others."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import orjson

from reconciler.core.drift.annotations import Sighting
from reconciler.core.drift.foreign_calls import ForeignCall
from reconciler.core.explanation import PastUpdate
from reconciler.core.planning.quarantine import Quarantined, QuarantineReason
from reconciler.core.status.suspension import Suspension
from reconciler.ports import LastObservation, OpenUpdate, Rebuild
from reconciler.state.damage import read_rebuild, write_rebuild
from reconciler.state.database import Database
from reconciler.state.schema import CHECKED, insertion


class _Table:
    def __init__(self, database: Database) -> None:
        self._db = database


class Quarantine(_Table):
    """`ports.Quarantine`."""

    def of(self, dataset: str) -> Mapping[str, Quarantined]:
        def make(source_ref: str, digest: bytes, kind: str, *rest: Any) -> Quarantined:
            return Quarantined(source_ref, digest, QuarantineReason(kind), *rest)

        columns = "source_ref, digest, kind, reason, rounds, since, until"
        query = f"SELECT {columns} FROM held WHERE dataset = ? ORDER BY source_ref"  # noqa: S608  constant
        return {entry.source_ref: entry for entry in self._db.rows(make, query, dataset)}

    def put(self, dataset: str, quarantine: Iterable[Quarantined], released: Iterable[str]) -> None:
        with self._db.writing() as connection:
            connection.executemany(
                "DELETE FROM held WHERE dataset = ? AND source_ref = ?",
                ((dataset, source_ref) for source_ref in released),
            )
            connection.executemany(
                insertion("held"),
                (
                    (dataset, h.source_ref, h.digest, h.kind.value, h.reason, h.rounds, h.since, h.until)
                    for h in quarantine
                ),
            )


class Observations(_Table):
    """`ports.Observations`."""

    def of(self, dataset: str) -> LastObservation | None:
        def make(arn: str, desired: bytes, description: str, scanned_at: float, body: str) -> LastObservation:
            return LastObservation(arn, desired, description, scanned_at, json.loads(body))

        query = "SELECT arn, desired, standing, scanned_at, body FROM look WHERE dataset = ?"
        return self._db.row(make, query, dataset)

    def put(self, dataset: str, kept: LastObservation | None) -> None:
        with self._db.writing() as connection:
            if kept is None:
                connection.execute("DELETE FROM look WHERE dataset = ?", (dataset,))
                return
            body = json.dumps(kept.body, sort_keys=True)
            row = (dataset, kept.arn, kept.desired, kept.description, kept.scanned_at, body)
            connection.execute(insertion("look"), row)


class Sightings(_Table):
    """`ports.Sightings`."""

    def of(self, dataset: str) -> Mapping[str, Sighting]:
        def make(source_ref: str, since: float, last: float, times: int, gone: int) -> Sighting:
            return Sighting(source_ref, since, last, times, bool(gone))

        query = "SELECT source_ref, since, last, times, gone FROM sighted WHERE dataset = ?"
        return {sighting.source_ref: sighting for sighting in self._db.rows(make, query, dataset)}

    def replace(self, dataset: str, sightings: Iterable[Sighting]) -> None:
        with self._db.writing() as connection:
            connection.execute("DELETE FROM sighted WHERE dataset = ?", (dataset,))
            connection.executemany(
                insertion("sighted"),
                ((dataset, s.source_ref, s.since, s.last, s.times, int(s.gone)) for s in sightings),
            )


class Suspensions(_Table):
    """`ports.Suspensions`."""

    def all(self) -> Mapping[str, Suspension]:
        def make(dataset: str, *facts: Any) -> tuple[str, Suspension]:
            return dataset, Suspension(*facts)

        return dict(self._db.rows(make, "SELECT dataset, reason, since, until FROM suspended"))

    def put(self, suspensions: Mapping[str, Suspension | None]) -> None:
        with self._db.writing() as connection:
            for dataset, suspension in suspensions.items():
                if suspension is None:
                    connection.execute("DELETE FROM suspended WHERE dataset = ?", (dataset,))
                else:
                    connection.execute(insertion("suspended"), (dataset, *suspension))


class Notified(_Table):
    """`ports.Notified`."""

    def read(self, name: str) -> str | None:
        return self._db.row(str, "SELECT body FROM notified WHERE name = ?", name)

    def write(self, bodies: Mapping[str, str]) -> None:
        with self._db.writing() as connection:
            connection.executemany(insertion("notified"), bodies.items())


class Journal(_Table):
    """`ports.Journal`. An open update may have arrived or not: only an observation can tell."""

    def begin(self, dataset: str, arn: str, source_refs: Sequence[str], now: float, description: str) -> int:
        packed = zlib.compress(orjson.dumps(list(source_refs)), 1)
        with self._db.writing() as connection:
            row = (dataset, arn, now, packed, description, None)
            number = connection.execute(insertion("journal"), row).lastrowid
        return number or 0

    def end(self, number: int, result: str) -> None:
        with self._db.writing() as connection:
            connection.execute("UPDATE journal SET result = ? WHERE id = ?", (result, number))
            query = f"UPDATE journal SET checksum = row_checksum({CHECKED['journal']}) WHERE id = ?"  # noqa: S608
            connection.execute(query, (number,))
            # Of finished updates the last thousand are kept.
            connection.execute("DELETE FROM journal WHERE id < ? AND result IS NOT NULL", (number - 1_000,))

    def forget(self, number: int) -> None:
        with self._db.writing() as connection:
            connection.execute("DELETE FROM journal WHERE id = ?", (number,))

    def unfinished(self, dataset: str) -> Sequence[OpenUpdate]:
        def make(number: int, arn: str, begun_at: float, packed: bytes, description: str) -> OpenUpdate:
            return OpenUpdate(number, arn, begun_at, tuple(_unpacked(packed)), description)

        query = "SELECT id, arn, begun_at, source_refs, standing FROM journal WHERE dataset = ?"
        return self._db.rows(make, f"{query} AND result IS NULL ORDER BY id", dataset)

    def past(self, dataset: str, source_ref: str) -> Sequence[PastUpdate]:
        def make(begun_at: float, packed: bytes, result: str | None) -> PastUpdate | None:
            with suppress(ValueError, zlib.error):  # unreadable history is left out
                refs = _unpacked(packed)
                if source_ref in refs:
                    return PastUpdate(begun_at, len(refs), result)
            return None

        query = "SELECT begun_at, source_refs, result FROM journal WHERE dataset = ? ORDER BY id"
        return [past for past in self._db.rows(make, query, dataset) if past]


def _unpacked(packed: bytes) -> Sequence[str]:
    refs: Sequence[str] = orjson.loads(zlib.decompress(packed))
    return refs


class Rebuilds(_Table):
    """`ports.Rebuilds`."""

    def of(self, dataset: str) -> Rebuild | None:
        return self._db.row(read_rebuild, "SELECT body FROM rebuild WHERE dataset = ?", dataset)

    def put(self, rebuild: Rebuild) -> None:
        with self._db.writing() as connection:
            row = (rebuild.dataset, rebuild.step.value, write_rebuild(rebuild))
            connection.execute(insertion("rebuild"), row)

    def forget(self, dataset: str) -> None:
        with self._db.writing() as connection:
            connection.execute("DELETE FROM rebuild WHERE dataset = ?", (dataset,))


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


class ForeignCalls(_Table):
    """`ports.ForeignCalls`: what was read from the queue of events, and own calls, which come from there too."""

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
