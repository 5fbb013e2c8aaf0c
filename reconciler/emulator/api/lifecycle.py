"""
State machine of datasets.

The call that starts an operation also changes the status, and stores the operation before it returns; the
effect appears when the operation is due, see `finishing`. After a crash, the next process finishes them.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any, BinaryIO, Final

from reconciler.emulator.storage import bodies
from reconciler.emulator.storage.context import Context


class Work(StrEnum):
    """The kinds of asynchronous operations on a dataset."""

    CREATE = "create"
    IMPORT = "import"
    COPY = "copy"
    UPDATE = "update"
    DISTRIBUTE = "distribute"
    DELETE = "delete"


CREATES: Final = (Work.CREATE, Work.IMPORT, Work.COPY)


@dataclass(frozen=True, slots=True)
class Operation:
    """
    One operation in progress, as stored in the database.

    Attributes:
        size: Size of the payload in bytes.
        body: Number of the payload in the database; None if there is none.
        open: Opens the payload as a file, since a manifest may be too large for another copy in memory.
    """

    id: int
    dataset: int
    arn: str
    type: str
    region: str
    kind: Work
    due: float
    size: int
    body: int | None
    open: Callable[[], BinaryIO]
    arguments: dict[str, Any]


# Verbatim from an example of DescribeProjects; the other messages are invented.
IMPORTED: Final = "The dataset was successfully created from the manifest file."

SUCCESS: Final = {
    Work.CREATE: "The dataset was successfully created.",
    Work.IMPORT: IMPORTED,
    Work.COPY: "The dataset was successfully created from the dataset.",
    Work.UPDATE: "The dataset was successfully updated.",
    Work.DISTRIBUTE: "The dataset entries were successfully distributed.",
}
_RUNNING: Final = {
    Work.UPDATE: "The dataset is being updated.",
    Work.DISTRIBUTE: "The dataset entries are being distributed.",
    Work.DELETE: "The dataset is being deleted.",
}


def running(kind: Work) -> tuple[str, str]:
    """Return the status and message of a dataset that is busy with *kind*."""
    if kind in CREATES:
        return "CREATE_IN_PROGRESS", "The dataset is being created."
    status = "DELETE_IN_PROGRESS" if kind is Work.DELETE else "UPDATE_IN_PROGRESS"
    return status, _RUNNING[kind]


def start(
    context: Context,
    dataset: int,
    kind: Work,
    *,
    body: int | None = None,
    size: int = 0,
    slower_by: float = 0.0,
    **arguments: Any,
) -> float:
    """
    Start an operation on a dataset, change its status, and return when it is due. Requires a transaction.

    Args:
        body: Number of the payload, see `bodies`.
        size: Its size in bytes.
        arguments: Must be serializable as JSON.
    """
    settings = context.settings
    if kind in CREATES:
        seconds = settings.create_seconds
    else:
        seconds = settings.delete_seconds if kind is Work.DELETE else settings.update_seconds
    due = context.clock.now() + seconds + slower_by
    with context.store.transaction() as db:
        db.execute(
            "INSERT INTO operations (dataset, kind, due, polls, body, size, arguments)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (dataset, kind, due, settings.polls, body, size, json.dumps(arguments)),
        )
        if body is not None:
            bodies.adopt(db, body)
        set_status(db, dataset, *running(kind), "SUCCESS")
    return due


def set_status(db: sqlite3.Connection, dataset: int, status: str, message: str, code: str) -> None:
    db.execute(
        "UPDATE datasets SET status = ?, message = ?, code = ? WHERE id = ?",
        (status, message, code, dataset),
    )


def touch(context: Context, dataset: int, now: float) -> None:
    """Set LastUpdatedTimestamp to *now*, or 1 ms after its last value if that is later."""
    with context.store.transaction() as db:
        db.execute("UPDATE datasets SET updated = max(updated + 0.001, ?) WHERE id = ?", (now, dataset))


def poll(context: Context, arn: str) -> None:
    """Count one DescribeDataset call against a running operation."""
    if context.store.one("SELECT 1 FROM operations WHERE polls > 0") is None:
        return
    with context.store.transaction() as db:
        db.execute(
            "UPDATE operations SET polls = polls - 1 WHERE polls > 0 AND EXISTS (SELECT 1 FROM datasets d"
            " WHERE d.arn = ? AND (d.id = dataset OR d.id = json_extract(arguments, '$.partner')))",
            (arn,),
        )


def has_due(context: Context) -> bool:
    """Return whether an operation, a model, or the deletion of a project is due."""
    sql = (
        "SELECT 1 FROM operations WHERE due <= ?1 AND polls = 0"
        " UNION ALL SELECT 1 FROM projects WHERE due <= ?1"
        " UNION ALL SELECT 1 FROM versions WHERE due <= ?1 LIMIT 1"
    )
    return context.store.one(sql, context.clock.now()) is not None


def due(context: Context) -> list[Operation]:
    """Return the operations that are due, ordered by due time."""
    return list(operations(context, "o.due <= ? AND o.polls = 0", context.clock.now()))


def operations(context: Context, where: str, value: float) -> Iterator[Operation]:
    """Yield the operations that match *where*, ordered by due time."""
    rows = context.store.all(
        "SELECT o.*, d.arn, d.type, p.region"  # noqa: S608
        " FROM operations o JOIN datasets d ON d.id = o.dataset JOIN projects p ON p.id = d.project"
        f" WHERE {where} ORDER BY o.due, o.id",
        value,
    )
    for row in rows:
        yield Operation(
            row["id"],
            row["dataset"],
            row["arn"],
            row["type"],
            row["region"],
            Work(row["kind"]),
            row["due"],
            row["size"],
            row["body"],
            partial(bodies.open_body, context.store, row["body"]),
            json.loads(row["arguments"]),
        )
