"""Turn a plan, its sent updates and the observation after them into one result with verdict and exit code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from reconciler.core.planning.cause import Cause
from reconciler.core.planning.diff import Action, Diff
from reconciler.core.planning.guard import Guard
from reconciler.core.planning.plan import DatasetPlan, PlanError, PlannedChange, counts_of
from reconciler.core.planning.withholding import Withheld
from reconciler.core.status.result import (
    MAX_NAMED,
    DatasetResult,
    EntryProblem,
    Verdict,
    WithheldEntry,
    WithheldGroup,
)
from reconciler.engine.dataset.observe import Observation
from reconciler.engine.dataset.send import SentUpdates
from reconciler.engine.dataset.verify import Proof
from reconciler.errors import (
    Exit,
    GatewayError,
    MachineFailure,
    PlanOutdated,
    ReconcilerError,
    SpecError,
    StateError,
    gravest,
)

CAUSE_PHRASES: Final = {
    Cause.SPEC_ADDED: "new in git",
    Cause.SPEC_CHANGED: "changed in git",
    Cause.DRIFT_MODIFIED: "changed in AWS",
    Cause.DRIFT_REMOVED: "gone from AWS",
    Cause.CONFLICT: "changed in git and in AWS",
    Cause.UNATTRIBUTED: "not known which side changed",
    Cause.ORPHAN: "not in git",
}


class Outcome(Struct, frozen=True):
    """
    The result of an apply, and the last observation of the dataset.

    Attributes:
        plan: What was to be carried out.
        after: All entries as they are after the last write; None if they could not be seen.
        observation: A complete observation after the last write; None without one.
    """

    plan: DatasetPlan
    result: DatasetResult
    after: Diff | None = None
    observation: Observation | None = None


def observed(plan: DatasetPlan, after: Diff) -> DatasetResult:
    """Return the result for a dataset in observe mode."""
    return _with_rest(replace(_of(plan, Verdict.OBSERVED), verified=True), plan, after)


def blocked(plan: DatasetPlan, after: Diff | None = None) -> DatasetResult:
    """Return the result for a dataset that guards block."""
    reasons = (PlanError(guard.code, guard.message) for guard in plan.guards)
    result = replace(
        _of(plan, Verdict.BLOCKED),
        quarantined=tuple(map(_still_quarantined, plan.quarantined)),
        blocked=sum(item.sent is not None and item.action is not Action.ORPHAN for item in plan.changes),
        errors=(*plan.errors, *reasons),
        exit_code=gravest([Exit.BLOCKED, plan.exit_code]),
    )
    return _with_rest(result, plan, after)


def proven(plan: DatasetPlan, arn: str | None, sent: SentUpdates, proof: Proof, after: Diff) -> DatasetResult:
    """
    Return the result for a dataset that was observed again after its updates.

    Args:
        arn: None if nothing was selected that would create it.
    """
    different = {change.source_ref for change in after.changes}
    still = (_still_quarantined(item) for item in plan.quarantined if item.source_ref in different)
    quarantined = (*proof.failed, *proof.overtaken, *proof.changed_meanwhile, *still)
    entry_problems = quarantined or proof.dropped or proof.rejected
    codes = [plan.exit_code, Exit.PARTIAL if entry_problems else Exit.DONE]
    errors = plan.errors
    if sent.unrecorded is not None and proof.failed:
        errors = (*errors, PlanError(sent.unrecorded.code, str(sent.unrecorded)))
        codes.append(sent.unrecorded.exit_code)
    result = replace(
        _of(plan, Verdict.PARTIAL if any(codes) else Verdict.CONVERGED),
        arn=arn,
        added=sum(item.action is Action.ADD for item in proof.in_place),
        updated=sum(item.action is not Action.ADD for item in proof.in_place),
        changed=tuple(proof.in_place),
        updates=sent.updates,
        verified=True,
        quarantined=quarantined,
        dropped=proof.dropped,
        rejected=proof.rejected,
        errors=errors,
        exit_code=gravest(codes),
    )
    result = _with_rest(result, plan, after)
    if result.verdict is Verdict.CONVERGED and (result.groups or result.leaves_rest):
        return replace(result, verdict=Verdict.WITHHELD)
    return result


def _of(plan: DatasetPlan, verdict: Verdict) -> DatasetResult:
    """Return a result with what its plan settles."""
    return DatasetResult(
        name=plan.name,
        arn=plan.arn,
        verdict=verdict,
        errors=plan.errors,
        complete=plan.gap is None,
        gap=plan.gap,
        exit_code=plan.exit_code,
    )


def _with_rest(result: DatasetResult, plan: DatasetPlan, after: Diff | None) -> DatasetResult:
    """
    Return the result with all that still differs.

    Args:
        after: All entries as they are now; None if they could not be seen.
    """
    different = plan.unsettled(after)
    left = [_withheld(item, plan) for item in plan.withheld if item.source_ref in different]
    groups = _grouped(left)
    withheld = [entry for entry in left if entry.withheld_by is not Withheld.NOT_SELECTED]
    orphans = (
        _withheld(item, plan)
        for item in plan.changes
        if item.action is Action.ORPHAN and item.withheld is not None and item.source_ref in different
    )
    return replace(
        result,
        withheld=tuple(withheld[:MAX_NAMED]),
        groups=tuple(group for group in groups if not group.is_not_selected),
        not_selected=tuple(group for group in groups if group.is_not_selected),
        unblanked=_grouped(orphans),
        counts=None if after is None else counts_of(after),
        left=Counter(item.cause for item in plan.changes if item.source_ref in different),
        closed=plan.closed if any(item.is_postponed for item in plan.changes) else None,
    )


def _grouped(entries: Iterable[WithheldEntry]) -> tuple[WithheldGroup, ...]:
    numbers = Counter((entry.cause, entry.reason, entry.withheld_by) for entry in entries)
    groups = (WithheldGroup(cause, reason, number, by) for (cause, reason, by), number in numbers.items())
    return tuple(sorted(groups, key=lambda group: group[:2]))


def _withheld(item: PlannedChange, plan: DatasetPlan) -> WithheldEntry:
    setting = plan.closed.message if item.is_postponed and plan.closed else item.withheld
    codes = sorted({str(problem.code) for problem in item.image_problems if problem.is_error})
    found = f" ({', '.join(codes)})" if item.withheld is Withheld.IMAGES else ""
    reason = f"{CAUSE_PHRASES[item.cause]}, {setting}{found}"
    return WithheldEntry(item.source_ref, item.origin, item.cause, reason, item.withheld)


def _still_quarantined(item: PlannedChange) -> EntryProblem:
    if item.quarantined is None:
        raise ValueError(f"{item.source_ref} is not quarantined")
    reason, kind = item.quarantined.reason, item.quarantined.kind
    return EntryProblem(item.source_ref, item.origin, reason, (kind.upper(),))


def outdated(plan: DatasetPlan, reason: str) -> DatasetResult:
    """Return the result for a dataset whose plan is outdated."""
    return blocked(replace(plan, guards=(*plan.guards, Guard(PlanOutdated.code, reason))))


def unplanned(plan: DatasetPlan) -> DatasetResult:
    """Return the result for a dataset that could not be planned for."""
    verdict = Verdict.FAILED if plan.exit_code == SpecError.exit_code else Verdict.UNKNOWN
    return replace(_of(plan, verdict), complete=False, gap=None)


def unseen(plan: DatasetPlan, arn: str | None, sent: SentUpdates, reason: ReconcilerError) -> DatasetResult:
    """Return the result for a dataset whose apply was cut short, or that could not be observed afterwards."""
    known = not isinstance(reason, GatewayError) and not (
        sent.updates and isinstance(reason, StateError | MachineFailure)
    )
    result = replace(
        _of(plan, Verdict.FAILED if known else Verdict.UNKNOWN),
        arn=arn,
        updates=sent.updates,
        errors=(*plan.errors, PlanError(reason.code, str(reason))),
        complete=False,
        gap=None,
        exit_code=gravest([plan.exit_code, reason.exit_code]),
    )
    return _with_rest(result, plan, None)
