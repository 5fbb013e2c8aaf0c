"""Create a missing project and an empty dataset, where the spec says so."""

from __future__ import annotations

from reconciler.core.spec.arn import Arn
from reconciler.core.spec.choices import DatasetType
from reconciler.core.spec.documents import Target
from reconciler.engine.dataset.context import Context
from reconciler.engine.dataset.desired import Desired
from reconciler.engine.dataset.retry import await_settled, retry
from reconciler.errors import AlreadyExists, Denied
from reconciler.ports import Gateway


def create(desired: Desired, context: Context, timeout: float) -> str:
    """
    Return the ARN of the dataset, once it can be updated.

    Another client may create either at the same moment: then that one is used.

    Raises:
        Denied: The spec expects another account than the one these credentials are of.
        GatewayError: It could not be made, or was not ready after *timeout* seconds.
    """
    target = desired.target
    gateway, clock = context.gateway, context.clock
    deadline = clock.now() + timeout
    arn = retry(lambda: _made(target, gateway), clock, deadline)
    await_settled(gateway, arn, clock, deadline)
    return arn


def _made(target: Target, gateway: Gateway) -> str:
    project, kind = target.identity
    found = gateway.locate(project, kind)
    if found.dataset_arn is not None:
        return found.dataset_arn
    if target.account_id:
        _refuse_foreign(target.account_id, found.project_arn, gateway)
    project_arn = found.project_arn or _project_made(project, kind, gateway)
    try:
        return gateway.create_dataset(project_arn, kind)
    except AlreadyExists:
        theirs = gateway.locate(project, kind).dataset_arn
        if theirs is None:
            raise
        return theirs


def _project_made(project: str, kind: DatasetType, gateway: Gateway) -> str:
    try:
        return gateway.create_project(project)
    except AlreadyExists:  # the other dataset of the project is being made beside us
        theirs = gateway.locate(project, kind).project_arn
        if theirs is None:
            raise
        return theirs


def _refuse_foreign(expected: str, project_arn: str | None, gateway: Gateway) -> None:
    """Raise Denied if this is not the account that the spec expects; only without a project is it asked for."""
    account = Arn.parse(project_arn).account if project_arn else gateway.account()
    if account != expected:
        raise Denied(f"the credentials are of account {account}, spec.target.accountId says {expected}")
