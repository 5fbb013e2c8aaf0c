"""Observe, plan, apply and prove: the one way to bring a dataset to its desired state."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Final

from msgspec.structs import replace

from reconciler.core.spec.choices import Mode
from reconciler.engine.dataset import outcome
from reconciler.engine.dataset.bookkeeping import (
    back_up_overwritten,
    record_applied,
    remember_entries,
    update_quarantine,
)
from reconciler.engine.dataset.context import Context
from reconciler.engine.dataset.desired import Desired
from reconciler.engine.dataset.incremental import carried, changed_since_applied
from reconciler.engine.dataset.make_plan import Planned
from reconciler.engine.dataset.observe import Observation
from reconciler.engine.dataset.observe_and_plan import compare_again, observe_dataset, plan_for
from reconciler.engine.dataset.outcome import Outcome
from reconciler.engine.dataset.prepare import create, resume
from reconciler.engine.dataset.retry import await_settled, retry
from reconciler.engine.dataset.send import CHANGED_SINCE, Sender, SentUpdates
from reconciler.engine.dataset.verify import Proof, SecondObservation, observe_again, prove
from reconciler.engine.log import log
from reconciler.errors import (
    Interrupted,
    ListingMoved,
    PlanOutdated,
    ReconcilerError,
    StateError,
    Superseded,
    named,
)

CLAIM_SECONDS: Final = 30.0
"""How long an apply waits for another process that is writing to the same dataset."""

OBSERVATIONS: Final = 3
"""How often a dataset that others keep changing is observed before it is left for later."""


@contextmanager
def claimed(name: str, context: Context) -> Iterator[None]:
    """
    Keep other processes from writing to a dataset within the block.

    Raises:
        Claimed: Another process is writing to it.
    """
    deadline = context.clock.now() + CLAIM_SECONDS
    with ExitStack() as stack:
        retry(lambda: stack.enter_context(context.memory.claim(name)), context.clock, deadline)
        yield


class Session:
    """
    What the attempts to reconcile one dataset share: the claim on it, and what was observed of it.

    An observation outlives the plan that was made from it, so that newer specs cost no second listing.

    Args:
        timeout: Seconds that an observation waits for a dataset that is busy.
    """

    def __init__(self, name: str, context: Context, timeout: float) -> None:
        self.context = context
        self._name = name
        self._timeout = timeout
        self._observation: Observation | None = None
        self._is_claimed = False

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """
        Keep other processes from writing to the dataset within the block; may be nested.

        Raises:
            Claimed: Another process is writing to it.
        """
        if self._is_claimed:
            yield
            return
        with claimed(self._name, self.context):
            self._is_claimed = True
            try:
                yield
            finally:
                self._is_claimed = False

    def plan(self, desired: Desired) -> Planned:
        """
        Plan from the last observation, or from a new one if there is none. The plan can be read until the next.

        Raises:
            ReconcilerError: As `observe_dataset`.
        """
        if self._observation is not None and (self._observation.gap or self._observation.incremental):
            self.close()  # only what some names needed was read, and other names are desired now
        if self._observation is None:
            self._observation = observe_dataset(desired, self.context, self._timeout, confirmed=False)
        else:
            self._observation = compare_again(desired, self._observation)
        return plan_for(desired, self._observation, self.context)

    def close(self) -> None:
        """Forget what was observed."""
        if self._observation is not None:
            self._observation.listing.close()
            self._observation = None


def reconcile(desired: Desired, session: Session, review: Callable[[Planned], object]) -> Outcome:
    """
    Observe, plan, apply and prove: bring one dataset to its desired state, as far as mode and guards allow.

    Success is what a second observation shows, never what a call returned. A dataset that changes between
    the observation and the first update is observed again.

    Args:
        review: Called with each plan before it is carried out; raises to stop that.

    Raises:
        Claimed: Another process is writing to the dataset.
        Superseded: A newer commit took over. Nothing was sent.
        ReconcilerError: Before anything was sent: the dataset could not be observed, or not be created.
    """
    for _ in range(OBSERVATIONS):
        planned = session.plan(desired)
        review(planned)
        try:
            with session.claimed():
                return _counted(_carry_out(desired, session.context, planned), session.context)
        except PlanOutdated:
            log.info("observe.restarted", reason="moved since it was planned")
            session.close()
    raise ListingMoved(
        f"others changed the dataset {OBSERVATIONS} times between the observation and the first update"
    )


def apply(desired: Desired, context: Context, pinned: Planned | None = None) -> Outcome:
    """
    Reconcile one dataset, alone: other processes are kept from writing to it from the beginning.

    Args:
        pinned: Carry out exactly this plan, or nothing; closed by the caller.

    Raises:
        PlanOutdated: The dataset is no longer as it was when *pinned* was made. Nothing was sent.
        ReconcilerError: As `reconcile`.
    """
    with closing(Session(desired.name, context, _timeout(desired))) as session, session.claimed():
        if pinned is not None:
            return _counted(_carry_out(desired, context, pinned), context)
        return reconcile(desired, session, lambda _: None)


def _counted(done: Outcome, context: Context) -> Outcome:
    """Return an outcome with how the dataset was observed, and the calls that were made and forecast."""
    plan = done.plan
    calls = replace(plan.calls, made=dict(context.made))
    return replace(done, result=replace(done.result, observed=plan.observed, calls=calls))


def _carry_out(desired: Desired, context: Context, planned: Planned) -> Outcome:
    """
    Send what was planned, and observe the result.

    Raises:
        PlanOutdated: The dataset is no longer as it was observed. Nothing was sent.
        Superseded: A newer commit took over. Nothing was sent.
    """
    plan, observation = planned.plan, planned.observation
    if not plan.applyable and observation and not observation.is_confirmed:
        require_unchanged(observation, context, _timeout(desired))
    if plan.mode is Mode.OBSERVE or plan.guards:
        return _left_alone(desired, planned, context)
    if plan.arn is None and not plan.creates_dataset:
        return Outcome(plan, outcome.proven(plan, None, SentUpdates(), Proof(), planned.diff), planned.diff)
    arn = plan.arn or create(desired, context, _timeout(desired))
    resume(desired.name, arn, observation, context)
    sent, backup = SentUpdates(), None
    try:
        backup = back_up_overwritten(desired, plan, planned.composer, context)
        Sender(planned, arn, context, _timeout(desired), sent).send()
        return _verify(desired, planned, arn, sent, context)
    except Interrupted:
        raise  # no outcome: the journal names open updates, and the next run observes their effect
    except (ReconcilerError, OSError, MemoryError) as exc:  # of the machine: what was sent is still reported
        if isinstance(exc, PlanOutdated | Superseded | OSError | MemoryError) and not sent.updates:
            raise
        return Outcome(plan, outcome.unseen(plan, arn, sent, named(exc)))
    finally:
        if backup is not None and not sent.touched:  # restore would take it, the newest, and restore nothing
            context.memory.backups.drop(backup)


def _left_alone(desired: Desired, planned: Planned, context: Context) -> Outcome:
    """Return the outcome of a plan that the mode or a guard keeps from being carried out."""
    plan = planned.plan
    if plan.mode is Mode.OBSERVE:
        result = outcome.observed(plan, planned.diff)
    else:
        log.warning("plan.blocked", guards=[guard.code for guard in plan.guards])
        result = outcome.blocked(plan, planned.diff)
    if planned.observation:
        remember_entries(desired, planned.observation, planned.observation.line, context, are_applied=False)
    return Outcome(plan, result, planned.diff, planned.observation)


def require_unchanged(observation: Observation, context: Context, timeout: float) -> None:
    """
    Check that the dataset is still as it was observed.

    Raises:
        PlanOutdated: It is not.
    """
    deadline = context.clock.now() + timeout
    if await_settled(context.gateway, observation.arn, context.clock, deadline) != observation.description:
        raise PlanOutdated(CHANGED_SINCE)


def _timeout(desired: Desired) -> float:
    return desired.schedule.update_timeout_seconds


def _verify(desired: Desired, planned: Planned, arn: str, sent: SentUpdates, context: Context) -> Outcome:
    """Observe again what was sent; record it, and return the outcome."""
    plan = planned.plan
    if sent.touched or planned.observation is None:
        deadline = context.clock.now() + _timeout(desired)
        with context.tracer.span("verify", dataset_arn=arn, entries=len(plan.sendable)):
            after = observe_again(desired, arn, planned, sent, context, deadline)
    else:
        after = SecondObservation(planned.diff, planned.observation, before=planned.observation)
    with closing(after):
        proof = prove(plan.sendable, planned.diff, after.diff, sent, desired)
        log.info("verify.finished", in_place=len(proof.in_place), sent=len(sent.touched))
        observation = after.observation or carried(planned, after, sent, proof, context.clock.now())
        try:
            _remember(desired, planned, arn, after, observation, sent, proof, context)
        except StateError as exc:  # what was proven holds, and the next observation finds it again
            log.warning("status.unsaved", reason=str(exc))
    seen = replace(plan, gap=observation.gap) if observation else plan
    result = outcome.proven(seen, arn, sent, proof, after.diff)
    return Outcome(plan, result, after.diff, observation)


def _remember(
    desired: Desired,
    planned: Planned,
    arn: str,
    after: SecondObservation,
    observation: Observation | None,
    sent: SentUpdates,
    proof: Proof,
    context: Context,
) -> None:
    plan, memory = planned.plan, context.memory
    different = [change.source_ref for change in plan.changes]
    if desired.partial:  # the other entries were not compared
        different += [ref for ref in memory.quarantine.of(desired.name) if ref not in desired.index]
    now = context.clock.now()
    update_quarantine(desired.name, plan.sendable, different, sent, proof, memory.quarantine, now)
    if desired.partial:
        return
    earlier = planned.observation.incremental if planned.observation else None
    if earlier is None or not earlier.is_recorded:
        changed = changed_since_applied(planned.observation)
        record_applied(desired, arn, sent.touched, after.diff, memory, changed)
    if observation is not None:
        remember_entries(desired, observation, after.line, context, are_applied=True)
