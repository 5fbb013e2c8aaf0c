"""The small tables of state: quarantine, observations, suspensions, notices, journal, rebuilds and others."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

import orjson

from reconciler.core.drift.sightings import Sighting
from reconciler.core.explanation import Past
from reconciler.core.planning.quarantine import Quarantined, QuarantineReason
from reconciler.core.status.suspension import Suspension
from reconciler.ports import Begun, Kept, Rebuild
from reconciler.state.damage import read_rebuild, write_rebuild
from reconciler.state.database import Database
from reconciler.state.schema import CHECKED, insertion


class Quarantine:
    """`ports.Quarantine`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def of(self, dataset: str) -> Mapping[str, Quarantined]:
        connection = self._db.connection
        if connection is None:
            return {}
        columns = "source_ref, digest, kind, reason, rounds, since, until"
        with self._db.decoding():
            rows = connection.execute(
                f"SELECT {columns} FROM held WHERE dataset = ? ORDER BY source_ref",  # noqa: S608  constant
                (dataset,),
            ).fetchall()
        return {
            ref: Quarantined(ref, digest, QuarantineReason(kind), *rest) for ref, digest, kind, *rest in rows
        }

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


class Observations:
    """`ports.Observations`."""

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
            arn, desired, description, scanned_at, body = row
            return Kept(arn, desired, description, scanned_at, json.loads(body))

    def put(self, dataset: str, kept: Kept | None) -> None:
        with self._db.writing() as connection:
            if kept is None:
                connection.execute("DELETE FROM look WHERE dataset = ?", (dataset,))
                return
            body = json.dumps(kept.body, sort_keys=True)
            row = (dataset, kept.arn, kept.desired, kept.description, kept.scanned_at, body)
            connection.execute(insertion("look"), row)


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
                insertion("sighted"),
                ((dataset, s.source_ref, s.since, s.last, s.times, int(s.gone)) for s in sightings),
            )


class Suspensions:
    """`ports.Suspensions`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def all(self) -> Mapping[str, Suspension]:
        connection = self._db.connection
        if connection is None:
            return {}
        with self._db.decoding():
            rows = connection.execute("SELECT dataset, reason, since, until FROM suspended").fetchall()
        return {dataset: Suspension(*rest) for dataset, *rest in rows}

    def put(self, suspensions: Mapping[str, Suspension | None]) -> None:
        with self._db.writing() as connection:
            for dataset, suspension in suspensions.items():
                if suspension is None:
                    connection.execute("DELETE FROM suspended WHERE dataset = ?", (dataset,))
                else:
                    connection.execute(insertion("suspended"), (dataset, *suspension))


class Notified:
    """`ports.Notified`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def read(self, name: str) -> str | None:
        connection = self._db.connection
        if connection is None:
            return None
        with self._db.decoding():
            row = connection.execute("SELECT body FROM notified WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def write(self, bodies: Mapping[str, str]) -> None:
        with self._db.writing() as connection:
            connection.executemany(insertion("notified"), bodies.items())


class Journal:
    """`ports.Journal`. An open update may have arrived or not: only an observation can tell."""

    def __init__(self, database: Database) -> None:
        self._db = database

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

    def unfinished(self, dataset: str) -> Sequence[Begun]:
        connection = self._db.connection
        if connection is None:
            return ()
        query = "SELECT id, arn, begun_at, source_refs, standing FROM journal WHERE dataset = ?"
        with self._db.decoding():
            rows = connection.execute(f"{query} AND result IS NULL ORDER BY id", (dataset,)).fetchall()
            return [
                Begun(number, arn, begun_at, tuple(orjson.loads(zlib.decompress(packed))), description)
                for number, arn, begun_at, packed, description in rows
            ]

    def past(self, dataset: str, source_ref: str) -> Sequence[Past]:
        connection = self._db.connection
        if connection is None:
            return ()
        query = "SELECT begun_at, source_refs, result FROM journal WHERE dataset = ? ORDER BY id"
        found = []
        with self._db.decoding():
            for begun_at, packed, result in connection.execute(query, (dataset,)):
                with suppress(ValueError, zlib.error):  # unreadable history is left out
                    refs = orjson.loads(zlib.decompress(packed))
                    if source_ref in refs:
                        found.append(Past(begun_at, len(refs), result))
        return found


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
            return None if row is None else read_rebuild(row[0])

    def put(self, rebuild: Rebuild) -> None:
        with self._db.writing() as connection:
            row = (rebuild.dataset, rebuild.step.value, write_rebuild(rebuild))
            connection.execute(insertion("rebuild"), row)

    def over(self, dataset: str) -> None:
        with self._db.writing() as connection:
            connection.execute("DELETE FROM rebuild WHERE dataset = ?", (dataset,))
