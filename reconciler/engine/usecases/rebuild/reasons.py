"""The guards that stop a rebuild: those of an apply, and more, since it deletes."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.core.planning.diff import Action, Diff
from reconciler.core.planning.guard import Guard
from reconciler.core.planning.plan import DatasetPlan, Plan
from reconciler.core.spec.choices import Mode, Orphans
from reconciler.engine.dataset.desired import Desired
from reconciler.engine.dataset.planning import guards_of
from reconciler.engine.usecases.rebuild.context import RebuildContext
from reconciler.errors import Denied, Rejected, UnknownAnswer


def digest_of(plan: DatasetPlan) -> str:
    """Return the digest of a plan for this dataset alone, which a rebuild must be given."""
    return Plan((plan,)).digest


def reasons(desired: Desired, plan: DatasetPlan, diff: Diff, digest: str) -> Iterator[Guard]:
    """Yield the guards that follow from the plan. An orphan counts as an overwritten entry."""
    if plan.mode is not Mode.UPSERT:
        yield Guard(
            "MODE", f"policy.mode is {plan.mode}; to delete a dataset and create it again, it must be upsert"
        )
    if plan.orphans is not Orphans.REBUILD:
        yield Guard("ORPHANS", f"policy.orphans is {plan.orphans}; if it is meant, set it to rebuild")
    if desired.target.dataset_arn is not None:
        way_out = "the new one will have another ARN: name it by project and type"
        yield Guard(
            "DATASET_ARN", f"spec.target.datasetArn names the dataset that would be deleted; {way_out}"
        )
    if (now := digest_of(plan)) != digest:
        yield Guard("PLAN_OUTDATED", f"the plan is another one by now, its digest is {now}; look at it first")
    if not plan.complete:
        yield Guard(
            "INCOMPLETE", "not every line of the specs can be used: what they are about would be deleted"
        )
    if not plan.counts.orphan:
        yield Guard("NO_ORPHANS", "there is no orphan to be removed; apply does all the rest")
    if left := [item for item in plan.changes if item.sent is None and item.action is not Action.ORPHAN]:
        why = "quarantined, or withheld by the policy; a rebuild would apply them all"
        yield Guard("LEFT", f"{len(left)} entries are {why}: {left[0].source_ref}")
    touched = [item for item in plan.changes if item.sent is not None or item.action is Action.ORPHAN]
    yield from guards_of(desired, plan.arn, diff, touched)


def in_use(project_arn: str, context: RebuildContext, *, confirmed: bool) -> Iterator[Guard]:
    """
    Yield a guard if a model of the project is being trained, which reads the dataset.

    AWS shows no other use, such as a person in the console or another tool. Their writes between observation
    and deletion are detected, later ones are not.

    Args:
        confirmed: Whether the operator confirms that nothing uses the dataset; required if trainings cannot
            be listed.
    """
    try:
        trainings = context.gateway.trainings(project_arn)
    except (Denied, Rejected, UnknownAnswer) as exc:
        if not confirmed:
            yield Guard(
                "UNSEEN_USE", f"whether a training is running cannot be seen ({exc}); if none is, add --yes"
            )
        return
    if trainings:
        yield Guard(
            "IN_USE", f"a training is running that reads the dataset: {', '.join(trainings)}; wait for it"
        )
