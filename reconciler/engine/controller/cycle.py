"""Run one cycle of one dataset: a fingerprint check, else a full observation and what the policy allows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Final

from reconciler.core.drift.report import classes
from reconciler.core.planning.calls import NO_CALLS, Calls, ObservationKind
from reconciler.core.planning.diff import Action
from reconciler.core.planning.plan import DatasetPlan
from reconciler.core.spec.choices import DriftClass
from reconciler.core.spec.policy import marked
from reconciler.core.status.conditions import Reason
from reconciler.core.status.result import DatasetResult
from reconciler.core.status.summary import (
    Summary,
    from_document,
    summary_of_cycle,
    summary_of_failure,
    summary_of_plan,
)
from reconciler.engine.controller.assignment import Assignment, digest_of
from reconciler.engine.controller.guarded_gateway import GuardedGateway
from reconciler.engine.controller.views import DriftView, drift_view, view_after_apply
from reconciler.engine.dataset.context import Context
from reconciler.engine.dataset.desired import Desired
from reconciler.engine.dataset.make_plan import Planned
from reconciler.engine.dataset.observe import Observation, as_text
from reconciler.engine.dataset.reconcile import Session, reconcile
from reconciler.engine.failure_reasons import failure_reason_of_result, reason_of_specs
from reconciler.engine.log import log
from reconciler.engine.usecases import each_dataset
from reconciler.engine.usecases.reading import read_desired
from reconciler.errors import NotFound, SourceError, Superseded
from reconciler.ports import Description, LastObservation, LoadedDataset

WAIT_SECONDS: Final = 60.0
"""How long an observation waits for a busy dataset before its thread is free for another dataset."""

NAMED: Final = 20
"""How many entries of each kind one cycle names in the log."""


@dataclass(frozen=True, slots=True)
class CycleResult:
    """
    The result of one cycle; while its plan is being applied, the result of its observation.

    Attributes:
        observation: None if nothing was observed.
        scanned_at: When the last complete listing ended, in seconds since the epoch.
        added, updated: Sent entries that were observed in place afterwards.
        updates: Calls of UpdateDatasetEntries.
        drift_view: Drift for the status page; None without a full observation.
    """

    summary: Summary
    observation: ObservationKind | None = None
    arn: str | None = None
    scanned_at: float | None = None
    added: int = 0
    updated: int = 0
    updates: int = 0
    drift_view: DriftView | None = None
    calls: Calls = NO_CALLS

    @property
    def is_quiet(self) -> bool:
        """Return whether nothing had changed, so that nothing was compared."""
        return self.observation is ObservationKind.FINGERPRINT


Begin = Callable[[CycleResult], object]


class _Review:
    """
    Review the plan of a cycle before it is applied.

    Attributes:
        drifted: Drift class by source-ref.
        drift_view: Drift for the status page.
        kind: How the dataset was observed.
        scanned_at: When it was last listed whole; None if there was no dataset to observe.
    """

    def __init__(
        self, desired: Desired, work: Assignment, context: Context, guarded: GuardedGateway, begin: Begin
    ) -> None:
        self._desired = desired
        self._now = context.clock.now
        self._work = work
        self._progress = guarded.work
        self._begin = begin
        self.drifted: Mapping[str, DriftClass] = {}
        self.drift_view: DriftView | None = None
        self.kind = ObservationKind.FULL
        self.scanned_at: float | None = None

    def __call__(self, planned: Planned) -> None:
        """
        Log a plan, and publish it if it will be applied.

        Raises:
            Superseded: A newer commit takes over.
        """
        self._work.check(self._progress.sent)
        self.drifted, plan = _classes(planned), planned.plan
        _log_plan(plan, self.drifted)
        self.drift_view = drift_view(self._desired, planned)
        self._progress.plan(len(plan.batches), plan.calls, self._now())
        if planned.observation is not None:
            self.kind, self.scanned_at = planned.observation.kind, planned.observation.scanned_at
        if plan.applyable:
            self._begin(self._observed(plan))

    def _observed(self, plan: DatasetPlan) -> CycleResult:
        """Return the result so far, before the first update."""
        summary = summary_of_plan(plan, self.drifted)
        return CycleResult(summary, self.kind, plan.arn, self.scanned_at, drift_view=self.drift_view)


def run_cycle(
    loaded: LoadedDataset, work: Assignment, context: Context, guarded: GuardedGateway, begin: Begin
) -> CycleResult:
    """
    Run one cycle. Costs one call if nothing changed since the last full observation.

    A newer commit that arrives before anything was sent is planned with the same observation.

    Args:
        begin: Called with the observation before its plan's first update is sent.

    Raises:
        ReconcilerError: The dataset could not be observed, or nothing could be sent.
    """
    with closing(Session(loaded.name, context, WAIT_SECONDS)) as session:
        while True:
            try:
                return _attempt(loaded, work, session, guarded, begin)
            except (SourceError, Superseded):
                # The files of an older commit are deleted when a newer one arrives: no error of the specs.
                if not work.is_outdated or guarded.work.sent:
                    raise
                loaded = work.take_newest()


def _attempt(
    loaded: LoadedDataset, work: Assignment, session: Session, guarded: GuardedGateway, begin: Begin
) -> CycleResult:
    context = session.context
    digest = marked(work.digest or digest_of(loaded), loaded.policy, context.clock.now())
    kept, full = context.memory.observations.of(loaded.name), False
    if kept is not None and _counts_still(kept, loaded, digest, context):
        quiet = _check_fingerprint(kept, loaded.name, context)
        if isinstance(quiet, CycleResult):
            return quiet
        full = quiet is None or not _is_remembered(loaded.name, quiet, context)
    edited = kept is not None and kept.desired != digest
    session.context = replace(context, full=full, edit_first=edited, overtaken=work.give_way)
    with closing(read_desired(loaded, judged=context.memory.judged)) as desired:
        if work.is_outdated and not desired.usable:
            raise SourceError("a newer commit took over while this one was read")
        if bad := desired.errors:
            log.warning("spec.invalid", problems=len(bad), first=str(bad[0].origin), code=bad[0].code)
        if not desired.usable:
            plan = each_dataset.plan_of_unusable(desired)
            return CycleResult(summary_of_failure(reason_of_specs(plan.errors), plan.exit_code, plan.errors))
        desired.open_files()
        return _reconcile(desired, digest, session, _Review(desired, work, context, guarded, begin))


def _counts_still(kept: LastObservation, loaded: LoadedDataset, digest: bytes, context: Context) -> bool:
    """Return whether the last full observation fits the desired state, is recent, and left nothing to do."""
    schedule, now = loaded.schedule, context.clock.now()
    if kept.desired != digest or kept.arn != (loaded.target.dataset_arn or kept.arn):
        return False
    if schedule.is_scan_due(now - kept.scanned_at, _entries_in(kept), context.ahead_seconds):
        return False
    held = context.memory.quarantine.of(loaded.name).values()
    return not context.memory.journal.unfinished(loaded.name) and all(each.until > now for each in held)


def _entries_in(kept: LastObservation) -> int:
    summary = from_document(kept.body)
    return summary.entries if summary else 0


def _is_remembered(name: str, description: Description, context: Context) -> bool:
    """Return whether another process of this state directory has brought the dataset to where it is now."""
    head = context.memory.observed.head_of(name)
    return head is not None and head.description == as_text(description)


def _check_fingerprint(
    kept: LastObservation, name: str, context: Context
) -> CycleResult | Description | None:
    """Describe the dataset once; return the description if it changed, and None if the dataset is gone."""
    summary = from_document(kept.body)
    try:
        description = context.gateway.describe(kept.arn)
    except NotFound:
        context.memory.observations.put(name, None)  # deleted, or created again under another ARN
        return None
    if as_text(description) != kept.description or summary is None:
        log.info("observe.fingerprint", moved=True)
        return description
    log.debug("observe.fingerprint", moved=False)
    return CycleResult(summary, ObservationKind.FINGERPRINT, kept.arn, kept.scanned_at)


def _reconcile(desired: Desired, digest: bytes, session: Session, review: _Review) -> CycleResult:
    """Observe every entry, by a listing or by memory, and apply what the policy allows."""
    applied = reconcile(desired, session, review)
    result, seen, view = applied.result, applied.observation, review.drift_view
    _log_problems(result)
    if view is not None and applied.after is not None:
        view = view_after_apply(view, frozenset(change.source_ref for change in applied.after.changes))
    failure = failure_reason_of_result(result)
    if failure is not None and failure.reason is Reason.STANDBY:
        log.info("apply.fenced", reason=failure.message)
    summary = summary_of_cycle(applied.plan, result, applied.after, failure, review.drifted)
    _keep(desired.name, digest, summary, result, seen, session.context)
    return CycleResult(
        summary,
        review.kind,
        result.arn,
        seen.scanned_at if seen else review.scanned_at,
        result.added,
        result.updated,
        result.updates,
        drift_view=view,
        calls=result.calls,
    )


def _classes(seen: Planned) -> dict[str, DriftClass]:
    """Return the drift class of each drifted entry and orphan; parses both sides of each drifted entry."""
    found, unsettled = {}, seen.plan.unsettled()
    for change in (item for item in seen.plan.changes if item.source_ref in unsettled):
        if change.action is Action.ORPHAN:
            found[change.source_ref] = DriftClass.UNMANAGED
        elif change.cause.is_drift:
            found[change.source_ref] = classes(seen.composer.view(change.change), errored=False)[0]
    return found


def _log_plan(plan: DatasetPlan, drifted: Mapping[str, DriftClass]) -> None:
    """Log the plan and the drift: once reverted, drift can no longer be observed."""
    log.info("plan.computed", **plan.counts._asdict(), batches=len(plan.batches))
    for guard in plan.guards:
        log.warning("guard.tripped", code=guard.code, reason=guard.message)
    counts = Counter(kind.value for kind in drifted.values())
    if counts.keys() - {DriftClass.UNMANAGED.value}:
        log.warning("drift.detected", **counts)


def _log_problems(result: DatasetResult) -> None:
    """Log the first dropped and rejected entries; the status has their numbers."""
    for entry in result.dropped[:NAMED]:
        log.warning("entry.dropped", source_ref=entry.source_ref, origin=str(entry.origin))
    for entry in result.rejected[:NAMED]:
        log.warning("entry.rejected", source_ref=entry.source_ref, codes=list(entry.codes))


def _keep(
    name: str,
    digest: bytes,
    summary: Summary,
    result: DatasetResult,
    seen: Observation | None,
    context: Context,
) -> None:
    """Store the observation if later cycles may rely on it: no write followed, and nothing is left to do."""
    now, quarantine = context.clock.now(), context.memory.quarantine.of(name).values()
    quarantined = {each.source_ref for each in quarantine if each.applies_to(each.digest, now)}
    left = {entry.source_ref for entry in (*result.quarantined, *result.dropped)} - quarantined
    if seen is None or left or not summary.lasts or not seen.description.is_fingerprint:
        context.memory.observations.put(name, None)
        return
    text = as_text(seen.description)
    kept = LastObservation(seen.arn, digest, text, seen.scanned_at, summary.document())
    context.memory.observations.put(name, kept)
