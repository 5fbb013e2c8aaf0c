"""The one object that every rendering of a proposal is made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from reconciler.core.planning.cause import Cause
from reconciler.core.planning.plan import PlanError
from reconciler.core.proposals.edit_request import EditRequest, Refusal
from reconciler.core.validation.problem import Problem

DRIFT_EXIT: Final = 4


@dataclass(frozen=True, slots=True)
class DatasetProposal:
    """
    What is proposed for one dataset.

    Attributes:
        accepted: What the patch takes up, ordered by source-ref.
        refusals: Drift that it does not take up, ordered by source-ref.
        pending: Differences that git alone made: they are never proposed back.
        observed_at: Seconds since the epoch; None if nothing was observed.
        since: When the dataset was last applied, as it was recorded; None if that is not known.
        error_code: What its errors ask a command to exit with; 0 without any.
    """

    name: str
    arn: str | None
    accepted: tuple[EditRequest, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    pending: int = 0
    observed_at: float | None = None
    since: str | None = None
    errors: tuple[PlanError, ...] = ()
    error_code: int = 0

    @property
    def guessed(self) -> int:
        """Return how many of the proposed images nobody can say about who moved."""
        return sum(request.cause is Cause.UNATTRIBUTED for request in self.accepted)

    @property
    def contested(self) -> int:
        """Return how many of them moved in git as well: the patch takes what AWS holds."""
        return sum(request.cause is Cause.CONFLICT for request in self.accepted)

    @property
    def exit_codes(self) -> tuple[int, int]:
        """Return what it asks a command to exit with: 4 while there is drift that the patch leaves."""
        return self.error_code, DRIFT_EXIT if self.refusals else 0


class Branch(NamedTuple):
    """A branch that was made, and its commit."""

    name: str
    commit: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """
    What is proposed for a whole spec tree.

    Attributes:
        root: Directory that the paths of the patch are relative to.
        patch: A unified diff; empty if there is nothing to change.
        problems: What validation would say of the patched specs, and does not say now.
        branch: None unless one was asked for and there was something to commit.
    """

    datasets: Sequence[DatasetProposal]
    root: str
    patch: bytes
    problems: tuple[Problem, ...] = ()
    revision: str | None = None
    branch: Branch | None = None
