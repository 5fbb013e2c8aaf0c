"""
State machine of datasets.

The call that starts an operation also changes the status, and stores the operation before it returns; the
effect appears when the operation is due. After a crash, the next process finishes them.
"""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from reconciler.emulator.api import outcome
from reconciler.emulator.api.outcome import Failure
from reconciler.emulator.behaviour.judge import Entry, Tally, judge
from reconciler.emulator.behaviour.switches import FailedUpdate, Visibility
from reconciler.emulator.behaviour.work import CREATES, Operation, Work
from reconciler.emulator.storage import entries
from reconciler.emulator.storage.context import Context

# Verbatim from an example of DescribeProjects; the other messages are invented.
IMPORTED: Final = "The dataset was successfully created from the manifest file."

_SUCCESS: Final = {
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
    payload: bytes = b"",
    slower_by: float = 0.0,
    **arguments: Any,
) -> None:
    """Start an operation on a dataset and change its status. *arguments* must be serializable as JSON."""
    settings = context.settings
    if kind in CREATES:
        seconds = settings.create_seconds
    else:
        seconds = settings.delete_seconds if kind is Work.DELETE else settings.update_seconds
    due = context.clock.now() + seconds + slower_by
    with context.store.transaction() as db:
        db.execute(
            "INSERT INTO operations VALUES (?, ?, ?, ?, zeroblob(?), ?)",
            (dataset, kind, due, settings.polls, len(payload), json.dumps(arguments)),
        )
        context.store.fill("operations", "payload", dataset, [payload])
        set_status(db, dataset, *running(kind), "SUCCESS")
        if kind is Work.UPDATE and settings.switches.visibility is Visibility.AT_ONCE:
            _apply_early(context, dataset)


def _apply_early(context: Context, dataset: int) -> None:
    """Apply an update before it is complete, so that its effect is visible at once."""
    (operation,) = _operations(context, "o.dataset = ?", dataset)
    failure = _submit(context, operation)
    context.store.db.execute(
        "UPDATE operations SET payload = x'', arguments = ? WHERE dataset = ?",
        (json.dumps({"applied": True, "failure": failure}), dataset),
    )


def set_status(db: sqlite3.Connection, dataset: int, status: str, message: str, code: str) -> None:
    db.execute(
        "UPDATE datasets SET status = ?, message = ?, code = ? WHERE id = ?",
        (status, message, code, dataset),
    )


def touch(context: Context, dataset: int, now: float) -> None:
    """Set LastUpdatedTimestamp to *now*, or 1 ms after its last value if that is later."""
    context.store.db.execute(
        "UPDATE datasets SET updated = max(updated + 0.001, ?) WHERE id = ?", (now, dataset)
    )


def poll(context: Context, dataset: int) -> None:
    """Count one DescribeDataset call against a running operation."""
    context.store.db.execute(
        "UPDATE operations SET polls = polls - 1 WHERE polls > 0"
        " AND (dataset = ?1 OR json_extract(arguments, '$.partner') = ?1)",
        (dataset,),
    )


def has_due(context: Context) -> bool:
    """Return whether an operation or the deletion of a project is due."""
    sql = (
        "SELECT 1 FROM operations WHERE due <= ?1 AND polls = 0"
        " UNION ALL SELECT 1 FROM projects WHERE due <= ?1 LIMIT 1"
    )
    return context.store.one(sql, context.clock.now()) is not None


def settle(context: Context) -> None:
    """Finish all due operations, ordered by due time."""
    if not has_due(context):
        return
    while _settle_one(context):
        pass
    _remove_projects(context)


def _settle_one(context: Context) -> bool:
    """
    Finish the first due operation; return whether there was one.

    It is read within the transaction, since another process on the same directory may already have finished
    it and started the next.
    """
    with context.store.transaction() as db:
        operation = next(_operations(context, "o.due <= ? AND o.polls = 0", context.clock.now()), None)
        if operation is None:
            return False
        _finish(context, operation)
        db.execute("DELETE FROM operations WHERE dataset = ?", (operation.dataset,))
    return True


def _operations(context: Context, where: str, value: float) -> Iterator[Operation]:
    """Yield the operations that match *where*, ordered by due time."""
    rows = context.store.all(
        f"SELECT o.dataset FROM operations o WHERE {where} ORDER BY o.due, o.rowid",  # noqa: S608
        value,
    )
    for dataset in rows:
        row = context.store.one(
            "SELECT o.kind, o.due, o.arguments, length(o.payload) AS size, d.arn, d.type, p.region"
            " FROM operations o JOIN datasets d ON d.id = o.dataset JOIN projects p ON p.id = d.project"
            " WHERE o.dataset = ?",
            dataset["dataset"],
        )
        if row is not None:
            yield Operation(
                dataset["dataset"],
                row["arn"],
                row["type"],
                row["region"],
                Work(row["kind"]),
                row["due"],
                row["size"],
                partial(context.store.file, "operations", "payload", dataset["dataset"]),
                json.loads(row["arguments"]),
            )


def _remove_projects(context: Context) -> None:
    """Delete the projects whose deletion is due, with their datasets."""
    with context.store.transaction() as db:
        for project in context.store.all("SELECT id, arn FROM projects WHERE due <= ?", context.clock.now()):
            for dataset in context.store.all("SELECT id, arn FROM datasets WHERE project = ?", project["id"]):
                _remove_dataset(context, dataset["id"], dataset["arn"])
            db.execute("DELETE FROM tags WHERE arn = ?", (project["arn"],))
            db.execute("DELETE FROM projects WHERE id = ?", (project["id"],))


def _remove_dataset(context: Context, dataset: int, arn: str) -> None:
    entries.forget(context.store, dataset)
    context.store.db.execute("DELETE FROM tags WHERE arn = ?", (arn,))
    context.store.db.execute("DELETE FROM operations WHERE dataset = ?", (dataset,))
    context.store.db.execute("DELETE FROM datasets WHERE id = ?", (dataset,))


def _finish(context: Context, op: Operation) -> None:
    match op.kind:
        case Work.DELETE:
            _remove_dataset(context, op.dataset, op.arn)
            return
        case Work.DISTRIBUTE:
            failure = outcome.ordered(op) or outcome.distribute(context, op)
            _conclude(context, op, op.arguments["partner"], failure)
        case Work.COPY:
            failure = outcome.ordered(op) or outcome.copy(context, op)
        case Work.CREATE:
            failure = outcome.ordered(op)
        case _ if op.arguments.get("applied"):
            failure = outcome.ordered(op)
        case _:
            failure = _submit(context, op)
    _conclude(context, op, op.dataset, failure)


def _submit(context: Context, op: Operation) -> Failure | None:
    """Apply the lines of an update or import; on failure, roll back and return the failure."""
    failure = outcome.ordered(op) or outcome.refusal(op)
    if failure is None:
        before = entries.stats(context.store, op.dataset)
        bucket = entries.bucket(context.store, op.dataset)
        tally = Tally()
        with context.store.trial() as take_back:
            entries.put(context.store, op.dataset, _judged(context, op, tally))
            failure = outcome.objection(context, op, tally, before, bucket)
            if failure is not None:
                take_back()
    if failure is not None:
        entries.put(context.store, op.dataset, _leftovers(context, op))
    return failure


def _judged(context: Context, op: Operation, tally: Tally) -> Iterator[Entry]:
    dropped = frozenset(op.arguments.get("drop", ()))
    with op.open() as payload:
        yield from judge(payload, context.settings.switches, tally, drop=dropped.__contains__)


def _leftovers(context: Context, op: Operation) -> Iterator[Entry]:
    """Yield the entries that a failed submission applies nevertheless."""
    judged = _judged(context, op, Tally())
    match context.settings.switches.failed_update:
        case FailedUpdate.NOTHING:
            return
        case FailedUpdate.PREFIX:
            whole = tuple(judged)
            yield from whole[: len(whole) // 2]
        case FailedUpdate.RANDOM:
            draw = random.Random(f"{context.settings.seed}:{op.arn}:{op.due}")  # noqa: S311
            yield from (entry for entry in judged if draw.random() < 0.5)


def _conclude(context: Context, op: Operation, dataset: int, failure: Failure | None) -> None:
    phase = "CREATE" if op.kind in CREATES else "UPDATE"
    if failure is None:
        status = (f"{phase}_COMPLETE", _SUCCESS[op.kind], "SUCCESS")
    else:
        status = (f"{phase}_FAILED", failure.message, failure.code)
    set_status(context.store.db, dataset, *status)
    touch(context, dataset, op.due)
