"""The plan of an apply: the changes it would write, and those it can only report."""

from __future__ import annotations

import json
from collections.abc import Iterable
from hashlib import blake2b
from typing import Final, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from reconciler.core.entries.equality import FieldChange
from reconciler.core.entries.image_view import NOTHING_COUNTED, ImageView, LabelSummary
from reconciler.core.planning.calls import NO_CALLS, Batch, Calls, Observed
from reconciler.core.planning.cause import Cause
from reconciler.core.planning.diff import Action, Change, Diff
from reconciler.core.planning.guard import Guard
from reconciler.core.planning.quarantine import Quarantined
from reconciler.core.planning.withholding import ALL_CHANGES, ChangeSelection, Withheld
from reconciler.core.spec.choices import Mode, Orphans
from reconciler.core.spec.policy import Closure
from reconciler.core.validation.problem import Origin, Problem
from reconciler.errors import Exit

MAX_VIEWS: Final = 10_000
"""Images of one dataset of which a plan holds both sides, some 2 kB each."""


class PlanError(NamedTuple):
    """Why a plan is incomplete: something could not be used or observed."""

    code: str
    message: str
    origin: Origin | None = None


def errors_of(problems: Iterable[Problem]) -> tuple[PlanError, ...]:
    """Return the errors of the specs of a dataset in the form of a plan; only `validate` reports warnings."""
    return tuple(_as_plan_error(problem) for problem in problems if problem.is_error)


def _as_plan_error(problem: Problem) -> PlanError:
    about = f" [{problem.source_ref}]" if problem.source_ref else ""
    return PlanError(problem.code, problem.message + about, problem.origin)


class PlannedChange(Struct, frozen=True):
    """
    One change, with its cause, its line, and what keeps it from being sent.

    Attributes:
        sent: Digest of the line that would be sent; None if nothing would be.
        size: Bytes of that line, newline excluded.
        quarantined: The quarantine that keeps it from being sent now; None if there is none.
        withheld: The policy setting that withholds it, or that it is not selected; None if it would be sent.
        image_problems: What is wrong with its image; empty unless the policy has it checked.
        reverts: Whether it restores content that was applied before and has drifted since.
        fields: The differing fields; empty until an explanation is requested.
        view: Both sides of the image; None until an explanation is requested, and for those beyond `MAX_VIEWS`.
    """

    change: Change
    cause: Cause
    origin: Origin | None
    sent: bytes | None
    size: int = 0
    quarantined: Quarantined | None = None
    withheld: Withheld | None = None
    image_problems: tuple[Problem, ...] = ()
    reverts: bool = False
    fields: tuple[FieldChange, ...] = ()
    view: ImageView | None = None

    @property
    def action(self) -> Action:
        return self.change.action

    @property
    def source_ref(self) -> str:
        return self.change.source_ref

    @property
    def is_not_selected(self) -> bool:
        """Return whether an apply without the selection would carry it out."""
        return self.withheld is Withheld.NOT_SELECTED

    @property
    def is_postponed(self) -> bool:
        """Return whether it is withheld until the dataset opens."""
        return self.withheld in (Withheld.FREEZE, Withheld.WINDOWS)


class EntryCounts(NamedTuple):
    """Numbers of entries: on either side, and by the action that they need."""

    desired: int = 0
    observed: int = 0
    add: int = 0
    update: int = 0
    orphan: int = 0
    unchanged: int = 0
    ignored: int = 0


def counts_of(diff: Diff) -> EntryCounts:
    """Count the entries of a complete diff: desired = add + update + unchanged + ignored."""
    return EntryCounts(
        desired=diff.desired,
        observed=diff.observed,
        add=diff.count(Action.ADD),
        update=diff.count(Action.UPDATE),
        orphan=diff.count(Action.ORPHAN),
        unchanged=diff.unchanged,
        ignored=len(diff.ignored),
    )


class Creation(NamedTuple):
    """
    What an apply creates before the first update.

    Attributes:
        account, region: Where; None if it could not be determined.
        project: The new project; None if it exists.
        dataset: The type of the new dataset, TRAIN or TEST.
    """

    account: str | None
    region: str | None
    project: str | None
    dataset: str


class DatasetPlan(Struct, frozen=True):
    """
    The plan for one dataset.

    Apply sends ``batches`` and nothing else, however the plan was made.

    Attributes:
        arn: None if the dataset does not exist, or was not looked up.
        orphans: What the policy does with observed entries that are not desired.
        complete: Whether the plan covers everything desired.
        gap: Why AWS may hold entries that were not observed; None if all were.
        errored: Desired entries and blanked orphans that the service holds with errors, with their codes.
        exit_code: The exit code that its errors call for.
        observed: How the dataset was observed; None if it was not.
        labels: What an apply does to each label, from AWS to git; empty until an explanation is requested.
        creation: What an apply creates first; None if the dataset exists, or if that was not determined.
        closed: Why changes are withheld until the dataset opens; None if it is open.
        is_of_backup: Whether the desired entries come from a backup, not from git.
    """

    name: str
    arn: str | None
    mode: Mode
    counts: EntryCounts
    changes: tuple[PlannedChange, ...]
    batches: tuple[Batch[PlannedChange], ...]
    guards: tuple[Guard, ...] = ()
    errors: tuple[PlanError, ...] = ()
    errored: tuple[tuple[str, tuple[str, ...]], ...] = ()
    complete: bool = True
    gap: str | None = None
    exit_code: Exit = Exit.DONE
    orphans: Orphans = Orphans.REPORT
    observed: Observed | None = None
    calls: Calls = NO_CALLS
    labels: LabelSummary = NOTHING_COUNTED
    creation: Creation | None = None
    closed: Closure | None = None
    is_of_backup: bool = False

    @property
    def sendable(self) -> tuple[PlannedChange, ...]:
        """Return the changes that the batches send, in their order."""
        return tuple(change for batch in self.batches for change in batch.items)

    @property
    def was_computed(self) -> bool:
        """Return whether a plan could be made, at least in part."""
        return self.complete or not self.exit_code or bool(self.counts.desired)

    @property
    def applyable(self) -> bool:
        """Return whether an apply would write anything."""
        return self.mode is not Mode.OBSERVE and bool(self.batches) and not self.guards

    @property
    def pending(self) -> bool:
        """Return whether git asks for something that AWS lacks, withheld or not, or an update would be sent."""
        return any(
            change.sent is not None
            or change.quarantined is not None
            or change.is_not_selected
            or change.is_postponed
            or (change.action is not Action.ORPHAN and change.cause.asks_for_change)
            for change in self.changes
        )

    @property
    def quarantined(self) -> tuple[PlannedChange, ...]:
        """Return the changes that a quarantine keeps from being sent."""
        return tuple(change for change in self.changes if change.quarantined is not None)

    def unsettled(self, after: Diff | None = None) -> frozenset[str]:
        """
        Return the source-refs of all that differs from what git and the policy ask for.

        An orphan that is blank already is as `orphans: blank` asks, though it stays in AWS.

        Args:
            after: The differences after an update; None for those of the plan.
        """
        changes = after.changes if after is not None else (item.change for item in self.changes)
        settles = self.orphans is Orphans.BLANK
        return frozenset(change.source_ref for change in changes if not (settles and change.is_blank))

    @property
    def withheld(self) -> tuple[PlannedChange, ...]:
        """
        Return the changes to desired entries that the policy withholds, or that are not selected.

        In mode observe the policy withholds all of them.
        """
        observed = self.mode is Mode.OBSERVE
        return tuple(
            replace(change, withheld=Withheld.OBSERVE) if observed else change
            for change in self.changes
            if change.action is not Action.ORPHAN and (observed or change.withheld is not None)
        )

    @property
    def not_selected(self) -> int:
        """Return the number of desired entries whose change is not selected."""
        return sum(change.is_not_selected and change.action is not Action.ORPHAN for change in self.changes)

    @property
    def creates_dataset(self) -> bool:
        """Return whether an apply creates the dataset: it does not exist, and not all changes are left out."""
        left_out = not self.batches and any(change.is_not_selected for change in self.changes)
        left_out = left_out or self.closed is not None
        return self.arn is None and self.mode is not Mode.OBSERVE and self.was_computed and not left_out

    @property
    def drifted(self) -> bool:
        """Return whether any entry is known to have drifted."""
        return any(change.cause.is_drift for change in self.changes)


def unplanned(name: str, errors: Iterable[PlanError], exit_code: Exit) -> DatasetPlan:
    """Return an empty plan with errors, for a dataset that could not be planned."""
    return DatasetPlan(
        name=name,
        arn=None,
        mode=Mode.OBSERVE,
        counts=EntryCounts(),
        changes=(),
        batches=(),
        errors=tuple(errors),
        complete=False,
        exit_code=exit_code,
    )


class Plan(Struct, frozen=True):
    """
    The plan for a whole spec tree.

    Attributes:
        revision: Commit of the specs; None if they are not in a repository.
        selection: The changes that it is limited to; all others are planned as not selected.
    """

    datasets: tuple[DatasetPlan, ...]
    revision: str | None = None
    selection: ChangeSelection = ALL_CHANGES

    @property
    def digest(self) -> str:
        """Digest of what was observed and what would be sent, in 32 hexadecimal digits."""
        total = blake2b(digest_size=16)
        for dataset in self.datasets:
            head = [dataset.name, dataset.arn, dataset.mode, dataset.counts.observed]
            total.update(json.dumps(head).encode())
            for item in dataset.changes:
                digests = [text.hex() if text else None for text in (item.change.before, item.sent)]
                total.update(json.dumps([item.action, item.source_ref, *digests]).encode())
        return total.hexdigest()
