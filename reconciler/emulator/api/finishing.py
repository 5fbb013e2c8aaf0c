"""
Carry out operations that are due, in slices.

Lines are judged without the lock, and what takes long is written in short transactions to a content that no
dataset points to yet. The last transaction makes the whole effect visible, with the status.
"""

from __future__ import annotations

import json
import random
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from reconciler.emulator.api import lifecycle, outcome
from reconciler.emulator.api.lifecycle import CREATES, Operation, Work
from reconciler.emulator.api.outcome import Failure
from reconciler.emulator.behaviour.judge import Entry, Tally, judge
from reconciler.emulator.behaviour.switches import FailedUpdate
from reconciler.emulator.storage import bodies, contents, entries
from reconciler.emulator.storage.context import Context

# How often a copy starts again because its source changed, before it holds the lock until it is done.
_COPY_TRIES: Final = 3


@dataclass(slots=True)
class _Prepared:
    """
    What was made of a payload before the lock is taken.

    Attributes:
        failure: Why the operation fails, if that is known already.
        found: The entries of an update.
        content: The staged content of an import or a copy.
        seen: When the source of a copy had last changed.
    """

    failure: Failure | None = None
    tally: Tally = field(default_factory=Tally)
    found: list[Entry] = field(default_factory=list)
    content: int | None = None
    seen: float | None = None


class _ChangedError(Exception):
    """The source of a copy changed while it was read."""


def steps(context: Context, op: Operation) -> Iterator[None]:
    """Carry out a due operation; yields between slices, while no lock is held. May be abandoned there."""
    tries = 0
    while True:
        prepared = _Prepared()
        try:
            if op.kind is Work.COPY and tries == _COPY_TRIES:
                with context.store.transaction():
                    deque(_prepare(context, op, prepared), maxlen=0)
                    finish(context, op, prepared)
            else:
                yield from _prepare(context, op, prepared)
                finish(context, op, prepared)
        except (contents.DroppedError, _ChangedError):
            tries += 1
        else:
            return
        finally:
            if prepared.content is not None:
                contents.discard(context.store, prepared.content)


def _prepare(context: Context, op: Operation, prepared: _Prepared) -> Iterator[None]:
    prepared.failure = outcome.ordered(op)
    if prepared.failure is not None or op.arguments.get("applied"):
        return
    match op.kind:
        case Work.UPDATE | Work.IMPORT:
            prepared.failure = outcome.refusal(op)
            if prepared.failure is None:
                yield from _judge(context, op, prepared)
        case Work.COPY:
            yield from _copy(context, op, prepared)


def _judge(context: Context, op: Operation, prepared: _Prepared) -> Iterator[None]:
    found = judged(context, op, prepared.tally)
    if op.kind is Work.IMPORT:
        prepared.content = contents.stage(context.store)
        yield from contents.fill(context.store, prepared.content, found)
        return
    for entry in found:
        prepared.found.append(entry)
        if len(prepared.found) % contents.SLICE == 0:
            yield


def _copy(context: Context, op: Operation, prepared: _Prepared) -> Iterator[None]:
    source = context.store.one("SELECT updated, content FROM datasets WHERE id = ?", op.arguments["source"])
    if source is None:
        prepared.failure = outcome.SOURCE_GONE
        return
    prepared.seen = source["updated"]
    prepared.content = contents.stage(context.store)
    yield from contents.copy(context.store, source["content"], prepared.content)


def finish(context: Context, op: Operation, prepared: _Prepared) -> None:
    """Make the effect of an operation visible, unless another process has finished it already."""
    with context.store.transaction() as db:
        if not db.execute("DELETE FROM operations WHERE id = ?", (op.id,)).rowcount:
            return
        bodies.release(db, op.body)
        if op.kind is Work.DELETE:
            remove_dataset(context, op.dataset, op.arn)
            return
        failure = prepared.failure
        if failure is None and not op.arguments.get("applied"):
            failure = _apply(context, op, prepared)
        if op.kind is Work.DISTRIBUTE:
            _conclude(context, op, op.arguments["partner"], failure)
        _conclude(context, op, op.dataset, failure)


def _apply(context: Context, op: Operation, prepared: _Prepared) -> Failure | None:
    match op.kind:
        case Work.DISTRIBUTE:
            return outcome.distribute(context, op)
        case Work.COPY:
            return _adopt_copy(context, op, prepared)
        case Work.UPDATE | Work.IMPORT:
            return submit(context, op, prepared)
        case _:
            return None


def _adopt_copy(context: Context, op: Operation, prepared: _Prepared) -> Failure | None:
    source = context.store.one("SELECT updated FROM datasets WHERE id = ?", op.arguments["source"])
    if source is None:
        return outcome.SOURCE_GONE
    if source["updated"] != prepared.seen or prepared.content is None:
        raise _ChangedError
    contents.adopt(context.store.db, op.dataset, prepared.content)
    return None


def submit(context: Context, op: Operation, prepared: _Prepared) -> Failure | None:
    """Apply the lines of an update or import; on failure, roll back and return the failure."""
    before = entries.stats(context.store, op.dataset)
    bucket = entries.bucket(context.store, op.dataset)
    with context.store.trial() as take_back:
        if prepared.content is not None:
            contents.adopt(context.store.db, op.dataset, prepared.content)
        else:
            entries.put(context.store, op.dataset, prepared.found)
        failure = outcome.objection(context, op, prepared.tally, before, bucket)
        if failure is not None:
            take_back()
    if failure is not None:
        entries.put(context.store, op.dataset, _leftovers(context, op))
    return failure


def apply_early(context: Context, dataset: int) -> None:
    """Apply an update before it is complete, so that its effect is visible at once."""
    (op,) = lifecycle.operations(context, "o.dataset = ?", dataset)
    prepared = _Prepared()
    deque(_prepare(context, op, prepared), maxlen=0)
    failure = prepared.failure or submit(context, op, prepared)
    with context.store.transaction() as db:
        db.execute(
            "UPDATE operations SET arguments = ? WHERE id = ?",
            (json.dumps({"applied": True, "failure": failure}), op.id),
        )


def judged(context: Context, op: Operation, tally: Tally) -> Iterator[Entry]:
    """Yield the entries that the payload of an operation becomes."""
    dropped = frozenset(op.arguments.get("drop", ()))
    with op.open() as payload:
        yield from judge(payload, context.settings.switches, tally, drop=dropped.__contains__)


def _leftovers(context: Context, op: Operation) -> Iterable[Entry]:
    """Yield the entries that a failed submission applies nevertheless."""
    match context.settings.switches.failed_update:
        case FailedUpdate.NOTHING:
            return
        case FailedUpdate.PREFIX:
            whole = tuple(judged(context, op, Tally()))
            yield from whole[: len(whole) // 2]
        case FailedUpdate.RANDOM:
            draw = random.Random(f"{context.settings.seed}:{op.arn}:{op.due}")  # noqa: S311
            yield from (entry for entry in judged(context, op, Tally()) if draw.random() < 0.5)


def _conclude(context: Context, op: Operation, dataset: int, failure: Failure | None) -> None:
    phase = "CREATE" if op.kind in CREATES else "UPDATE"
    if failure is None:
        status = (f"{phase}_COMPLETE", lifecycle.SUCCESS[op.kind], "SUCCESS")
    else:
        status = (f"{phase}_FAILED", failure.message, failure.code)
    lifecycle.set_status(context.store.db, dataset, *status)
    lifecycle.touch(context, dataset, op.due)


def remove_projects(context: Context, prefixes: tuple[str, ...]) -> None:
    """Delete the projects whose deletion is due and whose ARN begins so, with their datasets."""
    sql = "SELECT id, arn FROM projects WHERE due <= ?"
    if not context.store.all(sql, context.clock.now()):
        return
    with context.store.transaction() as db:
        for project in context.store.all(sql, context.clock.now()):
            if not project["arn"].startswith(prefixes):
                continue
            for dataset in context.store.all("SELECT id, arn FROM datasets WHERE project = ?", project["id"]):
                remove_dataset(context, dataset["id"], dataset["arn"])
            db.execute("DELETE FROM tags WHERE arn = ?", (project["arn"],))
            db.execute("DELETE FROM projects WHERE id = ?", (project["id"],))


def remove_dataset(context: Context, dataset: int, arn: str) -> None:
    """Delete a dataset. Its entries are freed later, see `contents`."""
    with context.store.transaction() as db:
        context.forget_past(dataset)
        contents.drop(db, dataset)
        for row in db.execute(
            "DELETE FROM operations WHERE dataset = ? RETURNING body", (dataset,)
        ).fetchall():
            bodies.release(db, row["body"])
        db.execute("DELETE FROM tags WHERE arn = ?", (arn,))
        db.execute("DELETE FROM datasets WHERE id = ?", (dataset,))
