"""What came of an apply."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from reconciler.core.planning.cause import Cause
from reconciler.core.planning.plan import Counts, PlanError, Withheld
from reconciler.core.validation.problem import Origin


class Verdict(StrEnum):
    """What a second look showed about one dataset."""

    CONVERGED = "converged"  # everything desired is in place
    WITHHELD = "withheld"  # all that the policy allows is in place, and something desired is not
    PARTIAL = "partial"  # all but the entries that are named
    BLOCKED = "blocked"  # a guard said no; nothing was sent
    FAILED = "failed"  # something desired could not be used or done
    UNKNOWN = "unknown"  # it could not be seen
    OBSERVED = "observed"  # mode observe: looked at, never written

    @property
    def decays(self) -> bool:
        """Tell whether it says something of AWS, which only holds as long as somebody keeps looking."""
        return self not in (Verdict.FAILED, Verdict.UNKNOWN)


@dataclass(frozen=True, slots=True)
class EntryProblem:
    """One entry that is not in place, and why."""

    source_ref: str
    origin: Origin | None
    reason: str
    codes: tuple[str, ...] = ()


MOST_NAMED: Final = 1_000
"""How many withheld entries are named; the others are counted."""


class WithheldEntry(NamedTuple):
    """One desired entry that the policy leaves as AWS has it."""

    source_ref: str
    origin: Origin | None
    cause: Cause
    reason: str


class WithheldGroup(NamedTuple):
    """How many entries are withheld for one reason."""

    cause: Cause
    reason: str
    number: int

    @property
    def asks_for_change(self) -> bool:
        """Tell whether git may ask for something new; else AWS alone moved."""
        return self.cause not in (Cause.DRIFT_MODIFIED, Cause.DRIFT_REMOVED)

    @property
    def waits(self) -> bool:
        """Tell whether a person's apply would carry it out."""
        return self.reason.endswith(Withheld.ON_CHANGE)


@dataclass(frozen=True, slots=True)
class DatasetResult:
    """
    What an apply did to one dataset, and what is left.

    Every desired entry is in place, withheld, blocked, quarantined or dropped, and is one of these only.

    Attributes:
        added, updated: Entries sent and then seen in place; an orphan that was blanked is updated.
        updates: Calls of UpdateDatasetEntries that were made.
        verified: Whether everything that was sent was looked for afterwards.
        quarantined: An update failed because of them.
        dropped: Accepted, and then absent.
        rejected: Stored, with an error list of the service.
        withheld: Left as they are by the policy; the first of them, sorted.
        groups: All that are withheld, by reason.
        unblanked: Orphans that the policy leaves as they are, by reason; they are not desired, and are no part of
            what is withheld.
        blocked: How many desired entries were not sent because of a guard.
        counts: All entries as they were last seen; None if they were not seen after the last update.
        left: How many entries still differ, by cause; orphans are among them.
        errors: What else went wrong.
        complete: Whether every entry that AWS counts was seen.
        gap: Why others may be there; None where all were seen, and where none was.
        exit_code: The gravest of all that happened here.
    """

    name: str
    arn: str | None
    verdict: Verdict
    added: int = 0
    updated: int = 0
    updates: int = 0
    verified: bool = False
    quarantined: tuple[EntryProblem, ...] = ()
    dropped: tuple[EntryProblem, ...] = ()
    rejected: tuple[EntryProblem, ...] = ()
    withheld: tuple[WithheldEntry, ...] = ()
    groups: tuple[WithheldGroup, ...] = ()
    unblanked: tuple[WithheldGroup, ...] = ()
    blocked: int = 0
    counts: Counts | None = None
    left: Mapping[Cause, int] = field(default_factory=lambda: MappingProxyType({}))
    errors: tuple[PlanError, ...] = ()
    complete: bool = True
    gap: str | None = None
    exit_code: int = 0

    @property
    def number_withheld(self) -> int:
        return sum(group.number for group in self.groups)

    @property
    def detailed_exit_code(self) -> int:
        """Return the exit code that tells withheld entries apart: 2 if git asks for one of them, else 4."""
        groups = (*self.groups, *(group for group in self.unblanked if group.waits))
        if not groups:
            return self.exit_code
        return gravest([self.exit_code, 2 if any(group.asks_for_change for group in groups) else 4])


# From the gravest down; whatever several datasets came to, the first of these that occurs is the answer. No
# dataset ends with 64: that is what doctor finds of a state directory.
GRAVITY = (64, 1, 8, 5, 3, 6, 7, 4, 2, 0)


def gravest(codes: Iterable[int]) -> int:
    """Return the exit code of a command from those of its parts; 0 for none."""
    return min(codes, key=GRAVITY.index, default=0)
