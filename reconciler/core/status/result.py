"""The result of an apply, and the first entries of each kind by name, as they are stored with a status."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from msgspec import Struct, field

from reconciler.core.planning.calls import NO_CALLS, Calls, Observed
from reconciler.core.planning.cause import Cause
from reconciler.core.planning.plan import EntryCounts, PlanError, PlannedChange
from reconciler.core.planning.withholding import Withheld
from reconciler.core.spec.policy import Closure
from reconciler.core.validation.problem import Origin
from reconciler.errors import Exit, gravest


class Verdict(StrEnum):
    """What the observation after an apply showed about one dataset."""

    CONVERGED = "converged"  # everything desired is in place
    WITHHELD = "withheld"  # not everything desired is in place, but all that policy and selection allow
    PARTIAL = "partial"  # everything is in place but the named entries
    BLOCKED = "blocked"  # a guard blocked the plan; nothing was sent
    FAILED = "failed"  # something desired could not be used or applied
    UNKNOWN = "unknown"  # the dataset could not be observed
    OBSERVED = "observed"  # mode observe: observed, never written

    @property
    def decays(self) -> bool:
        """Return whether the verdict is about AWS, and so goes stale without new observations."""
        return self not in (Verdict.FAILED, Verdict.UNKNOWN)


class EntryProblem(NamedTuple):
    """One entry that is not in place or is marked with errors, and the reason."""

    source_ref: str
    origin: Origin | None
    reason: str
    codes: tuple[str, ...] = ()


MAX_NAMED: Final = 1_000
"""Maximum number of withheld entries that are named; the others are only counted."""


class WithheldEntry(NamedTuple):
    """One desired entry whose change the policy withholds."""

    source_ref: str
    origin: Origin | None
    cause: Cause
    reason: str
    withheld_by: Withheld | None = None


class WithheldGroup(NamedTuple):
    """
    The number of entries withheld, or not selected, for one cause and reason.

    Attributes:
        withheld_by: None if an earlier version stored the group.
    """

    cause: Cause
    reason: str
    number: int
    withheld_by: Withheld | None = None

    @property
    def asks_for_change(self) -> bool:
        return self.cause.asks_for_change

    @property
    def waits(self) -> bool:
        """Return whether an apply by a person would carry it out."""
        return self.withheld_by is Withheld.ON_CHANGE

    @property
    def waits_for_images(self) -> bool:
        """Return whether it may be sent once its images are sound, though neither git nor AWS changed."""
        return self.withheld_by is Withheld.IMAGES

    @property
    def is_not_selected(self) -> bool:
        """Return whether an apply without the selection would carry it out."""
        return self.withheld_by is Withheld.NOT_SELECTED


class AppliedLabel(NamedTuple):
    """The number of images with one label that an apply added or updated."""

    label: str
    added: int
    updated: int


class DatasetResult(Struct, frozen=True):
    """
    The result of an apply for one dataset, and what is left to do.

    Every desired entry is exactly one of: in place, withheld, not selected, blocked, quarantined, dropped.

    Attributes:
        added, updated: Entries sent and then observed in place; a blanked orphan counts as updated.
        changed: These entries.
        labels: These entries, counted by label; empty if they were not read again.
        updates: Number of UpdateDatasetEntries calls.
        verified: Whether everything sent was checked afterwards.
        quarantined: Entries because of which an update failed.
        dropped: Entries accepted by the service, then absent.
        rejected: Entries stored with an error list of the service.
        withheld: The first of the desired entries withheld by policy, sorted.
        groups: All withheld entries, counted by reason.
        not_selected: All desired entries that were not selected, counted by cause.
        unblanked: Orphans withheld by policy or not selected, counted by reason; none of them is desired.
        blocked: Number of desired entries not sent because of a guard.
        counts: All entries as last observed; None if they were not observed after the last update.
        closed: Why changes were withheld until the dataset opens; None if none was.
        left: Number of entries that still differ, by cause, orphans included.
        errors: Other errors.
        complete: Whether every entry that AWS counts was observed.
        gap: Why AWS may hold other entries; None if all were observed, or none.
        exit_code: The gravest exit code of everything in this result.
        observed: How the dataset was observed before the first update; None if it was not.
    """

    name: str
    arn: str | None
    verdict: Verdict
    added: int = 0
    updated: int = 0
    changed: tuple[PlannedChange, ...] = ()
    labels: tuple[AppliedLabel, ...] = ()
    updates: int = 0
    verified: bool = False
    quarantined: tuple[EntryProblem, ...] = ()
    dropped: tuple[EntryProblem, ...] = ()
    rejected: tuple[EntryProblem, ...] = ()
    withheld: tuple[WithheldEntry, ...] = ()
    groups: tuple[WithheldGroup, ...] = ()
    not_selected: tuple[WithheldGroup, ...] = ()
    unblanked: tuple[WithheldGroup, ...] = ()
    blocked: int = 0
    counts: EntryCounts | None = None
    left: Mapping[Cause, int] = field(default_factory=lambda: MappingProxyType({}))
    errors: tuple[PlanError, ...] = ()
    complete: bool = True
    gap: str | None = None
    exit_code: Exit = Exit.DONE
    observed: Observed | None = None
    calls: Calls = NO_CALLS
    closed: Closure | None = None

    @property
    def number_withheld(self) -> int:
        return sum(group.number for group in self.groups)

    @property
    def number_not_selected(self) -> int:
        return sum(group.number for group in self.not_selected)

    @property
    def leaves_rest(self) -> bool:
        """Return whether an apply without the selection would change more, orphans included."""
        return bool(self.not_selected) or any(group.is_not_selected for group in self.unblanked)

    @property
    def detailed_exit_code(self) -> Exit:
        """Return the exit code that includes what is left on purpose: 2 if git asks for any of it, else 4."""
        waiting = (group for group in self.unblanked if group.waits or group.is_not_selected)
        groups = (*self.groups, *self.not_selected, *waiting)
        if not groups:
            return self.exit_code
        asked = any(group.asks_for_change for group in groups)
        return gravest([self.exit_code, Exit.PENDING if asked else Exit.DRIFT])


class Named(Struct, frozen=True):
    """
    At most `MAX_NAMED` entries of each kind, as in `DatasetResult`.

    Attributes:
        groups, unblanked: All of them, by reason.
    """

    withheld: tuple[WithheldEntry, ...] = ()
    groups: tuple[WithheldGroup, ...] = ()
    quarantined: tuple[EntryProblem, ...] = ()
    dropped: tuple[EntryProblem, ...] = ()
    rejected: tuple[EntryProblem, ...] = ()
    unblanked: tuple[WithheldGroup, ...] = ()


NOTHING_NAMED: Final = Named()


def named_of(result: DatasetResult) -> Named:
    return Named(
        result.withheld[:MAX_NAMED],
        result.groups,
        result.quarantined[:MAX_NAMED],
        result.dropped[:MAX_NAMED],
        result.rejected[:MAX_NAMED],
        result.unblanked,
    )
