"""Apply several datasets: a bad one does not stop the others. An error that ends an apply is a value here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import orjson
from msgspec.structs import replace

from reconciler.core.entries.training_view import meaning
from reconciler.core.planning.diff import Action
from reconciler.core.planning.plan import unplanned
from reconciler.core.status.result import AppliedLabel, DatasetResult
from reconciler.engine.dataset import outcome
from reconciler.engine.dataset.context import counting
from reconciler.engine.dataset.desired import Desired
from reconciler.engine.dataset.make_plan import Planned
from reconciler.engine.dataset.reconcile import apply
from reconciler.engine.log import bound
from reconciler.engine.usecases.each_dataset import Contexts, plan_of_failure, plan_of_unusable
from reconciler.errors import Exit, PlanOutdated, SourceError


def apply_each(
    plans: Iterable[tuple[Desired, Planned | None]], context_of: Contexts
) -> Iterator[DatasetResult]:
    """
    Apply every dataset; one that cannot be applied gives a result that says why.

    Args:
        plans: Exactly this plan is carried out, or nothing; without one, the dataset is planned for first.
    """
    for desired, pinned in plans:
        with bound(dataset=desired.name):
            try:
                if pinned is not None and not pinned.plan.was_computed:
                    yield outcome.unplanned(pinned.plan)
                elif not desired.usable:
                    yield outcome.unplanned(plan_of_unusable(desired))
                else:
                    yield _counted(desired, apply(desired, counting(context_of(desired)), pinned).result)
            except PlanOutdated as exc:
                yield outcome.outdated(unplanned(desired.name, (), Exit.DONE), str(exc))
            except Exception as exc:  # noqa: BLE001  as above
                yield outcome.unplanned(plan_of_failure(desired, exc))


def _counted(desired: Desired, result: DatasetResult) -> DatasetResult:
    """Count by label what was changed; not at all if a spec file has changed meanwhile."""
    added: Counter[str] = Counter()
    updated: Counter[str] = Counter()
    try:
        for item in result.changed:
            if item.change.desired is None:
                continue  # a blanked orphan
            shown = meaning(orjson.loads(desired.read(item.source_ref, item.change.desired)))
            labels = {*shown.labels, *(box.label for box in shown.boxes)}
            (added if item.action is Action.ADD else updated).update(labels)
    except SourceError:
        return result
    found = sorted(added.keys() | updated.keys())
    return replace(result, labels=tuple(AppliedLabel(label, added[label], updated[label]) for label in found))
