"""What keeps an apply from carrying out a change: the policy of a dataset, or the selection of the user."""

from __future__ import annotations

from enum import StrEnum

from reconciler.core.planning.cause import Cause
from reconciler.core.planning.diff import Action
from reconciler.core.spec.choices import Mode, OnChange, OnDrift, Orphans
from reconciler.core.spec.policy import ClosedBy, Closure, Policy


class Withheld(StrEnum):
    """What keeps an apply from carrying out a change: the policy, as a spec writes it, or the selection."""

    ON_DRIFT = "onDrift: report"
    CREATE_ONLY = "mode: create-only"
    ON_CHANGE = "onChange: plan"
    ORPHANS = "orphans: report"
    OBSERVE = "mode: observe"
    NOT_SELECTED = "not selected"
    FREEZE = "freeze"
    WINDOWS = "windows"
    IMAGES = "images: require"


def withheld(
    policy: Policy, action: Action, why: Cause, *, released: bool = False, closed: Closure | None = None
) -> Withheld | None:
    """
    Return the setting that withholds a change; None if an apply carries it out.

    ``onDrift: report`` withholds changes to drifted entries, even if git changed them too, and unattributed
    updates, which may be drift. Whether an orphan is already blank is for the caller to check. Mode observe
    is not considered: its plan shows what is needed.

    Args:
        released: Whether a person runs the apply, which is what ``onChange: plan`` waits for.
        closed: Why the dataset is closed now; None if it is open.
    """
    if action is Action.ORPHAN and policy.orphans is not Orphans.BLANK:
        return Withheld.ORPHANS
    may_be_work = why.is_drift or (why is Cause.UNATTRIBUTED and action is Action.UPDATE)
    if may_be_work and policy.on_drift is OnDrift.REPORT:
        return Withheld.ON_DRIFT
    if policy.mode is Mode.CREATE_ONLY and action is not Action.ADD:
        return Withheld.CREATE_ONLY
    if policy.on_change is OnChange.PLAN and why.asks_for_change and not released:
        return Withheld.ON_CHANGE
    if closed is not None:  # last: the other settings hold on when the dataset opens
        return Withheld.FREEZE if closed.by is ClosedBy.FREEZE else Withheld.WINDOWS
    return None
