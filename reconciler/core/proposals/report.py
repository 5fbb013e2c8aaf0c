"""A proposal: the edit requests by which git agrees with AWS, and the result from which reports are rendered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from reconciler.core.entries.entry import Fields
from reconciler.core.entries.equality import Equality
from reconciler.core.planning.cause import Cause
from reconciler.core.planning.plan import PlanError
from reconciler.core.spec.choices import DriftClass
from reconciler.core.validation.problem import Origin, Problem
from reconciler.errors import Exit


class EditKind(StrEnum):
    CHANGE = "change"  # the image's entry is rewritten
    REMOVE = "remove"  # AWS does not hold it any more
    ADD = "add"  # AWS holds it, and no spec does


@dataclass(frozen=True, slots=True)
class EditRequest:
    """
    A change of one image's entry in git.

    Attributes:
        file: Name of the entries file that holds the entry, or will hold it.
        line: JSON line of the entry in that file, from 1; of a new entry, the line it follows, 0 for none.
        origin: The entry's place as shown to users; None for a new one.
        fields: The new content of the entry; empty for a removal.
        equality: The comparison that the dataset's policy asks for.
    """

    dataset: str
    source_ref: str
    kind: EditKind
    cause: Cause
    classes: tuple[DriftClass, ...]
    file: str
    line: int
    origin: Origin | None
    fields: Fields
    equality: Equality


@dataclass(frozen=True, slots=True)
class Refusal:
    """
    Drift of one image that the patch leaves out.

    Attributes:
        reason: A sentence without its full stop.
    """

    dataset: str
    source_ref: str
    cause: Cause
    classes: tuple[DriftClass, ...]
    origin: Origin | None
    reason: str


def refused(request: EditRequest, reason: str) -> Refusal:
    return Refusal(
        request.dataset, request.source_ref, request.cause, request.classes, request.origin, reason
    )


@dataclass(frozen=True, slots=True)
class DatasetProposal:
    """
    The proposal for one dataset.

    Attributes:
        accepted: Changes in the patch, ordered by source-ref.
        refusals: Drift that the patch leaves out, ordered by source-ref.
        pending: Number of differences caused by git alone: they are never proposed.
        not_selected: Number of images whose drift is not selected.
        observed_at: Seconds since the epoch; None if nothing was observed.
        since: When the dataset was last applied, as recorded; None if unknown.
        error_code: The exit code that its errors call for.
    """

    name: str
    arn: str | None
    accepted: tuple[EditRequest, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    pending: int = 0
    not_selected: int = 0
    observed_at: float | None = None
    since: str | None = None
    errors: tuple[PlanError, ...] = ()
    error_code: Exit = Exit.DONE

    @property
    def guessed(self) -> int:
        """The number of accepted changes whose difference cannot be attributed to git or AWS."""
        return sum(request.cause is Cause.UNATTRIBUTED for request in self.accepted)

    @property
    def conflicting(self) -> int:
        """The number of accepted changes of images also changed in git: the patch takes AWS's version."""
        return sum(request.cause is Cause.CONFLICT for request in self.accepted)

    @property
    def exit_codes(self) -> tuple[Exit, Exit]:
        """The exit codes for its errors and for drift that the patch leaves out."""
        return self.error_code, Exit.DRIFT if self.refusals else Exit.DONE


class Branch(NamedTuple):
    """The created branch and its commit."""

    name: str
    commit: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """
    The proposal for a whole spec tree.

    Attributes:
        root: Directory that the paths of the patch are relative to.
        patch: A unified diff; empty if there is nothing to change.
        problems: Validation problems that the patch would introduce.
        branch: None unless one was requested and there was something to commit.
    """

    datasets: Sequence[DatasetProposal]
    root: str
    patch: bytes
    problems: tuple[Problem, ...] = ()
    revision: str | None = None
    branch: Branch | None = None
