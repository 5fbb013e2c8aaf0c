"""Plan several datasets: a bad one does not stop the others. An error that ends a plan is a value here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path

from msgspec.structs import replace

from reconciler.core.planning.plan import DatasetPlan, PlanError, errors_of, unplanned
from reconciler.engine.dataset.context import Context, counting
from reconciler.engine.dataset.desired import Desired
from reconciler.engine.dataset.listing import FileListing
from reconciler.engine.dataset.make_plan import Composer, Planned
from reconciler.engine.dataset.observe_and_plan import explained, observe_and_plan, plan_against_listing
from reconciler.engine.dataset.prepare import creation
from reconciler.engine.log import bound, log
from reconciler.errors import Interrupted, SpecError, named
from reconciler.ports import BrokenDataset

WAIT_SECONDS = 20.0
"""How long a command that only reads waits for a dataset that is busy."""

Contexts = Callable[[Desired], Context]


def plan_each(datasets: Iterable[Desired], context_of: Contexts) -> Iterator[DatasetPlan]:
    """Plan for every dataset, and explain; one that cannot be planned gives a plan that says why."""
    for desired, seen in open_plans(datasets, context_of):
        with closing(seen):
            try:
                plan = detailed(desired, seen, context_of)
            except Exception as exc:  # noqa: BLE001  a spec file that changes at this very moment
                plan = plan_of_failure(desired, exc)
        yield plan


def detailed(desired: Desired, seen: Planned, context_of: Contexts) -> DatasetPlan:
    """Return a plan as it is shown: with the fields that differ, and what would be created."""
    plan = explained(seen.plan, seen.composer, desired)
    if not plan.creates_dataset:
        return plan
    made, calls = creation(desired, context_of(desired)), plan.calls
    if made.project and calls.forecast:
        calls = replace(calls, forecast={**calls.forecast, "CreateProject": 1})
    return replace(plan, creation=made, calls=calls)


def plan_against(desired: Desired, path: Path) -> DatasetPlan:
    """
    Plan against a listing in a file, and explain.

    Raises:
        UsageError: It cannot be read as one.
    """
    if not desired.usable:
        return plan_of_unusable(desired)
    with closing(FileListing(path)) as listing:
        seen = plan_against_listing(desired, listing)
        return explained(seen.plan, seen.composer, desired)


def open_plans(datasets: Iterable[Desired], context_of: Contexts) -> Iterator[tuple[Desired, Planned]]:
    """Observe and plan for every dataset; the lines of a plan can be read until the caller closes it."""
    for desired in datasets:
        with bound(dataset=desired.name):
            if not desired.usable:
                seen = Planned(plan_of_unusable(desired), Composer(desired, None))
            else:
                try:
                    seen = observe_and_plan(desired, counting(context_of(desired)), WAIT_SECONDS)
                except Exception as exc:  # noqa: BLE001  where a dataset's failure becomes a value
                    seen = Planned(plan_of_failure(desired, exc), Composer(desired, None))
        yield desired, seen


def plan_of_unusable(desired: Desired) -> DatasetPlan:
    """Return the plan of a dataset whose specs cannot be used, so that its desired state is unknown."""
    return unplanned(desired.name, errors_of(desired.errors), desired.exit_code)


def broken(dataset: BrokenDataset) -> DatasetPlan:
    """Return the plan of a dataset whose document could not be read."""
    return unplanned(dataset.name, errors_of(dataset.problems), SpecError.exit_code)


def plan_of_failure(desired: Desired, exc: Exception) -> DatasetPlan:
    """Return the plan of a dataset that an error ended, which says why; of an interruption, raise it again."""
    if isinstance(exc, Interrupted):
        raise exc
    reason = named(exc)
    log.warning("dataset.failed", error=type(exc).__name__, reason=str(reason))
    return unplanned(desired.name, (PlanError(reason.code, str(reason)),), reason.exit_code)
