"""One dataset, once: find, observe, plan; and, to apply: guard, send, look again, remember."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from typing import Final

from reconciler.core.planning.cause import NOTHING_APPLIED
from reconciler.core.planning.diff import Action, Diff, compare
from reconciler.core.planning.plan import DatasetPlan
from reconciler.core.spec.choices import Mode
from reconciler.core.validation.unmatched import still_unmatched
from reconciler.engine.dataset import outcome
from reconciler.engine.dataset.apply import Sender, Sent
from reconciler.engine.dataset.bookkeeping import keep_back, keep_before, remember
from reconciler.engine.dataset.compose import Composer
from reconciler.engine.dataset.context import Context
from reconciler.engine.dataset.create import create
from reconciler.engine.dataset.desired import Desired
from reconciler.engine.dataset.listing import FileListing
from reconciler.engine.dataset.observation import Observation
from reconciler.engine.dataset.observe import find, observe
from reconciler.engine.dataset.outcome import Outcome
from reconciler.engine.dataset.planning import NOTHING_KNOWN, Known, make_plan
from reconciler.engine.dataset.resume import await_open, resume
from reconciler.engine.dataset.retry import patiently, settled
from reconciler.engine.dataset.verify import Seen, look_again, prove
from reconciler.engine.log import log
from reconciler.errors import (
    GatewayError,
    Interrupted,
    ListingMoved,
    PlanOutdated,
    RebuildUnfinished,
    ReconcilerError,
    Superseded,
    UsageError,
)

CLAIM_SECONDS: Final = 30.0
"""How long an apply waits for another process that is writing to the same dataset."""

LOOKS: Final = 3
"""How often a dataset that others keep changing is looked at before the apply gives up."""

NOTHING: Final = Diff((), 0, 0, 0, (), ())


@dataclass(frozen=True, slots=True)
class Look:
    """
    A plan, and the means to read the lines that it is about until it is closed.

    Attributes:
        diff: What the plan is made from.
        observation: The look that showed it; None where there was no dataset to look at.
    """

    plan: DatasetPlan
    composer: Composer
    diff: Diff = NOTHING
    observation: Observation | None = None

    def close(self) -> None:
        if self.observation is not None:
            self.observation.listing.close()


def look(desired: Desired, context: Context, patience_seconds: float) -> Look:
    """
    Observe one dataset and plan for it. Makes no call that writes.

    Raises:
        RebuildUnfinished, GatewayError: As `look_at_dataset`.
    """
    return plan_for(desired, look_at_dataset(desired, context, patience_seconds), context)


def look_at_dataset(desired: Desired, context: Context, patience_seconds: float) -> Observation | None:
    """
    Observe one dataset; None if there is none yet, and the spec allows to create it.

    Raises:
        RebuildUnfinished: It is being deleted and made anew.
        GatewayError: It could not be found, or not be seen whole.
    """
    refuse_while_rebuilding(desired.name, context)
    deadline = context.clock.now() + patience_seconds
    arn = find(desired, context.gateway, context.clock, deadline)
    if arn is None:
        return None
    await_open(desired.name, arn, context, deadline)
    return observe(desired, arn, context, deadline)


def compared_anew(desired: Desired, seen: Observation) -> Observation:
    """Compare what was observed with other specs of the same dataset. Costs no call."""
    return replace(seen, diff=compare(desired.index, seen.listing.lines(), desired.read, desired.equality))


def plan_for(desired: Desired, seen: Observation | None, context: Context) -> Look:
    """Plan for what was observed; None stands for a dataset that is to be created."""
    if seen is None:
        nothing = compare(desired.index, (), desired.read, desired.equality)
        composer = Composer(desired, None)
        return Look(_planned(desired, None, nothing, composer, context), composer, nothing)
    orphans = (change.source_ref for change in seen.diff.changes if change.action is Action.ORPHAN)
    for one in still_unmatched(desired.unmatched, orphans):
        log.warning("spec.unmatched", place=str(one.problem.origin), reason=one.problem.message)
    composer = Composer(desired, seen.listing)
    plan = replace(_planned(desired, seen.arn, seen.diff, composer, context), gap=seen.gap)
    return Look(plan, composer, seen.diff, seen)


def _planned(
    desired: Desired, arn: str | None, diff: Diff, composer: Composer, context: Context
) -> DatasetPlan:
    with context.tracer.span("plan", dataset_arn=arn) as span:
        known = _known(desired, arn, diff, context) if arn else NOTHING_KNOWN
        plan = make_plan(desired, arn, diff, composer, known)
        span.note(**plan.counts._asdict(), batches=len(plan.batches))
    return plan


def _known(desired: Desired, arn: str, diff: Diff, context: Context) -> Known:
    changed = [change.source_ref for change in diff.changes]
    return Known(
        base=NOTHING_APPLIED if desired.partial else context.memory.applied(desired.name, arn, changed),
        holds=context.memory.holds.of(desired.name),
        now=context.clock.now(),
    )


def refuse_while_rebuilding(name: str, context: Context) -> None:
    """
    Keep away from a dataset that a rebuild has deleted, or may have: it is missing on purpose.

    Raises:
        RebuildUnfinished: So it is.
    """
    rebuild = context.memory.rebuilds.of(name)
    if rebuild is not None and rebuild.step.leaves_nothing:
        ways = "finish it with rebuild --resume, or take it back with rebuild --undo"
        raise RebuildUnfinished(f"a rebuild was begun and stands at {rebuild.step.value!r}: {ways}")


def look_at_file(desired: Desired, listing: FileListing) -> Look:
    """
    Plan against a listing that was kept in a file.

    Raises:
        UsageError: It cannot be read as one.
    """
    try:
        diff = compare(desired.index, listing.lines(), desired.read, desired.equality)
    except GatewayError as exc:
        raise UsageError(f"{listing.path}: {exc}") from exc
    composer = Composer(desired, listing)
    return Look(make_plan(desired, None, diff, composer, NOTHING_KNOWN), composer, diff)


def apply(desired: Desired, context: Context, pinned: Look | None = None) -> Outcome:
    """
    Bring one dataset to what is desired, as far as its mode and the guards allow.

    Success is what a second look shows, never what a call returned.

    Args:
        pinned: Apply exactly this plan, or nothing; closed by the caller. Without it, a dataset that moves
            between the look and the first update is looked at again.

    Raises:
        Claimed: Another process is writing to the dataset.
        ReconcilerError: Before anything was sent: the dataset could not be seen, or not be made.
    """
    with ExitStack() as stack:
        deadline = context.clock.now() + CLAIM_SECONDS
        patiently(lambda: stack.enter_context(context.memory.claim(desired.name)), context.clock, deadline)
        return (
            _carried_out(desired, context, pinned) if pinned else _looked_at_and_carried_out(desired, context)
        )


def _looked_at_and_carried_out(desired: Desired, context: Context) -> Outcome:
    for _ in range(LOOKS):
        with closing(look(desired, context, _timeout(desired))) as seen:
            try:
                return _carried_out(desired, context, seen)
            except PlanOutdated:
                log.info("observe.restarted", reason="moved since it was planned")
    raise ListingMoved(f"others changed the dataset {LOOKS} times between the look and the first update")


def _carried_out(desired: Desired, context: Context, seen: Look) -> Outcome:
    """
    Send what was planned, and look again.

    Raises:
        PlanOutdated: The dataset is no longer as it was seen. Nothing was sent.
        Superseded: A newer commit took over. Nothing was sent.
    """
    plan = seen.plan
    if plan.mode is Mode.OBSERVE:
        return Outcome(outcome.observed(plan, seen.diff), seen.diff, seen.observation)
    if plan.guards:
        log.warning("plan.blocked", guards=[guard.code for guard in plan.guards])
        return Outcome(outcome.blocked(plan, seen.diff), seen.diff, seen.observation)
    arn = plan.arn or create(desired, context, _timeout(desired))
    resume(desired.name, arn, seen.observation, context)
    sent = Sent()
    try:
        if seen.observation and plan.batches:
            confirm(seen.observation, context, _timeout(desired))
            keep_before(desired, plan, seen.composer, context)
        Sender(plan, arn, seen.composer, context, _timeout(desired), sent).send()
        return _proven(desired, seen, arn, sent, context)
    except Interrupted:
        raise  # no outcome: the journal has what was begun, and the next start sees what became of it
    except ReconcilerError as exc:
        if isinstance(exc, PlanOutdated | Superseded) and not sent.updates:
            raise
        return Outcome(outcome.unseen(plan, arn, sent, exc))


def confirm(observation: Observation, context: Context, timeout: float) -> None:
    """
    Make sure that the dataset still is as it was seen.

    Raises:
        PlanOutdated: It is not.
    """
    deadline = context.clock.now() + timeout
    if settled(context.gateway, observation.arn, context.clock, deadline) != observation.description:
        raise PlanOutdated("the dataset changed after it was planned for; nothing was sent")


def _timeout(desired: Desired) -> float:
    return desired.spec.spec.schedule.update_timeout_seconds


def _proven(desired: Desired, seen: Look, arn: str, sent: Sent, context: Context) -> Outcome:
    """Look again at whatever was touched, and say what is in place."""
    plan, memory = seen.plan, context.memory
    items = [item for batch in plan.batches for item in batch.items]
    if sent.touched or seen.observation is None:
        deadline = context.clock.now() + _timeout(desired)
        with context.tracer.span("verify", dataset_arn=arn, entries=len(items)):
            after = look_again(desired, arn, items, seen.diff, sent, context, deadline)
    else:
        after = Seen(seen.diff, seen.observation)
    proof = prove(items, seen.diff, after.diff, sent, desired)
    log.info("verify.finished", in_place=len(proof.in_place), sent=len(sent.touched))
    different = [change.source_ref for change in plan.changes]
    if desired.partial:  # of the other entries nothing was learnt
        different += [ref for ref in memory.holds.of(desired.name) if ref not in desired.index]
    keep_back(desired.name, items, different, sent, proof, memory.holds, context.clock.now())
    if not desired.partial:
        remember(desired, arn, sent.touched, after.diff, memory)
    plan = replace(plan, gap=after.observation.gap) if after.observation else plan
    return Outcome(outcome.proven(plan, arn, sent, proof, after.diff), after.diff, after.observation)
