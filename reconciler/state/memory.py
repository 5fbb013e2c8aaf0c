"""The state between runs: proven entries, statuses, and the tables and backups beside them."""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Self

from reconciler.core.planning.cause import NOTHING_APPLIED, Applied, Base
from reconciler.errors import Claimed, StateError, StateUnusable
from reconciler.private import private_directory, state_directory
from reconciler.state.applied import changed_blocks, read_applied, read_refs
from reconciler.state.backups import Backups
from reconciler.state.database import OF_THE_DISK, Database
from reconciler.state.images import CheckedImages
from reconciler.state.judged import JudgedFiles
from reconciler.state.observed import ObservedEntries
from reconciler.state.schema import insertion
from reconciler.state.tables import (
    ForeignCalls,
    Journal,
    Notified,
    Observations,
    Quarantine,
    Rebuilds,
    Sightings,
    Suspensions,
)

# A backup of 250,000 entries takes about 30 MB, compressed; of a deleted dataset a few are kept.
_ARCHIVED_FILES = 5
_ARCHIVED_BYTES = 1_000_000_000


class State:
    """
    `ports.Memory` in a directory.

    Attributes:
        damage: Why the earlier content of the file was lost; None if it was not.

    Raises:
        StateError: As `Database`.
    """

    def __init__(self, directory: Path, *, read_only: bool = False) -> None:
        self._directory = directory
        self._db = Database(directory, read_only=read_only)
        self.damage = self._db.damage
        self.journal = Journal(self._db)
        self.quarantine = Quarantine(self._db)
        self.sightings = Sightings(self._db)
        self.suspensions = Suspensions(self._db)
        self.notified = Notified(self._db)
        self.foreign_calls = ForeignCalls(self._db)
        self.observations = Observations(self._db)
        self.observed = ObservedEntries(self._db)
        self.rebuilds = Rebuilds(self._db)
        self.images = CheckedImages(self._db)
        self.judged = JudgedFiles(directory / "judged", read_only=read_only)
        self.backups = Backups(directory / "snapshots")
        self.archive = Backups(directory / "rebuilds", most_files=_ARCHIVED_FILES, most_bytes=_ARCHIVED_BYTES)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._db.close()

    def claim(self, dataset: str) -> AbstractContextManager[None]:
        return _claimed(self._directory, dataset)

    def applied(self, dataset: str, arn: str, source_refs: Iterable[str] | None = None) -> Base:
        connection = self._db.connection
        if connection is None:
            return NOTHING_APPLIED
        with self._db.decoding():
            if not _is_of(connection, dataset, arn):
                return NOTHING_APPLIED
            return Base(read_applied(connection, dataset, source_refs), known=True)

    def recorded(self, dataset: str) -> frozenset[str]:
        connection = self._db.connection
        if connection is None:
            return frozenset()
        with self._db.decoding():
            return read_refs(connection, dataset)

    def applied_to(self, dataset: str) -> str | None:
        return self._db.row(str, "SELECT arn FROM applied_to WHERE dataset = ?", dataset)

    def remember(
        self, dataset: str, arn: str, proven: Iterable[tuple[str, Applied]], gone: Iterable[str]
    ) -> None:
        with self._db.writing() as connection, self._db.decoding():
            if not _is_of(connection, dataset, arn):
                connection.execute("DELETE FROM applied_block WHERE dataset = ?", (dataset,))
            connection.execute(insertion("applied_to"), (dataset, arn))
            blocks = changed_blocks(connection, dataset, proven, gone)
            connection.executemany(insertion("applied_block"), blocks)

    def record(self, dataset: str, status: Mapping[str, object]) -> None:
        with self._db.writing() as connection:
            body = json.dumps(status, sort_keys=True)
            connection.execute(insertion("status"), (dataset, body))

    def statuses(self) -> Mapping[str, Mapping[str, object]]:
        def make(dataset: str, body: str) -> tuple[str, Mapping[str, object]]:
            return dataset, json.loads(body)

        return dict(self._db.rows(make, "SELECT dataset, body FROM status ORDER BY dataset"))


def _is_of(connection: sqlite3.Connection, dataset: str, arn: str) -> bool:
    """Return whether the entries of *dataset* are those of this ARN: a rebuilt dataset has another."""
    query = "SELECT 1 FROM applied_to WHERE dataset = ? AND arn = ?"
    return connection.execute(query, (dataset, arn)).fetchone() is not None


@contextmanager
def _claimed(directory: Path, dataset: str) -> Iterator[None]:
    """
    Lock a dataset within the block. The operating system releases the lock when the process ends.

    Raises:
        Claimed: Another process holds it.
        StateUnusable: Only another state directory would help.
        StateError: The state directory cannot be used just now.
    """
    path = directory / "claims" / f"{dataset}.lock"
    try:
        state_directory(directory)
        private_directory(path.parent)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as exc:
        kind = StateError if exc.errno in OF_THE_DISK else StateUnusable
        raise kind(f"{path}: {exc.strerror or exc}") from exc
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(handle, 32, 0).decode(errors="replace").strip() or "unknown"
            raise Claimed(
                f"process {owner} is writing to {dataset!r} from the same state directory"
            ) from None
        os.truncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(handle)
