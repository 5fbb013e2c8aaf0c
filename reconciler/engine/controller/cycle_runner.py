"""Run the cycle of one dataset, and handle every failure."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from math import inf
from typing import Protocol

from reconciler.core.planning.calls import ObservationKind
from reconciler.core.planning.plan import PlanError
from reconciler.core.runtime.backoff import next_attempt, next_cycle
from reconciler.core.spec.documents import Target
from reconciler.core.status.result import Verdict
from reconciler.core.status.summary import summary_of_failure
from reconciler.engine.controller.assignment import Assignment
from reconciler.engine.controller.cycle import CycleResult, run_cycle
from reconciler.engine.controller.cycle_end import Recorder, log_end, trace_end
from reconciler.engine.controller.dataset_state import SUSPENDED, DatasetState
from reconciler.engine.controller.guarded_gateway import GuardedGateway, UpdateMeter
from reconciler.engine.controller.registry import Registry
from reconciler.engine.controller.views import quarantine_view
from reconciler.engine.dataset.context import Context, always, counting
from reconciler.engine.failure_reasons import failure_reason_of
from reconciler.engine.log import bound, log
from reconciler.errors import (
    Exit,
    Interrupted,
    NotLeader,
    ReconcilerError,
    SourceError,
    Superseded,
    named,
)
from reconciler.ports import LoadedDataset, Memory, MonotonicClock, Permit, Span, Tracer, Untraced

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
        monotonic: The clock of all cycles.
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
        self._recorder = Recorder(memory, registry, monotonic)
        self._listener = listener
        self.monotonic = monotonic
        self._permit = permit
        self._tracer = tracer or Untraced()
        self._beats: dict[str, float] = {}
        self.targets: dict[str, Target] = {}

    def oldest_beat(self, now: float) -> float:
        """Return the oldest last sign of life among running cycles; *now* if none is running."""
        return min(list(self._beats.values()), default=now)

    def run_cycle(self, state: DatasetState) -> float:
        """Run one cycle and return the seconds until the next. Raises nothing."""
        begun = self.monotonic.seconds()
        work = Assignment(state, self._registry)
        self._beats[state.name] = begun
        facts = {"revision": work.revision, "cycle_id": secrets.token_hex(6)}
        with bound(dataset=state.name, **facts), self._tracer.span("cycle") as span:
            try:
                return self._run_cycle(state, work, begun, span)
            except Interrupted:  # an update may be in flight: keep the last status
                span.note(verdict=INTERRUPTED)
                log_end(state, INTERRUPTED, self.monotonic.seconds() - begun, 0.0)
                return 0.0
            except Exception as exc:
                log.exception("cycle.failed", error=type(exc).__name__, reason=str(exc))
                span.fail(type(exc).__name__)
                state.failures += 1
                state.work = None
                self._registry.judge(state)
                delay = next_attempt(state.failures, self.monotonic.draw(), state.interval)
                log_end(state, Verdict.UNKNOWN.value, self.monotonic.seconds() - begun, delay)
                return delay
            finally:
                self._beats.pop(state.name, None)
                self.targets.pop(state.name, None)

    def _run_cycle(self, state: DatasetState, work: Assignment, begun: float, span: Span) -> float:
        log.debug("cycle.started")
        result = self._carry_out(state, work)
        seconds = self.monotonic.seconds() - begun
        self._recorder.note(state, result, work)
        if self._registry.after_cycle and result.observation:
            self._registry.after_cycle(state, self._registry.wall() - seconds)
        if result.drift_view and work.loaded and self._registry.illustrate:
            self._registry.illustrate(state, work.loaded, result.drift_view)
        delay = self._next(state, work, result)
        verdict = "suspended" if state.suspended else result.summary.verdict.value
        self._listener.cycle(state.name, verdict, seconds)
        log_end(state, verdict, seconds, delay, result)
        trace_end(span, state, verdict, result)
        self._recorder.store(state, delay)
        return delay

    def _carry_out(self, state: DatasetState, work: Assignment) -> CycleResult:
        """Run the cycle and turn every failure into a result, except for `Interrupted`: the process must stop."""
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
            summary = summary_of_failure(failure_reason_of(reason), code, (PlanError(reason.code, text),))
            return CycleResult(summary, arn=state.arn)

    def _in_its_context(self, state: DatasetState, loaded: LoadedDataset, work: Assignment) -> CycleResult:
        context = counting(self._context_of(loaded))
        target = self.targets[state.name] = loaded.target  # before the fleet is asked, which looks for it
        may_write = partial(self._permit, target, writes=True)

        def before_call() -> None:
            self._beats[state.name] = self.monotonic.seconds()
            if self.monotonic.stopping:
                raise Interrupted("asked to stop")
            self._permit(target, writes=False)

        def may_send() -> None:
            work.check(guarded.work.sent)
            may_write()

        clock = self.monotonic.clock(before_call)
        guarded = GuardedGateway(context.gateway, state.name, clock, self._listener, before_call, may_write)
        state.work = guarded.work
        context = replace(
            context, gateway=guarded, clock=clock, permit=may_send, ahead_seconds=state.ahead_seconds
        )
        with bound(dataset_arn=state.arn):
            found = run_cycle(loaded, work, context, guarded, partial(self._recorder.note_begun, state))
        state.quarantined = quarantine_view(context.memory.quarantine.of(state.name).values())
        if self.monotonic.stopping and found.summary.verdict in (Verdict.FAILED, Verdict.UNKNOWN):
            raise Interrupted("asked to stop")
        return found

    def _next(self, state: DatasetState, work: Assignment, result: CycleResult) -> float:
        if state.failures:
            return next_attempt(state.failures, self.monotonic.draw(), state.interval)
        if work.is_outdated:
            return 0.0
        regular = next_cycle(state.interval, state.jitter, self.monotonic.draw())
        wall = self._registry.wall()
        is_postponed = result.observation is ObservationKind.INCREMENTAL
        postponed = state.until_postponed_listing(wall) if is_postponed else inf
        return min(regular, postponed, state.until_turn(wall))
