"""Prepare a dataset for updates: create it if it is missing, and wait for earlier updates that are still open."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from reconciler.core.planning.plan import Creation
from reconciler.core.runtime.backoff import poll_delay
from reconciler.core.spec.choices import Arn
from reconciler.core.spec.documents import Target
from reconciler.engine.dataset.context import Context
from reconciler.engine.dataset.desired import Desired
from reconciler.engine.dataset.observe import Observation, as_text
from reconciler.engine.dataset.retry import await_settled, retry
from reconciler.engine.log import log
from reconciler.errors import AlreadyExists, Denied, GatewayError, PlanOutdated
from reconciler.ports import Description, Gateway, OpenUpdate

OPEN_SECONDS: Final = 90.0
"""How long after an update was begun it may still arrive, and its dataset be as before."""


def watch(
    arn: str,
    context: Context,
    begun_at: float,
    has_changed: Callable[[Description], bool],
    deadline: float | None = None,
) -> bool:
    """
    Wait until a dataset has changed since an update was begun; return False if it has not while it still might.

    Args:
        deadline: Until when to wait at most, in seconds since the epoch.
    """
    clock = context.clock
    until, polls = min(begun_at, clock.now()) + OPEN_SECONDS, 0
    until = until if deadline is None else min(until, deadline)
    while not has_changed(retry(lambda: context.gateway.describe(arn), clock, until)):
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
            watch(arn, context, begun.begun_at, partial(_has_changed, begun.description), deadline)


def _has_changed(before: str, description: Description) -> bool:
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


def _open(dataset: str, arn: str, context: Context) -> list[OpenUpdate]:
    return [begun for begun in context.memory.journal.unfinished(dataset) if begun.arn == arn]


def _may_arrive(begun: OpenUpdate, seen: Observation) -> bool:
    return not _has_changed(begun.description, seen.description) and seen.at < begun.begun_at + OPEN_SECONDS


def create(desired: Desired, context: Context, timeout: float) -> str:
    """
    Return the ARN of the dataset, once it can be updated.

    Another client may create either at the same moment: then that one is used.

    Raises:
        Denied: The spec expects another account than the one these credentials are of.
        GatewayError: It could not be created, or was not ready after *timeout* seconds.
    """
    target = desired.target
    gateway, clock = context.gateway, context.clock
    deadline = clock.now() + timeout
    arn = retry(lambda: _find_or_create(target, gateway), clock, deadline)
    await_settled(gateway, arn, clock, deadline)
    return arn


def creation(desired: Desired, context: Context) -> Creation:
    """Return the resources that `create` would create now. Makes no call that writes."""
    gateway, (project, kind) = context.gateway, desired.target.identity
    account, new = desired.target.account_id, None
    try:
        found = gateway.locate(project, kind).project_arn
        new = None if found else project
        account = Arn.parse(found).account if found else gateway.account()
    except GatewayError:  # the plan itself is good
        pass
    return Creation(account, gateway.region, new, kind)


def _find_or_create(target: Target, gateway: Gateway) -> str:
    project, kind = target.identity
    found = gateway.locate(project, kind)
    if found.dataset_arn is not None:
        return found.dataset_arn
    if target.account_id:
        _refuse_foreign(target.account_id, found.project_arn, gateway)
    project_arn = found.project_arn or _create_or_find(
        lambda: gateway.create_project(project), lambda: gateway.locate(project, kind).project_arn
    )
    return _create_or_find(
        lambda: gateway.create_dataset(project_arn, kind), lambda: gateway.locate(project, kind).dataset_arn
    )


def _create_or_find(make: Callable[[], str], known: Callable[[], str | None]) -> str:
    """Create a resource and return its ARN; if another client or apply has just created it, return that ARN."""
    try:
        return make()
    except AlreadyExists:
        if (arn := known()) is None:
            raise
        return arn


def _refuse_foreign(expected: str, project_arn: str | None, gateway: Gateway) -> None:
    """Raise Denied if this is not the account that the spec expects; only without a project is it asked for."""
    account = Arn.parse(project_arn).account if project_arn else gateway.account()
    if account != expected:
        raise Denied(f"the credentials are of account {account}, spec.target.accountId says {expected}")
