"""Derive the conditions of a dataset from facts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from reconciler.core.spec.choices import ClosedBy
from reconciler.core.spec.policy import Closure
from reconciler.core.status.conditions import Condition, ConditionType, FailureReason, Reason, Truth
from reconciler.core.status.result import Verdict

CHANGING: Final = "AWS is being updated to match git"

NOT_WHOLE: Final = "AWS counts other entries than it lists: there may be more"


@dataclass(frozen=True, slots=True)
class Facts:
    """
    The facts from which the conditions of one dataset are derived.

    Attributes:
        source_failure: Why the specs cannot be read now, or may be outdated; None if neither is so.
        suspended: Whether the spec suspends the dataset: it is not observed.
        suspension: That and why a person has suspended applying: it is observed; None if it is not suspended.
        verdict: Verdict of the last cycle that reached one; None before.
        failure: Failure reason of the last cycle; None without a failure.
        pending: Whether a difference is left.
        drifted: Whether any entry is known to have drifted.
        unattributed: Whether an unattributed difference is left.
        left_out: Whether single entries are invalid, quarantined, dropped or rejected.
        not_selected: Whether the last apply was limited to a selection, and differences outside it are left.
        closed: Why changes are withheld until the dataset opens; None if none is.
        incomplete: Whether AWS counts other entries than it lists.
        outdated: Whether a newer revision has arrived since the last cycle.
        applying: Whether a plan is being applied now; the other facts are those it was made from.
    """

    source_failure: FailureReason | None = None
    suspended: bool = False
    suspension: str | None = None
    verdict: Verdict | None = None
    failure: FailureReason | None = None
    pending: bool = False
    drifted: bool = False
    unattributed: bool = False
    left_out: bool = False
    not_selected: bool = False
    closed: Closure | None = None
    incomplete: bool = False
    outdated: bool = False
    applying: bool = False

    @property
    def observed(self) -> bool | None:
        """Return whether AWS could be observed; None if no observation was attempted."""
        if self.applying:
            return True
        if self.verdict is None or self.suspended:
            return None
        if self.verdict is Verdict.FAILED and self.failure and self.failure.reason is Reason.INVALID:
            return None  # with an invalid spec, AWS is not observed
        return self.verdict is not Verdict.UNKNOWN


def judge(facts: Facts) -> tuple[Condition, ...]:
    """Return all conditions but `TrainingSafe`, in the order of their types; `advanced` sets their times."""
    return (
        _ready(facts),
        _source(facts),
        _observed(facts),
        _in_sync(facts),
        _drifted(facts),
        _reconciling(facts),
        _stalled(facts),
        _degraded(facts),
        _suspended(facts),
    )


def _ready(facts: Facts) -> Condition:
    say = partial(Condition, ConditionType.READY)
    if facts.suspended:
        return say(Truth.UNKNOWN, Reason.SUSPENDED, "the dataset is not observed while it is suspended")
    if facts.source_failure is not None:
        return say(Truth.FALSE, facts.source_failure.reason, facts.source_failure.message)
    if facts.applying:
        return say(Truth.UNKNOWN, Reason.APPLYING, CHANGING)
    if facts.failure is not None:
        known = facts.failure.is_terminal or facts.observed
        return say(Truth.FALSE if known else Truth.UNKNOWN, facts.failure.reason, facts.failure.message)
    match facts.verdict:
        case None:
            return say(Truth.UNKNOWN, Reason.NOT_YET, "no cycle has ended yet")
        case Verdict.CONVERGED | Verdict.WITHHELD | Verdict.OBSERVED if not (
            facts.left_out or facts.not_selected
        ):
            return say(*_satisfied(facts))
        case Verdict.UNKNOWN:
            return say(Truth.UNKNOWN, Reason.FAILED, "the dataset could not be observed")
        case _:
            only_unselected = facts.not_selected and not facts.left_out
            reason = Reason.NOT_SELECTED if only_unselected else Reason.ENTRIES_LEFT_OUT
            return say(Truth.FALSE, reason, "some entries are not in place")


def _satisfied(facts: Facts) -> tuple[Truth, Reason, str]:
    """Return status, reason and message of Ready for a dataset of which every entry could be used."""
    if not facts.pending:
        return Truth.TRUE, Reason.AS_DESIRED, "observed as desired"
    if facts.suspension is not None:
        return Truth.FALSE, Reason.SUSPENDED, "differences are left, and applying is suspended"
    if facts.closed is not None:
        frozen = facts.closed.by is ClosedBy.FREEZE
        reason = Reason.FROZEN if frozen else Reason.CLOSED
        return Truth.TRUE, reason, f"changes are withheld: {facts.closed.message}"
    return Truth.TRUE, Reason.AS_ALLOWED, "differences are left that the policy only reports"


def _source(facts: Facts) -> Condition:
    if facts.source_failure is not None:
        failure = facts.source_failure
        return Condition(ConditionType.SOURCE_READY, Truth.FALSE, failure.reason, failure.message)
    return Condition(ConditionType.SOURCE_READY, Truth.TRUE, Reason.SOURCE_READ, "the specs can be read")


def _observed(facts: Facts) -> Condition:
    say = partial(Condition, ConditionType.OBSERVED)
    if facts.observed is None:
        reason = Reason.SUSPENDED if facts.suspended else Reason.NOT_YET
        return say(Truth.UNKNOWN, reason, "not observed")
    if facts.observed and facts.incomplete:
        return say(Truth.UNKNOWN, Reason.INCOMPLETE, NOT_WHOLE)
    if facts.observed:
        return say(Truth.TRUE, Reason.OBSERVED, "the dataset could be observed")
    failure = facts.failure or FailureReason(Reason.FAILED, "the dataset could not be observed")
    return say(Truth.FALSE, failure.reason, failure.message)


def _unseen(kind: ConditionType, facts: Facts) -> Condition:
    if facts.suspended:
        reason = Reason.SUSPENDED
    else:
        reason = Reason.NOT_YET if facts.observed is None else Reason.UNAVAILABLE
    return Condition(kind, Truth.UNKNOWN, reason, "unknown without a complete observation")


def _in_sync(facts: Facts) -> Condition:
    say = partial(Condition, ConditionType.IN_SYNC)
    if not facts.observed:
        return _unseen(ConditionType.IN_SYNC, facts)
    if facts.pending or facts.left_out:
        return say(Truth.FALSE, Reason.DIFFERENT, "observed entries differ from desired ones")
    if facts.incomplete:
        return say(Truth.UNKNOWN, Reason.INCOMPLETE, NOT_WHOLE)
    return say(Truth.TRUE, Reason.AS_DESIRED, "observed entries match desired ones")


def _drifted(facts: Facts) -> Condition:
    say = partial(Condition, ConditionType.DRIFTED)
    if not facts.observed:
        return _unseen(ConditionType.DRIFTED, facts)
    if facts.drifted:
        return say(Truth.TRUE, Reason.DIFFERENT, "AWS differs from what was applied")
    if facts.unattributed:
        text = "entries differ, and no record says which side changed them"
        return say(Truth.UNKNOWN, Reason.UNATTRIBUTED, text)
    return say(Truth.FALSE, Reason.NONE_FOUND, "AWS matches what was applied")


def _reconciling(facts: Facts) -> Condition:
    say = partial(Condition, ConditionType.RECONCILING)
    if facts.suspended:
        return say(Truth.FALSE, Reason.SUSPENDED, "the spec says suspend: true")
    if facts.applying:
        return say(Truth.TRUE, Reason.APPLYING, CHANGING)
    if facts.verdict is None:
        return say(Truth.TRUE, Reason.NOT_YET, "the first cycle has not ended yet")
    if facts.outdated:
        return say(Truth.TRUE, Reason.NEW_REVISION, "a newer revision has not been applied yet")
    if facts.failure and not facts.failure.is_terminal:
        return say(Truth.TRUE, Reason.RETRYING, facts.failure.message)
    if facts.suspension is not None:
        return say(Truth.FALSE, Reason.SUSPENDED, facts.suspension)
    return say(Truth.FALSE, Reason.IDLE, _idle(facts))


def _idle(facts: Facts) -> str:
    """Return why nothing is being applied."""
    if facts.failure:
        return "what is left needs a person"
    if facts.source_failure:
        return "the specs cannot be read now"
    match _in_sync(facts).status:
        case Truth.TRUE:
            return "nothing is left to do"
        case Truth.FALSE:
            return "what still differs is left as it is for now"
        case Truth.UNKNOWN:
            return "it is unknown whether anything is left to do"


def _stalled(facts: Facts) -> Condition:
    if facts.failure and facts.failure.is_terminal and not facts.suspended:
        return Condition(ConditionType.STALLED, Truth.TRUE, facts.failure.reason, facts.failure.message)
    return Condition(ConditionType.STALLED, Truth.FALSE, Reason.NONE_FOUND, "nothing needs a person")


def _degraded(facts: Facts) -> Condition:
    if not facts.observed:
        return _unseen(ConditionType.DEGRADED, facts)
    if facts.left_out:
        text = "some entries are invalid, quarantined, dropped or rejected"
        return Condition(ConditionType.DEGRADED, Truth.TRUE, Reason.ENTRIES_LEFT_OUT, text)
    return Condition(ConditionType.DEGRADED, Truth.FALSE, Reason.NONE_FOUND, "no entry is left out")


def _suspended(facts: Facts) -> Condition:
    say = partial(Condition, ConditionType.SUSPENDED)
    if facts.suspended:
        return say(Truth.TRUE, Reason.SUSPENDED, "the spec says suspend: true")
    if facts.suspension is not None:
        return say(Truth.TRUE, Reason.SUSPENDED, facts.suspension)
    return say(Truth.FALSE, Reason.NOT_SUSPENDED, "neither the spec nor a person suspends it")


def training_safe(
    own: Iterable[Condition], partners: Mapping[str, Iterable[Condition]], shared: bool | None
) -> Condition:
    """
    Judge whether a model can be trained now on exactly what git declares.

    Args:
        own: The other conditions of this dataset.
        partners: Those of the other dataset of its project, by name; empty if the specs do not hold it.
        shared: Whether both hold an image in common, as last observed; None if that is not known.
    """
    say = partial(Condition, ConditionType.TRAINING_SAFE)
    found = [_settled("the dataset", own)]
    found += (_settled(name, conditions) for name, conditions in sorted(partners.items()))
    for status in (Truth.FALSE, Truth.UNKNOWN):
        for truth, reason, message in found:
            if truth is status:
                return say(status, reason, message)
    if not partners:
        return say(Truth.UNKNOWN, Reason.NO_PARTNER, "the specs do not hold the other dataset of the project")
    if shared is None:
        return say(Truth.UNKNOWN, Reason.NOT_YET, "not known whether training and test share images")
    if shared:
        return say(Truth.FALSE, Reason.LEAKAGE, "training and test share images")
    return say(Truth.TRUE, Reason.AS_DESIRED, "training and test are as desired, and share no image")


def _settled(name: str, conditions: Iterable[Condition]) -> tuple[Truth, Reason, str]:
    """Return whether a dataset was completely observed to be in sync, and nothing is being done to it."""
    known = {condition.kind: condition for condition in conditions}
    work, sync = known.get(ConditionType.RECONCILING), known.get(ConditionType.IN_SYNC)
    if work is not None and work.status is Truth.TRUE:
        return Truth.FALSE, work.reason, f"{name}: {work.message}"
    if sync is None:
        return Truth.UNKNOWN, Reason.NOT_YET, f"{name}: nothing is known"
    return sync.status, sync.reason, f"{name}: {sync.message}"
