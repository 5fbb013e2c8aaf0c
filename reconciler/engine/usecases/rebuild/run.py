"""Run, resume or undo a rebuild; a failure after the backups is a result that says where they are."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import NamedTuple

from msgspec import structs

from reconciler.core.planning.diff import Action, Diff
from reconciler.core.planning.plan import PlanError, unplanned
from reconciler.core.status.result import DatasetResult, EntryProblem, Verdict
from reconciler.engine.dataset import outcome
from reconciler.engine.dataset.bookkeeping import record_applied
from reconciler.engine.dataset.desired import Desired
from reconciler.engine.dataset.observe import OVERRIDE, observe
from reconciler.engine.dataset.observe_and_plan import observe_and_plan
from reconciler.engine.dataset.reconcile import claimed, require_unchanged
from reconciler.engine.dataset.send import SentUpdates
from reconciler.engine.dataset.verify import stored_with_errors
from reconciler.engine.usecases.rebuild.begin import Order, blocks, keep_everything
from reconciler.engine.usecases.rebuild.steps import (
    RebuildContext,
    finish,
    first_undo_step,
    list_content,
    step_to_resume,
)
from reconciler.errors import Exit, ListingIncomplete, ReconcilerError, UsageError
from reconciler.ports import Rebuild, RebuildStep

UNFINISHED = "REBUILD_UNFINISHED"


class Rebuilt(NamedTuple):
    """
    The outcome of a rebuild.

    Attributes:
        rebuild: The last state of the rebuild; None if it never began.
        removed: By how many entries the dataset shrank.
    """

    result: DatasetResult
    rebuild: Rebuild | None = None
    removed: int = 0


def rebuild(desired: Desired, context: RebuildContext, order: Order) -> Rebuilt:
    """
    Delete the dataset and create it again with exactly the desired entries.

    Raises:
        UsageError: There is no dataset, or a rebuild of it is unfinished.
        ReconcilerError: The dataset could not be observed or backed up; nothing was changed.
    """
    with claimed(desired.name, context.dataset):
        if known := context.dataset.memory.rebuilds.of(desired.name):
            raise UsageError(
                f"a rebuild was begun and stands at {known.step.value!r}: --resume it, or --undo it"
            )
        return _begin(desired, context, order)


def resume(desired: Desired, context: RebuildContext) -> Rebuilt:
    """
    Finish an unfinished rebuild.

    Raises:
        UsageError: There is none, or it is being undone.
        ReconcilerError: The dataset could not be observed or backed up; nothing was changed.
    """
    with claimed(desired.name, context.dataset):
        known = _known(desired.name, context)
        if known.undoing:
            raise UsageError(
                f"this rebuild is being undone, and stands at {known.step.value!r}: finish with --undo"
            )
        if known.step is RebuildStep.KEEPING:  # nothing is changed, and the backups may be incomplete
            context.dataset.memory.rebuilds.forget(desired.name)
            return _begin(desired, context, Order(known.plan, known.bucket, known.prefix, confirmed=True))
        return _guided(
            known,
            context,
            lambda: _run_remaining_steps(step_to_resume(known, context), desired, context),
        )


def undo(name: str, context: RebuildContext) -> Rebuilt:
    """
    Restore exactly the entries that the dataset held before the rebuild.

    They are compared with the backup, not with the desired entries, so the verdict is `observed`.

    Raises:
        UsageError: There is no unfinished rebuild.
    """
    with claimed(name, context.dataset):
        known = _known(name, context)
        return _guided(known, context, lambda: _undone(known, context))


def _known(name: str, context: RebuildContext) -> Rebuild:
    known = context.dataset.memory.rebuilds.of(name)
    if known is None:
        raise UsageError(f"no rebuild of {name!r} was begun from this state directory, or it is over")
    return known


def _begin(desired: Desired, context: RebuildContext, order: Order) -> Rebuilt:
    whole = replace(context.dataset, full=True)  # every line is backed up, and is read for that
    with closing(observe_and_plan(desired, whole, context.timeout)) as seen:
        plan = seen.plan
        if seen.observation is None:
            raise UsageError("there is no dataset to be rebuilt; apply makes it")
        if seen.observation.gap is not None:
            raise ListingIncomplete(
                f"{seen.observation.gap}: a rebuild would lose what is not listed; {OVERRIDE}"
            )
        if guards := blocks(desired, plan, seen.observation, order, context):
            return Rebuilt(outcome.blocked(structs.replace(plan, guards=guards)))
        try:
            kept = keep_everything(desired, plan, seen.observation, order, context)
            require_unchanged(seen.observation, context.dataset, context.timeout)
        except ReconcilerError:
            context.dataset.memory.rebuilds.forget(desired.name)  # nothing was changed: nothing to finish
            raise
        done = _guided(kept, context, lambda: _run_remaining_steps(kept, desired, context))
    if not done.result.verified:
        return done
    return done._replace(
        result=structs.replace(done.result, added=plan.counts.add, updated=plan.counts.update)
    )


def _run_remaining_steps(start: Rebuild, desired: Desired, context: RebuildContext) -> Rebuilt:
    """Run the remaining steps and compare the whole dataset with the desired entries."""
    done = finish(start, context)
    seen = observe(desired, done.new_arn or "", context.dataset, context.deadline)
    seen.listing.close()
    memory, removed = context.dataset.memory, done.before.entries - seen.diff.observed
    record_applied(desired, seen.arn, (), seen.diff, memory)
    memory.observations.put(desired.name, None)
    changed = {change.source_ref for change in seen.diff.changes}
    memory.quarantine.put(
        desired.name, (), [ref for ref in memory.quarantine.of(desired.name) if ref not in changed]
    )
    judged = _judged(desired, seen.arn, seen.diff)
    result = structs.replace(judged, complete=seen.gap is None, gap=seen.gap)
    if not changed:
        memory.rebuilds.forget(desired.name)
        return Rebuilt(result, done, removed)
    return Rebuilt(structs.replace(result, errors=(*result.errors, _way_out(done))), done, removed)


def _judged(desired: Desired, arn: str, diff: Diff) -> DatasetResult:
    def entry_problems(action: Action, reason: str) -> tuple[EntryProblem, ...]:
        found = (change for change in diff.changes if change.action is action)
        return tuple(EntryProblem(c.source_ref, desired.origin_of_ref(c.source_ref), reason) for c in found)

    dropped = entry_problems(Action.ADD, "in the manifest, and then absent")
    other = entry_problems(Action.UPDATE, "in the manifest, and observed with other content")
    strange = entry_problems(Action.ORPHAN, "not in the manifest, and observed all the same")
    rejected = stored_with_errors(diff.errored, desired)
    partial = bool(dropped or other or strange or rejected)
    return DatasetResult(
        name=desired.name,
        arn=arn,
        verdict=Verdict.PARTIAL if partial else Verdict.CONVERGED,
        verified=True,
        quarantined=(*other, *strange),
        dropped=dropped,
        rejected=rejected,
        exit_code=Exit.PARTIAL if partial else Exit.DONE,
    )


def _undone(known: Rebuild, context: RebuildContext) -> Rebuilt:
    back = first_undo_step(known, context)
    memory = context.dataset.memory
    if back is None:
        memory.rebuilds.forget(known.dataset)
        return Rebuilt(DatasetResult(known.dataset, known.old_arn, Verdict.OBSERVED, verified=True), known)
    done = finish(back, context)
    arn = done.new_arn or ""
    found = list_content(arn, done, context)
    memory.observations.put(known.dataset, None)
    result = DatasetResult(known.dataset, arn, Verdict.OBSERVED, verified=True)
    if found == done.before:
        memory.rebuilds.forget(known.dataset)
        return Rebuilt(result, done)
    text = (
        f"the dataset holds {found.entries} entries, and not just what the {done.before.entries} before were"
    )
    errors = (PlanError("REBUILD", text), _way_out(done))
    return Rebuilt(
        structs.replace(result, verdict=Verdict.PARTIAL, errors=errors, exit_code=Exit.PARTIAL), done
    )


def _guided(known: Rebuild, context: RebuildContext, act: Callable[[], Rebuilt]) -> Rebuilt:
    """Return the result of *act*; if it fails, a result with the step reached and how to go on."""
    try:
        return act()
    except ReconcilerError as exc:
        now = context.dataset.memory.rebuilds.of(known.dataset) or known
        blank = unplanned(known.dataset, (), Exit.DONE)
        failed = outcome.unseen(blank, now.new_arn or now.old_arn, SentUpdates(), exc)
        return Rebuilt(structs.replace(failed, errors=(*failed.errors, _way_out(now))), now)


def _way_out(known: Rebuild) -> PlanError:
    """Return an error that says how to finish or undo the rebuild, and where the backups are."""
    forward = "" if known.undoing else "rebuild --resume finishes it, "
    text = (
        f"the rebuild stands at {known.step.value!r}: {forward}rebuild --undo brings the old entries back; "
        f"they are kept in s3://{known.bucket}/{known.key('before')} and as snapshot {known.snapshot}"
    )
    return PlanError(UNFINISHED, text)
