"""Summarize an observation of one dataset and the apply after it; let conditions expire with the observation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from reconciler.core.planning.cause import Cause
from reconciler.core.planning.diff import Diff
from reconciler.core.planning.plan import DatasetPlan, PlanError
from reconciler.core.spec.choices import DriftClass
from reconciler.core.spec.policy import Closure
from reconciler.core.status.conditions import Condition, ConditionType, FailureReason, Reason, Truth
from reconciler.core.status.judgement import Facts
from reconciler.core.status.result import (
    MAX_NAMED,
    NOTHING_NAMED,
    DatasetResult,
    Named,
    Verdict,
    named_of,
)
from reconciler.errors import Exit

# Verdicts that hold until something changes. The others call for a retry.
_LASTING = frozenset(
    {Verdict.CONVERGED, Verdict.WITHHELD, Verdict.OBSERVED, Verdict.BLOCKED, Verdict.PARTIAL}
)


@dataclass(frozen=True, slots=True)
class Summary:
    """
    The summary of one dataset.

    Attributes:
        counts: The counts of the plan, and of withheld, blocked, quarantined, dropped and rejected entries;
            ``found`` counts drifted entries, ``set_back`` those restored to what git desires.
        drift: Numbers of drifted entries, by class.
        pending: Whether a difference is left, even one that the policy only reports.
        unattributed: Whether one of the differences is unattributed.
        left_out: Whether entries are invalid, quarantined, dropped or rejected.
        seen: Whether the counts were observed after the last update.
        gap: Why AWS may hold entries that were not observed; None if all were.
        closed: Why changes are withheld until the dataset opens; None if none is.
        errors: The first other errors, with the codes that a command gives them.
        named: The first entries of each kind that are not in place.
        exit_code: The exit code of a command with this result.
    """

    verdict: Verdict
    counts: Mapping[str, int] = field(default_factory=dict)
    drift: Mapping[str, int] = field(default_factory=dict)
    pending: bool = False
    unattributed: bool = False
    left_out: bool = False
    seen: bool = False
    failure: FailureReason | None = None
    gap: str | None = None
    closed: Closure | None = None
    errors: tuple[PlanError, ...] = ()
    named: Named = NOTHING_NAMED
    exit_code: Exit = Exit.DONE

    @property
    def entries(self) -> int:
        """Return the approximate number of entries: observed ones, or desired ones if there are more."""
        return max(self.counts.get("observed", 0), self.counts.get("desired", 0))

    @property
    def lasts(self) -> bool:
        """Return whether the verdict holds until git or AWS changes."""
        return self.verdict in _LASTING and not any(group.waits_for_images for group in self.named.groups)

    @property
    def desired_is_in_place(self) -> bool:
        """Return whether mode observe found every desired entry in place, no matter who wrote it."""
        lacks_nothing = self.counts.get("add") == 0 == self.counts.get("update")
        return self.verdict is Verdict.OBSERVED and lacks_nothing and not self.left_out

    @property
    def drifted(self) -> bool:
        return self.left > 0

    @property
    def left(self) -> int:
        """Number of drifted entries, without unmanaged images, which git itself may have removed."""
        return sum(count for kind, count in self.drift.items() if kind != DriftClass.UNMANAGED)

    @property
    def is_lost(self) -> bool:
        """Return whether the cycle failed for a reason that may pass without a person's help."""
        if self.failure is not None and self.failure.reason is Reason.STANDBY:
            return False  # the leader does the work; the next regular cycle observes it
        if self.verdict is Verdict.FAILED:
            return self.failure is None or self.failure.reason is not Reason.INVALID
        return self.verdict is Verdict.UNKNOWN

    def facts(self) -> Facts:
        """Return the facts for the conditions, as far as the summary holds them."""
        return Facts(
            verdict=self.verdict,
            failure=self.failure,
            pending=self.pending,
            drifted=self.drifted,
            unattributed=self.unattributed,
            left_out=self.left_out,
            closed=self.closed,
            incomplete=self.gap is not None,
        )

    def document(self) -> dict[str, Any]:
        """Return it as a JSON document."""
        document: dict[str, Any] = msgspec.to_builtins(self)
        document["trouble"] = document.pop("failure")
        return document


def from_document(document: Mapping[str, Any]) -> Summary | None:
    """Restore what `Summary.document` returned; None if another version wrote it."""
    if not document.keys() <= {*Summary.__slots__, "trouble"} or not document.keys() >= {"trouble", "named"}:
        return None
    failure = document["trouble"]
    errors = [[*failure, None]] if failure else []  # earlier versions stored no more than the failure
    try:
        return msgspec.convert({"errors": errors, **document, "failure": failure}, Summary)
    except msgspec.ValidationError:
        return None


def summary_of_failure(
    failure: FailureReason, exit_code: Exit = Exit.DONE, errors: tuple[PlanError, ...] = ()
) -> Summary:
    """Summarize a dataset that could not be observed, or whose specs cannot be used."""
    verdict = Verdict.FAILED if failure.reason is Reason.INVALID else Verdict.UNKNOWN
    return Summary(verdict, failure=failure, errors=errors[:MAX_NAMED], exit_code=exit_code)


def summary_of_plan(plan: DatasetPlan, classes: Mapping[str, DriftClass]) -> Summary:
    """Summarize a dataset whose plan is being applied, from that plan."""
    return Summary(
        Verdict.UNKNOWN,
        counts={**plan.counts._asdict(), "withheld": len(plan.withheld), "found": _found(classes)},
        drift=dict(Counter(kind.value for kind in classes.values())),
        pending=True,
        unattributed=any(change.cause is Cause.UNATTRIBUTED for change in plan.changes),
        left_out=bool(plan.quarantined) or not plan.complete,
    )


def _found(classes: Mapping[str, DriftClass]) -> int:
    return sum(kind is not DriftClass.UNMANAGED for kind in classes.values())


def summary_of_cycle(
    plan: DatasetPlan,
    result: DatasetResult,
    after: Diff | None,
    failure: FailureReason | None,
    classes: Mapping[str, DriftClass],
) -> Summary:
    """
    Summarize an observation and the apply of its plan.

    Args:
        after: The differences after the last update; None if they could not be observed.
        classes: Drift class of each drifted entry, by source-ref.
    """
    left = plan.unsettled(after)
    drift = Counter(kind.value for ref, kind in classes.items() if ref in left)
    return Summary(
        verdict=result.verdict,
        counts=_counts(plan, result, after, classes),
        drift=dict(drift),
        pending=bool(result.left),
        unattributed=Cause.UNATTRIBUTED in result.left,
        left_out=bool(result.quarantined or result.dropped or result.rejected) or not plan.complete,
        seen=result.counts is not None,
        failure=failure,
        gap=result.gap,
        closed=result.closed,
        errors=result.errors[:MAX_NAMED],
        named=named_of(result),
        exit_code=result.exit_code,
    )


def _counts(
    plan: DatasetPlan, result: DatasetResult, after: Diff | None, classes: Mapping[str, DriftClass]
) -> dict[str, int]:
    return {
        **(result.counts or plan.counts)._asdict(),
        "withheld": result.number_withheld,
        "blocked": result.blocked,
        "quarantined": len(result.quarantined),
        "dropped": len(result.dropped),
        "rejected": len(result.rejected),
        "found": _found(classes),
        "set_back": _set_back(plan, after),
    }


def _set_back(plan: DatasetPlan, after: Diff | None) -> int:
    """Count the drifted entries that were sent and then observed as desired."""
    if after is None:
        return 0
    left = {change.source_ref for change in after.changes}
    return sum(item.cause.is_drift and item.source_ref not in left for item in plan.sendable)


TOO_OLD: Final = "the last complete observation is older than schedule.fullScanMaxAge"

_AGEING: Final = frozenset(
    {
        ConditionType.READY,
        ConditionType.OBSERVED,
        ConditionType.IN_SYNC,
        ConditionType.DRIFTED,
        ConditionType.DEGRADED,
        ConditionType.TRAINING_SAFE,
    }
)


def aged(conditions: Iterable[Condition], stale_at: float | None, now: float) -> tuple[Condition, ...]:
    """
    Return the conditions as of *now*, with those that are too old turned to Unknown.

    Args:
        stale_at: When the last complete observation expires, in seconds since the epoch; None if there was
            none, and then no condition ages.
    """
    if stale_at is None or now < stale_at:
        return tuple(conditions)
    return tuple(_decayed(condition, stale_at) for condition in conditions)


def decays(kind: ConditionType, status: Truth) -> bool:
    """
    Return whether a condition becomes Unknown once the last complete observation is too old.

    Ready and Observed do not decay while False, since age makes nothing better.
    """
    stays = status is Truth.FALSE and kind in (ConditionType.READY, ConditionType.OBSERVED)
    return kind in _AGEING and status is not Truth.UNKNOWN and not stays


def _decayed(condition: Condition, stale_at: float) -> Condition:
    if not decays(condition.kind, condition.status):
        return condition
    return Condition(condition.kind, Truth.UNKNOWN, Reason.TOO_OLD, TOO_OLD, stale_at)
