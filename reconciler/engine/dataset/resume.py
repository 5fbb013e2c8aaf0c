"""Wait for updates whose result is not known: their process was killed, or their call was not answered."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from reconciler.core.runtime.backoff import poll_delay
from reconciler.engine.dataset.context import Context
from reconciler.engine.dataset.observe import Observation, as_text
from reconciler.engine.dataset.retry import retry
from reconciler.engine.log import log
from reconciler.errors import PlanOutdated
from reconciler.ports import Begun, Description

OPEN_SECONDS: Final = 90.0
"""How long after an update was begun it may still arrive, and its dataset be as before."""


def watch(
    arn: str,
    context: Context,
    begun_at: float,
    moved: Callable[[Description], bool],
    deadline: float | None = None,
) -> bool:
    """
    Wait until a dataset has moved since an update was begun; return False if it has not while it still might.

    Args:
        deadline: Until when to wait at most, in seconds since the epoch.
    """
    clock = context.clock
    until, polls = min(begun_at, clock.now()) + OPEN_SECONDS, 0
    until = until if deadline is None else min(until, deadline)
    while not moved(retry(lambda: context.gateway.describe(arn), clock, until)):
        if clock.now() >= until:
            return False
        clock.sleep(min(poll_delay(polls), until - clock.now()))
        polls += 1
    return True


def await_open_updates(dataset: str, arn: str, context: Context, deadline: float) -> None:
    """Before a dataset is observed, wait for updates that an earlier process began; no call without any."""
    for begun in _open(dataset, arn, context):
        if begun.begun_at + OPEN_SECONDS > context.clock.now():
            log.info("update.awaited", entries=len(begun.source_refs))
            watch(arn, context, begun.begun_at, partial(_has_moved, begun.description), deadline)


def _has_moved(before: str, description: Description) -> bool:
    return as_text(description) != before


def resume(dataset: str, arn: str, seen: Observation | None, context: Context) -> None:
    """
    Close the journal entries of updates that an earlier process began and did not end.

    The observation already shows their effect: what arrived is not planned for again, what did not arrive is.
    So it suffices to close their journal entries, if the dataset was observed late enough.

    Raises:
        PlanOutdated: One of them may have arrived since, or still arrive.
    """
    if any(seen is None or _may_arrive(begun, seen) for begun in _open(dataset, arn, context)):
        raise PlanOutdated("an update of an earlier process was still open when the dataset was observed")
    for begun in context.memory.journal.unfinished(dataset):
        same = begun.arn == arn
        log.info("update.resumed", entries=len(begun.source_refs), same_dataset=same)
        context.memory.journal.end(begun.number, "unknown: the process ended first")


def _open(dataset: str, arn: str, context: Context) -> list[Begun]:
    return [begun for begun in context.memory.journal.unfinished(dataset) if begun.arn == arn]


def _may_arrive(begun: Begun, seen: Observation) -> bool:
    return not _has_moved(begun.description, seen.description) and seen.at < begun.begun_at + OPEN_SECONDS
