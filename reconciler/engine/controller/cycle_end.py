"""Record how a cycle ended: in the state of its dataset, the state directory, the log and the trace."""

from __future__ import annotations

from collections import Counter
from typing import Any

from reconciler.core.moments import moment
from reconciler.core.status.conditions import Reason
from reconciler.core.status.result import Verdict
from reconciler.engine.controller.assignment import Assignment
from reconciler.engine.controller.cycle import CycleResult
from reconciler.engine.controller.dataset_state import SUSPENDED, DatasetState
from reconciler.engine.controller.registry import Registry
from reconciler.engine.dataset.bookkeeping import share_images
from reconciler.engine.log import log
from reconciler.errors import StateError
from reconciler.ports import Memory, MonotonicClock, Span

# How often a status that is unchanged except for its times is stored.
KEEP_EVERY_SECONDS = 60.0


class Recorder:
    """Records how cycles end: in the state of their datasets, and in the state directory."""

    def __init__(self, memory: Memory, registry: Registry, monotonic: MonotonicClock) -> None:
        self._memory = memory
        self._registry = registry
        self._monotonic = monotonic
        self._kept: dict[str, tuple[object, float]] = {}

    def note_begun(self, state: DatasetState, found: CycleResult) -> None:
        """Publish the observation, and the summary of the plan, whose apply begins."""
        with self._registry.lock:
            if state.work is not None:
                state.work.found = found.summary
            self._note_observation(state, found, self._registry.wall())
        self._registry.judge(state)
        self._registry.touch()
        self._store(state, state.document(self._registry.wall(), None))

    def note(self, state: DatasetState, found: CycleResult, work: Assignment) -> None:
        """Update the state of the dataset from the result of a cycle."""
        now, before = self._registry.wall(), state.summary
        with self._registry.lock:
            summary = state.summary = found.summary
            state.work, state.visited_at = None, now
            state.added, state.updated, state.updates = found.added, found.updated, found.updates
            state.calls = found.calls
            cut = summary.failure is not None and summary.failure.reason is Reason.NEW_REVISION
            if state.suspended:
                state.failures = 0
            else:
                if not cut:  # superseded: neither a failure nor a success
                    state.failures = state.failures + 1 if summary.is_lost else 0
                self._note_observation(state, found, now)
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
        shared = [share_images(self._memory, state.name, partner.name) for partner in state.partners]
        for one in (state, *state.partners):
            one.shares_images = None if None in shared else any(shared)

    @staticmethod
    def _note_observation(state: DatasetState, found: CycleResult, now: float) -> None:
        state.arn = found.arn or state.arn
        state.drift_view = found.drift_view or state.drift_view
        if found.observation is not None:
            state.observation, state.observed_at = found.observation, now
            state.scanned_at = found.scanned_at or state.scanned_at

    @staticmethod
    def _note_revisions(state: DatasetState, found: CycleResult, revision: str | None, now: float) -> None:
        state.attempted = revision
        if found.observation is None:
            return
        if found.summary.verdict in (Verdict.CONVERGED, Verdict.WITHHELD, Verdict.OBSERVED):
            state.succeeded_at = now
        if found.summary.verdict is Verdict.CONVERGED or found.summary.desired_is_in_place:
            state.verified = revision
        if found.summary.verdict is Verdict.CONVERGED:
            state.applied = revision

    def store(self, state: DatasetState, delay: float) -> None:
        """Store the status if it changed or was last stored long ago."""
        wall = self._registry.wall()
        document = state.document(wall, None if state.suspended else wall + delay)
        aside = {"at", "observed_at", "history", "next_visit_at"}
        essence = {key: value for key, value in document.items() if key not in aside}
        before, at = self._kept.get(state.name, (None, float("-inf")))
        if essence == before and self._monotonic.seconds() - at < KEEP_EVERY_SECONDS:
            return
        if self._store(state, document):
            self._kept[state.name] = (essence, self._monotonic.seconds())

    def _store(self, state: DatasetState, document: dict[str, Any]) -> bool:
        """Store a status and return whether that succeeded; a failure is logged."""
        try:
            self._memory.record(state.name, document)
        except StateError as exc:
            log.warning("status.unsaved", reason=str(exc))
            return False
        return True


_NO_RESULT = CycleResult(SUSPENDED)  # its counts are zero or null


def log_end(
    state: DatasetState, verdict: str, seconds: float, delay: float, result: CycleResult = _NO_RESULT
) -> None:
    """Log the one line that ends every cycle."""
    counts = result.summary.counts
    log.info(
        "cycle.finished",
        dataset_arn=result.arn or state.arn,
        verdict=verdict,
        observation=result.observation,
        duration_seconds=round(seconds, 3),
        desired=counts.get("desired"),
        observed=counts.get("observed"),
        added=result.added,
        updated=result.updated,
        updates=result.updates,
        drifted=sum(result.summary.drift.values()),
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
