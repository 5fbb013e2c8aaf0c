"""What came of an apply."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from reconciler.core.plan import PlanError
from reconciler.core.problem import Origin


class Verdict(StrEnum):
    """What a second look showed about one dataset."""

    CONVERGED = "converged"  # everything desired is in place
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
class Trouble:
    """One entry that is not in place, and why."""

    source_ref: str
    origin: Origin | None
    reason: str
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DatasetResult:
    """
    What an apply did to one dataset, and what is left.

    Attributes:
        added, updated: Entries sent and then seen in place; an orphan that was blanked is updated.
        updates: Calls of UpdateDatasetEntries that were made.
        verified: Whether everything that was sent was looked for afterwards.
        quarantined: An update failed because of them.
        dropped: Accepted, and then absent.
        rejected: Stored, with an error list of the service.
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
    quarantined: tuple[Trouble, ...] = ()
    dropped: tuple[Trouble, ...] = ()
    rejected: tuple[Trouble, ...] = ()
    errors: tuple[PlanError, ...] = ()
    complete: bool = True
    gap: str | None = None
    exit_code: int = 0


# From the gravest down; whatever several datasets came to, the first of these that occurs is the answer.
GRAVITY = (1, 8, 5, 3, 6, 7, 4, 2, 0)


def gravest(codes: list[int]) -> int:
    """Return the exit code of a command from those of its parts; 0 for none."""
    return min(codes, key=GRAVITY.index, default=0)
