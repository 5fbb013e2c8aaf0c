"""What an apply would write, and what it can only report."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import blake2b
from typing import Final, NamedTuple

from reconciler.core.entries.explain import FieldChange
from reconciler.core.planning.batch import Batch
from reconciler.core.planning.cause import Cause
from reconciler.core.planning.diff import Action, Change, Diff
from reconciler.core.planning.guard import Guard
from reconciler.core.planning.quarantine import Quarantined
from reconciler.core.spec.choices import Mode, OnChange, OnDrift, Orphans
from reconciler.core.spec.documents import Policy
from reconciler.core.validation.problem import Origin


class Withheld(StrEnum):
    """The part of the policy that keeps an apply from carrying out a change, as a spec writes it."""

    ON_DRIFT = "onDrift: report"
    CREATE_ONLY = "mode: create-only"
    ON_CHANGE = "onChange: plan"
    ORPHANS = "orphans: report"
    OBSERVE = "mode: observe"


# AWS alone moved: what git asks for was in place before.
_REVERTED: Final = frozenset({Cause.DRIFT_MODIFIED, Cause.DRIFT_REMOVED})


def withheld(policy: Policy, action: Action, why: Cause, *, released: bool = False) -> Withheld | None:
    """
    Return why the policy withholds a change; None if an apply carries it out.

    What moved in AWS is not overwritten where the policy is to report it, even if git moved as well; nor is
    what may have moved there, where it cannot be attributed. An orphan is sent to be blanked; whether it is
    blank already is for the caller to see. Mode observe is not considered: its plan shows what is needed.

    Args:
        released: Whether a person applies, which is what ``onChange: plan`` waits for.
    """
    if action is Action.ORPHAN and policy.orphans is not Orphans.BLANK:
        return Withheld.ORPHANS
    may_be_work = why.is_drift or (why is Cause.UNATTRIBUTED and action is Action.UPDATE)
    if may_be_work and policy.on_drift is OnDrift.REPORT:
        return Withheld.ON_DRIFT
    if policy.mode is Mode.CREATE_ONLY and action is not Action.ADD:
        return Withheld.CREATE_ONLY
    if policy.on_change is OnChange.PLAN and why not in _REVERTED and not released:
        return Withheld.ON_CHANGE
    return None


class PlanError(NamedTuple):
    """Why a plan is not complete: something could not be used, or could not be seen."""

    code: str
    message: str
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class PlannedChange:
    """
    One change, with everything that is known about it.

    Attributes:
        sent: Digest of the line that would be sent; None if nothing would.
        size: Bytes of that line, newline excluded.
        quarantined: The quarantine that keeps it from being sent now; None if it is not in one.
        withheld: The part of the policy that keeps it from being sent; None if none does.
        reverts: Whether it sets again what had been set, and what AWS has left since.
        fields: What differs; empty until somebody asks for an explanation.
    """

    change: Change
    cause: Cause
    origin: Origin | None
    sent: bytes | None
    size: int = 0
    quarantined: Quarantined | None = None
    withheld: Withheld | None = None
    reverts: bool = False
    fields: tuple[FieldChange, ...] = ()

    @property
    def action(self) -> Action:
        return self.change.action

    @property
    def source_ref(self) -> str:
        return self.change.source_ref


class Counts(NamedTuple):
    """Entries, by what is to be done about them."""

    desired: int = 0
    observed: int = 0
    add: int = 0
    update: int = 0
    orphan: int = 0
    unchanged: int = 0
    ignored: int = 0


def counts_of(diff: Diff) -> Counts:
    """Count the entries of a complete diff: desired = add + update + unchanged + ignored."""
    return Counts(
        desired=diff.desired,
        observed=diff.observed,
        add=diff.count(Action.ADD),
        update=diff.count(Action.UPDATE),
        orphan=diff.count(Action.ORPHAN),
        unchanged=diff.unchanged,
        ignored=len(diff.ignored),
    )


@dataclass(frozen=True, slots=True)
class DatasetPlan:
    """
    The plan for one dataset.

    Apply obeys ``batches`` and nothing else: how a plan came about must not change what it does.

    Attributes:
        arn: None if the dataset does not exist (yet), or was not looked for.
        orphans: What the policy does with observed entries that are not desired.
        complete: Whether everything desired went into it.
        gap: Why entries may be in AWS that were not seen; None if everything was.
        errored: Desired entries that are in place, and orphans that are blanked, but that the service marks
            with these codes.
        exit_code: What its errors ask a command to exit with; 0 without any.
    """

    name: str
    arn: str | None
    mode: Mode
    counts: Counts
    changes: tuple[PlannedChange, ...]
    batches: tuple[Batch[PlannedChange], ...]
    guards: tuple[Guard, ...] = ()
    errors: tuple[PlanError, ...] = ()
    errored: tuple[tuple[str, tuple[str, ...]], ...] = ()
    complete: bool = True
    gap: str | None = None
    exit_code: int = 0
    orphans: Orphans = Orphans.REPORT

    @property
    def was_made(self) -> bool:
        """Tell whether the dataset could be planned for at all, be it in part."""
        return self.complete or self.exit_code == 0 or bool(self.counts.desired)

    @property
    def applyable(self) -> bool:
        """Tell whether an apply would write something."""
        return self.mode is not Mode.OBSERVE and bool(self.batches) and not self.guards

    @property
    def pending(self) -> bool:
        """Tell whether something is left that an update could do away with."""
        return any(change.sent is not None or change.quarantined is not None for change in self.changes)

    @property
    def quarantined(self) -> tuple[PlannedChange, ...]:
        """Return what is kept back, and would be sent otherwise."""
        return tuple(change for change in self.changes if change.quarantined is not None)

    @property
    def withheld(self) -> tuple[PlannedChange, ...]:
        """Return the changes to desired entries that the policy withholds: in mode observe, all of them."""
        observed = self.mode is Mode.OBSERVE
        return tuple(
            replace(change, withheld=Withheld.OBSERVE) if observed else change
            for change in self.changes
            if change.action is not Action.ORPHAN and (observed or change.withheld is not None)
        )

    @property
    def drifted(self) -> bool:
        """Tell whether AWS is known to have left what was applied."""
        return any(change.cause.is_drift for change in self.changes)


def unplanned(name: str, errors: Iterable[PlanError], exit_code: int) -> DatasetPlan:
    """Return the plan of a dataset about which too little is known: it does nothing and says why."""
    return DatasetPlan(
        name=name,
        arn=None,
        mode=Mode.OBSERVE,
        counts=Counts(),
        changes=(),
        batches=(),
        errors=tuple(errors),
        complete=False,
        exit_code=exit_code,
    )


@dataclass(frozen=True, slots=True)
class Plan:
    """
    The plan for a whole spec tree.

    Attributes:
        revision: Commit of the specs, where they have one.
    """

    datasets: tuple[DatasetPlan, ...]
    revision: str | None = None

    @property
    def digest(self) -> str:
        """Name what would be sent and what was observed, in 32 hexadecimal digits."""
        total = blake2b(digest_size=16)
        for dataset in self.datasets:
            head = [dataset.name, dataset.arn, dataset.mode, dataset.counts.observed]
            total.update(json.dumps(head).encode())
            for item in dataset.changes:
                digests = [text.hex() if text else None for text in (item.change.before, item.sent)]
                total.update(json.dumps([item.action, item.source_ref, *digests]).encode())
        return total.hexdigest()
