"""Map errors and results to the closed set of condition reasons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from reconciler import errors
from reconciler.core.planning.cause import Cause
from reconciler.core.planning.plan import PlanError
from reconciler.core.status.conditions import FailureReason, Reason
from reconciler.core.status.judgement import Facts
from reconciler.core.status.result import DatasetResult, Verdict
from reconciler.core.validation.problem import Problem

_REASONS: Final[dict[type[errors.ReconcilerError], Reason]] = {
    errors.SpecError: Reason.INVALID,
    errors.SourceError: Reason.SOURCE_UNAVAILABLE,
    errors.ManifestUnavailable: Reason.SOURCE_UNAVAILABLE,
    errors.ManifestDenied: Reason.DENIED,
    errors.ManifestUnusable: Reason.INVALID,
    errors.Superseded: Reason.NEW_REVISION,
    errors.NotLeader: Reason.STANDBY,
    errors.Throttled: Reason.THROTTLED,
    errors.Unavailable: Reason.UNAVAILABLE,
    errors.Claimed: Reason.BUSY,
    errors.DatasetBusy: Reason.BUSY,
    errors.ListingMoved: Reason.BUSY,
    errors.ListingIncomplete: Reason.INCOMPLETE,
    errors.NotFound: Reason.NOT_FOUND,
    errors.DatasetUnusable: Reason.UNUSABLE,
    errors.RebuildUnfinished: Reason.UNUSABLE,
    errors.Rejected: Reason.REFUSED,
    errors.Denied: Reason.DENIED,
}
_BY_CODE: Final = {kind.code: reason for kind, reason in _REASONS.items()}


def failure_reason_of(exc: errors.ReconcilerError) -> FailureReason:
    """Return the failure reason for an error: that of its class, or of the nearest class above it."""
    found = (_REASONS[kind] for kind in type(exc).__mro__ if kind in _REASONS)
    return FailureReason(next(found, Reason.FAILED), str(exc))


def reason_of_specs(found: Sequence[PlanError]) -> FailureReason:
    """Return the failure reason of a dataset that its specs, or entries outside git, leave without a plan."""
    if not found:
        return FailureReason(Reason.INVALID, "unusable")
    first = min(found, key=lambda error: errors.GRAVITY.index(errors.exit_code_of_problems([error.code])))
    return FailureReason(_BY_CODE.get(first.code, Reason.INVALID), placed(first))


def failure_reason_of_result(result: DatasetResult) -> FailureReason | None:
    """Return the failure reason of an apply; None if it ended without errors, even with entries left out."""
    first = result.errors[0] if result.errors else None
    match result.verdict:
        case Verdict.BLOCKED:
            reasons = "; ".join(error.message for error in result.errors)
            return FailureReason(Reason.BLOCKED, reasons)
        case Verdict.FAILED | Verdict.UNKNOWN:
            last = result.errors[-1] if result.errors else None
            if last is None:
                return FailureReason(Reason.FAILED, "it could not be brought to an end")
            return FailureReason(_BY_CODE.get(last.code, Reason.FAILED), last.message)
        case _ if first is not None:
            return FailureReason(_BY_CODE.get(first.code, Reason.INVALID), placed(first))
    return None


def facts_of(result: DatasetResult) -> Facts:
    """Return the facts that the conditions of a dataset derive from after an apply."""
    return Facts(
        verdict=result.verdict,
        failure=failure_reason_of_result(result),
        pending=bool(result.left),
        drifted=any(cause.is_drift for cause in result.left),
        unattributed=Cause.UNATTRIBUTED in result.left,
        left_out=bool(result.quarantined or result.dropped or result.rejected or result.errors),
        not_selected=result.verdict is Verdict.WITHHELD and result.leaves_rest,
        closed=result.closed,
        incomplete=result.gap is not None,
    )


def placed(error: PlanError | Problem) -> str:
    """Return the message, prefixed with its origin if it has one."""
    return f"{error.origin}: {error.message}" if error.origin else error.message
