"""Record in the log and the trace how a cycle ended."""

from __future__ import annotations

from reconciler.core.status.conditions import Reason
from reconciler.core.status.result import Verdict
from reconciler.engine.controller.cycle import CycleResult
from reconciler.engine.controller.dataset_state import DatasetState
from reconciler.engine.log import log
from reconciler.ports import Span


def log_end(
    state: DatasetState, verdict: str, seconds: float, delay: float, result: CycleResult | None = None
) -> None:
    """Log the one line that ends every cycle; without a result, its counts are zero or null."""
    counts = result.summary.counts if result else {}
    log.info(
        "cycle.finished",
        dataset_arn=(result.arn if result else None) or state.arn,
        verdict=verdict,
        observation=result.observation if result else None,
        duration_seconds=round(seconds, 3),
        desired=counts.get("desired"),
        observed=counts.get("observed"),
        added=result.added if result else 0,
        updated=result.updated if result else 0,
        updates=result.updates if result else 0,
        drifted=sum(result.summary.drift.values()) if result else 0,
        failures=state.failures,
        next_visit_seconds=round(delay, 1),
    )


def trace_end(span: Span, state: DatasetState, verdict: str, result: CycleResult) -> None:
    """Record the result of a cycle in its span, without times."""
    summary = result.summary
    span.note(dataset_arn=result.arn or state.arn, verdict=verdict, observation=result.observation)
    span.note(added=result.added, updated=result.updated, updates=result.updates)
    if state.suspended or summary.failure is None or summary.failure.reason is Reason.STANDBY:
        return
    if summary.verdict in (Verdict.FAILED, Verdict.UNKNOWN):
        span.fail(summary.failure.reason.value)
