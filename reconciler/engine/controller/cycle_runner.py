"""Run the cycle of one dataset, handle every failure, and record the result."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

from reconciler.core.moments import moment
from reconciler.core.planning.plan import PlanError
from reconciler.core.runtime.backoff import next_attempt, next_cycle
from reconciler.core.spec.documents import Target
from reconciler.core.status.conditions import Reason
from reconciler.core.status.result import Verdict
from reconciler.core.status.summary import Summary, failed
from reconciler.engine.controller.assignment import Assignment
from reconciler.engine.controller.cycle import CycleResult, run_cycle
from reconciler.engine.controller.cycle_end import log_end, trace_end
from reconciler.engine.controller.dataset_state import SUSPENDED, DatasetState
from reconciler.engine.controller.guarded_gateway import GuardedGateway, UpdateMeter
from reconciler.engine.controller.registry import Registry
from reconciler.engine.controller.views import quarantine_view
from reconciler.engine.dataset.bookkeeping import share_images
from reconciler.engine.dataset.context import Context, always, counting
from reconciler.engine.failure_reasons import failure_reason_of
from reconciler.engine.log import bound, log
from reconciler.engine.usecases.each_dataset import named
from reconciler.errors import (
    Exit,
    Interrupted,
    NotLeader,
    ReconcilerError,
    SourceError,
    StateError,
    Superseded,
)
from reconciler.ports import LoadedDataset, Memory, MonotonicClock, Permit, Span, Tracer, Untraced

# How often a status that is unchanged but for its times is stored.
KEEP_EVERY_SECONDS = 60.0
INTERRUPTED = "interrupted"  # logged instead of a verdict when the process stopped during the cycle


class Listener(UpdateMeter, Protocol):
    """Counts cycles and updates."""

    def cycle(self, dataset: str, verdict: str, seconds: float) -> None: ...


class CycleRunner:
    """
    Runs cycles.

    Args:
        context_of: Returns the context of a dataset; its gateway is guarded here.
        permit: Called before each call.
        tracer: Receives one span for each cycle; the steps use the tracer of the context.

    Attributes:
        targets: The targets of the running cycles, by dataset.
    """

    def __init__(
        self,
        context_of: Callable[[LoadedDataset], Context],
        memory: Memory,
        registry: Registry,
        listener: Listener,
        monotonic: MonotonicClock,
        permit: Permit = always,
        tracer: Tracer | None = None,
    ) -> None:
        self._context_of = context_of
        self.memory = memory
        self._registry = registry
        self._listener = listener
        self._monotonic = monotonic
        self._permit = permit
        self._tracer = tracer or Untraced()
        self._beats: dict[str, float] = {}
        self._kept: dict[str, tuple[object, float]] = {}
        self.targets: dict[str, Target] = {}

    def oldest_beat(self, now: float) -> float:
        """Return the oldest last sign of life among running cycles; *now* if none is running."""
        return min(list(self._beats.values()), default=now)

    def run_cycle(self, state: DatasetState) -> float:
        """Run one cycle and return the seconds until the next. Raises nothing."""
        begun = self._monotonic.seconds()
        work = Assignment(state, self._registry)
        self._beats[state.name] = begun
        facts = {"revision": work.revision, "cycle_id": secrets.token_hex(6)}
        with bound(dataset=state.name, **facts), self._tracer.span("cycle") as span:
            try:
                return self._run_cycle(state, work, begun, span)
            except Interrupted:  # an update may be in flight: keep the last status
                span.note(verdict=INTERRUPTED)
                log_end(state, INTERRUPTED, self._monotonic.seconds() - begun, 0.0)
                return 0.0
            except Exception as exc:
                log.exception("cycle.failed", error=type(exc).__name__, reason=str(exc))
                span.fail(type(exc).__name__)
                state.failures += 1
                state.work = None
                self._registry.judge(state)
                delay = next_attempt(state.failures, self._monotonic.draw(), state.interval)
                log_end(state, Verdict.UNKNOWN.value, self._monotonic.seconds() - begun, delay)
                return delay
            finally:
                self._beats.pop(state.name, None)
                self.targets.pop(state.name, None)

    def _run_cycle(self, state: DatasetState, work: Assignment, begun: float, span: Span) -> float:
        log.debug("cycle.started")
        result = self._carry_out(state, work)
        seconds = self._monotonic.seconds() - begun
        self._note(state, result, work)
        if self._registry.after_cycle and result.observation:
            self._registry.after_cycle(state, self._registry.wall() - seconds)
        if result.drift_view and work.loaded and self._registry.illustrate:
            self._registry.illustrate(state, work.loaded, result.drift_view)
        delay = self._next(state, work)
        verdict = "suspended" if state.suspended else result.summary.verdict.value
        self._listener.cycle(state.name, verdict, seconds)
        log_end(state, verdict, seconds, delay, result)
        trace_end(span, state, verdict, result)
        self._keep(state, delay)
        return delay

    def _carry_out(self, state: DatasetState, work: Assignment) -> CycleResult:
        """Run the cycle and turn every failure into a result, but for `Interrupted`: the process must stop."""
        if state.suspended:
            return CycleResult(state.summary or SUSPENDED)
        if work.loaded is None:
            return CycleResult(state.unreadable())
        try:
            return self._in_its_context(state, work.loaded, work)
        except Interrupted:
            raise
        except Exception as exc:
            reason = named(exc)
            if isinstance(reason, SourceError) and work.is_outdated:
                reason = Superseded(f"a newer commit took over, and this one is gone: {reason}")
            code, text = Exit.DONE, str(reason)
            if isinstance(reason, Superseded):
                log.info("plan.superseded", reason=text)
            elif isinstance(reason, NotLeader):
                log.info("apply.fenced", reason=text)
            else:
                code, unforeseen = reason.exit_code, not isinstance(exc, ReconcilerError)
                log.warning("cycle.failed", error=type(exc).__name__, reason=text, exc_info=unforeseen)
            summary = failed(failure_reason_of(reason), code, (PlanError(reason.code, text),))
            return CycleResult(summary, arn=state.arn)

    def _in_its_context(self, state: DatasetState, loaded: LoadedDataset, work: Assignment) -> CycleResult:
        context = counting(self._context_of(loaded))
        target = self.targets[state.name] = loaded.target  # before the fleet is asked, which looks for it
        may_write = partial(self._permit, target, writes=True)

        def before_call() -> None:
            self._beats[state.name] = self._monotonic.seconds()
            if self._monotonic.stopping:
                raise Interrupted("asked to stop")
            self._permit(target, writes=False)

        def may_send() -> None:
            work.check(guarded.work.sent)
            may_write()

        clock = self._monotonic.clock(before_call)
        guarded = GuardedGateway(context.gateway, state.name, clock, self._listener, before_call, may_write)
        state.work = guarded.work
        context = replace(context, gateway=guarded, clock=clock, permit=may_send)
        with bound(dataset_arn=state.arn):
            found = run_cycle(loaded, work, context, guarded, partial(self._begin, state))
        state.quarantined = quarantine_view(context.memory.quarantine.of(state.name).values())
        if self._monotonic.stopping and found.summary.verdict in (Verdict.FAILED, Verdict.UNKNOWN):
            raise Interrupted("asked to stop")
        return found

    def _begin(self, state: DatasetState, found: Summary) -> None:
        """Publish the summary of a plan whose apply begins."""
        with self._registry.lock:
            if state.work is not None:
                state.work.found = found
        self._registry.judge(state)
        self._registry.touch()
        self._record(state, state.document(self._registry.wall(), None))

    def _note(self, state: DatasetState, found: CycleResult, work: Assignment) -> None:
        """Update the state of the dataset from the result of a cycle."""
        now, before = self._registry.wall(), state.summary
        with self._registry.lock:
            summary = state.summary = found.summary
            state.work, state.visited_at = None, now
            state.added, state.updated, state.updates = found.added, found.updated, found.updates
            state.calls = found.calls
            state.drift_view = found.drift_view or state.drift_view
            cut = summary.failure is not None and summary.failure.reason is Reason.NEW_REVISION
            if state.suspended:
                state.failures = 0
            else:
                if not cut:  # superseded: neither a failure nor a success
                    state.failures = state.failures + 1 if summary.is_lost else 0
                self._note_revisions(state, found, work.revision, now)
            state.cut_short = state.cut_short + 1 if cut and found.updates else 0
        drift = Counter[str]() if found.is_quiet or not found.observation else Counter(summary.counts)
        if (drift["found"] or (before and before.drifted)) and not summary.drifted and found.observation:
            log.info("drift.cleared")
        self._compare_with_partners(state, found)
        self._registry.judge(state)
        line = {
            "at": moment(now),
            "verdict": summary.verdict.value,
            "observation": found.observation,
            "revision": work.revision,
            "updates": found.updates,
            "found": drift["found"],
            "set_back": drift["set_back"],
        }
        with self._registry.lock:
            state.remember(line)
        if not found.is_quiet or before != summary:
            self._registry.touch()

    def _compare_with_partners(self, state: DatasetState, found: CycleResult) -> None:
        """Note whether training and test have images in common, after each complete observation of one of them."""
        if found.is_quiet and state.shares_images is not None:
            return
        shared = [share_images(self.memory, state.name, partner.name) for partner in state.partners]
        for one in (state, *state.partners):
            one.shares_images = None if None in shared else any(shared)

    @staticmethod
    def _note_revisions(state: DatasetState, found: CycleResult, revision: str | None, now: float) -> None:
        state.attempted = revision
        state.arn = found.arn or state.arn
        if found.observation is None:
            return
        state.observation, state.observed_at = found.observation, now
        state.scanned_at = found.scanned_at or state.scanned_at
        if found.summary.verdict in (Verdict.CONVERGED, Verdict.WITHHELD, Verdict.OBSERVED):
            state.succeeded_at = now
        if found.summary.verdict is Verdict.CONVERGED or found.summary.desired_is_in_place:
            state.verified = revision
        if found.summary.verdict is Verdict.CONVERGED:
            state.applied = revision

    def _next(self, state: DatasetState, work: Assignment) -> float:
        if state.failures:
            return next_attempt(state.failures, self._monotonic.draw(), state.interval)
        if work.is_outdated:
            return 0.0
        regular = next_cycle(state.interval, state.jitter, self._monotonic.draw())
        return min(regular, state.until_turn(self._registry.wall()))

    def _keep(self, state: DatasetState, delay: float) -> None:
        """Store the status if it changed or was last stored long ago."""
        wall = self._registry.wall()
        document = state.document(wall, None if state.suspended else wall + delay)
        aside = {"at", "observed_at", "history", "next_visit_at"}
        essence = {key: value for key, value in document.items() if key not in aside}
        before, at = self._kept.get(state.name, (None, float("-inf")))
        if essence == before and self._monotonic.seconds() - at < KEEP_EVERY_SECONDS:
            return
        if self._record(state, document):
            self._kept[state.name] = (essence, self._monotonic.seconds())

    def _record(self, state: DatasetState, document: dict[str, Any]) -> bool:
        """Store a status and return whether that succeeded; a failure is logged."""
        try:
            self.memory.record(state.name, document)
        except StateError as exc:
            log.warning("status.unsaved", reason=str(exc))
            return False
        return True
