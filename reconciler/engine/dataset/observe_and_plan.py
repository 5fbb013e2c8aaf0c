"""Observe one dataset and plan from the observation; `make_plan` decides. Makes no call that writes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import count

import orjson
from msgspec import structs

from reconciler.core.entries.equality import field_changes_at
from reconciler.core.entries.image_view import LabelTally, Totals, view_of
from reconciler.core.entries.training_view import meaning
from reconciler.core.images.report import ImageProblems
from reconciler.core.planning.calls import Calls, Observed, forecast
from reconciler.core.planning.cause import NOTHING_APPLIED
from reconciler.core.planning.compare import compare
from reconciler.core.planning.diff import Action, Diff
from reconciler.core.planning.plan import MAX_VIEWS, DatasetPlan
from reconciler.core.spec.choices import ImagePolicy
from reconciler.core.validation.problem import Problem
from reconciler.core.validation.unmatched import still_unmatched, still_unmatched_paths
from reconciler.engine.dataset.context import Context
from reconciler.engine.dataset.desired import Desired
from reconciler.engine.dataset.incremental import may_wait_until, observe_incrementally
from reconciler.engine.dataset.listing import FileListing
from reconciler.engine.dataset.make_plan import NOTHING_KNOWN, Composer, PlanMemory, Planned, make_plan
from reconciler.engine.dataset.observe import Observation, cheapest_cover, find, observe
from reconciler.engine.dataset.prepare import await_open_updates
from reconciler.engine.dataset.retry import retry
from reconciler.engine.log import log
from reconciler.errors import GatewayError, RebuildUnfinished, UsageError


def observe_and_plan(desired: Desired, context: Context, wait_seconds: float) -> Planned:
    """
    Observe one dataset and plan for it. Makes no call that writes.

    Raises:
        RebuildUnfinished, GatewayError: As `observe_dataset`.
    """
    return plan_for(desired, observe_dataset(desired, context, wait_seconds, confirmed=True), context)


def observe_dataset(
    desired: Desired, context: Context, wait_seconds: float, *, confirmed: bool
) -> Observation | None:
    """
    Observe one dataset; None if there is none yet, and the spec allows to create it.

    Args:
        confirmed: Whether to make sure that it did not change while entries of it were read; otherwise the
            caller must, as an apply does before its first update.

    Raises:
        RebuildUnfinished: It is being deleted and recreated.
        GatewayError: It could not be found, or not be listed whole.
    """
    require_no_rebuild(desired.name, context)
    deadline = context.clock.now() + wait_seconds
    seen = observe_incrementally(desired, context, deadline)
    if seen is not None and (not confirmed or is_unchanged(seen, context, deadline)):
        return seen
    if seen is not None:
        seen.listing.close()
    arn = find(desired, context.gateway, context.clock, deadline)
    if arn is None:
        return None
    await_open_updates(desired.name, arn, context, deadline)
    return observe(desired, arn, replace(context, overtaken=_while_it_may_wait(desired, context)), deadline)


def _while_it_may_wait(desired: Desired, context: Context) -> Callable[[], object]:
    """Return the check that abandons a listing for an edit while another listing could still end in time."""
    until, clock, overtaken = may_wait_until(desired, context), context.clock, context.overtaken
    return lambda: overtaken() if clock.now() < until else None


def is_unchanged(seen: Observation, context: Context, deadline: float) -> bool:
    """Return whether the dataset stayed the same while it was observed; costs a call only if that is unknown."""
    if seen.is_confirmed:
        return True
    return retry(lambda: context.gateway.describe(seen.arn), context.clock, deadline) == seen.description


def compare_again(desired: Desired, seen: Observation) -> Observation:
    """Compare an observation with other specs of the same dataset. Costs no call."""
    return structs.replace(
        seen, diff=compare(desired.index, seen.listing.lines(), desired.read, desired.equality)
    )


def plan_for(desired: Desired, seen: Observation | None, context: Context) -> Planned:
    """Plan from an observation; None stands for a dataset that is to be created."""
    if seen:
        _log_unmatched(desired, seen)
    diff = seen.diff if seen else compare(desired.index, (), desired.read, desired.equality)
    composer = Composer(desired, seen.listing if seen else None)
    plan = _plan_with_memory(desired, seen.arn if seen else None, diff, composer, context)
    if seen:
        plan = structs.replace(plan, gap=seen.gap, observed=Observed(seen.kind, seen.at, seen.scanned_at))
    return Planned(_with_calls(plan, desired, diff, context), composer, diff, seen)


def _log_unmatched(desired: Desired, seen: Observation) -> None:
    orphans = (change.source_ref for change in seen.diff.changes if change.action is Action.ORPHAN)
    found = still_unmatched(desired.unmatched, orphans)
    if seen.incremental is None:  # an incremental observation does not hold every line
        found += still_unmatched_paths(desired.unmatched, lambda: (raw for raw, _, _ in seen.listing.lines()))
    for one in found:
        log.warning("spec.unmatched", place=str(one.problem.origin), reason=one.problem.message)


def _with_calls(plan: DatasetPlan, desired: Desired, diff: Diff, context: Context) -> DatasetPlan:
    """Return the plan with the calls that were made for it, and those that it will take."""
    touched = {item.source_ref for item in plan.sendable}
    ahead = {}
    if touched:
        proof = cheapest_cover(desired, diff, touched)
        ahead = forecast(len(plan.batches), proof, created=plan.arn is None)
    return structs.replace(plan, calls=Calls(dict(context.made), ahead))


def _plan_with_memory(
    desired: Desired, arn: str | None, diff: Diff, composer: Composer, context: Context
) -> DatasetPlan:
    with context.tracer.span("plan", dataset_arn=arn) as span:
        known = _known(desired, arn, diff, context) if arn else PlanMemory(now=context.clock.now())
        known = structs.replace(known, images=_images(desired, context))
        plan = make_plan(desired, arn, diff, composer, known)
        span.note(**plan.counts._asdict(), batches=len(plan.batches))
    return plan


def _known(desired: Desired, arn: str, diff: Diff, context: Context) -> PlanMemory:
    changed = [change.source_ref for change in diff.changes]
    return PlanMemory(
        base=NOTHING_APPLIED if desired.partial else context.memory.applied(desired.name, arn, changed),
        quarantine=context.memory.quarantine.of(desired.name),
        now=context.clock.now(),
    )


def _images(desired: Desired, context: Context) -> ImageProblems | None:
    """Return how images are checked; None if the policy, or the command, does not check them."""
    images_of = context.images
    if desired.policy.images is ImagePolicy.IGNORE or images_of is None:
        return None
    from reconciler.engine.images.check import check_some  # few policies have them checked

    def problems(source_refs: Sequence[str]) -> Mapping[str, tuple[Problem, ...]]:
        images, memory = images_of(desired.target), context.memory.images
        with context.tracer.span("images", images=len(source_refs)):
            found = check_some(desired.name, source_refs, desired.stated_sizes, images, memory)
        if found:
            codes = Counter(problem.code for problems in found.values() for problem in problems)
            log.warning("plan.images", images=len(found), codes=dict(sorted(codes.items())))
        return found

    return problems


def require_no_rebuild(name: str, context: Context) -> None:
    """
    Refuse a dataset that a rebuild has deleted, or may have: it is missing on purpose.

    Raises:
        RebuildUnfinished: A rebuild has begun to delete it.
    """
    rebuild = context.memory.rebuilds.of(name)
    if rebuild is not None and rebuild.step.leaves_nothing:
        ways = "finish it with rebuild --resume, or take it back with rebuild --undo"
        raise RebuildUnfinished(f"a rebuild was begun and stands at {rebuild.step.value!r}: {ways}")


def plan_against_listing(desired: Desired, listing: FileListing) -> Planned:
    """
    Plan against a listing in a file.

    Raises:
        UsageError: It cannot be read as one.
    """
    try:
        diff = compare(desired.index, listing.lines(), desired.read, desired.equality)
    except GatewayError as exc:
        raise UsageError(f"{listing.path}: {exc}") from exc
    composer = Composer(desired, listing)
    return Planned(make_plan(desired, None, diff, composer, NOTHING_KNOWN), composer, diff)


def explained(plan: DatasetPlan, composer: Composer, desired: Desired | None = None) -> DatasetPlan:
    """
    Return the plan with both sides of the first selected changes, what becomes of each label of theirs, and the
    differing fields of every selected update: in full for the first, in outline for the rest.

    Args:
        desired: Also count the images and boxes of each label before and after; None does not.
    """
    updates, tally, viewed = count(), LabelTally(), 0
    totals = Totals() if desired and _are_countable(plan, desired) else None
    changes = []
    for item in plan.changes:
        chosen = not item.is_not_selected
        is_update, is_viewed = chosen and item.action is Action.UPDATE, chosen and viewed < MAX_VIEWS
        if not (is_update or is_viewed or totals):
            changes.append(item)
            continue
        before = composer.observed(item.change)
        after = None if item.change.desired is None else composer.merged(item.change)
        fields = field_changes_at(next(updates))(before, after) if is_update and before and after else ()
        seen = view_of(after, before) if is_viewed or totals else None
        if totals and seen:
            totals.add(seen, sent=item.sent is not None)
        viewed += is_viewed
        if seen and item.sent is not None:
            tally.add(seen.turned)
        changes.append(structs.replace(item, fields=fields, view=seen if is_viewed else None))
    labels = tally.summary()
    if totals and desired:
        labels = labels._replace(totals=totals.images(desired.facts.labels))
        if totals.has_other_boxes and len(desired.index) <= MAX_VIEWS:  # this reads the lines once more
            labels = labels._replace(boxes=totals.boxes(_boxes_by_label(desired)))
    return structs.replace(plan, changes=tuple(changes), labels=labels)


def _are_countable(plan: DatasetPlan, desired: Desired) -> bool:
    """Return whether the images of each label can be counted: every line is known, and few enough differ."""
    is_whole = plan.complete and plan.gap is None and not desired.partial
    return is_whole and len(plan.changes) <= MAX_VIEWS


def _boxes_by_label(desired: Desired) -> Counter[str]:
    """Return the number of boxes of each label in all desired lines."""
    found: Counter[str] = Counter()
    for raw, _, _ in desired.usable_lines():
        found.update([box.label for box in meaning(orjson.loads(raw)).boxes])
    return found
