"""The changes of datasets between two revisions of their specs: the object that every format renders."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from reconciler.core.entries.equality import FieldChange
from reconciler.core.entries.image_view import ImageView, LabelBalance
from reconciler.core.planning.plan import PlanError
from reconciler.core.spec.choices import DriftClass
from reconciler.core.validation.problem import Origin, Problem
from reconciler.errors import Exit


class DatasetState(StrEnum):
    """What becomes of a dataset between two revisions."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    SAME = "same"  # nothing but what the later revision ignores
    UNKNOWN = "unknown"  # it cannot be read at one of the revisions


class ImageAction(StrEnum):
    """What becomes of an image between two revisions."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class ImageChange:
    """
    One image that differs between two revisions.

    Attributes:
        before, after: Its line at either revision; None where it is not desired.
        classes: Classes of the change, as drift would name them if git had the earlier revision and AWS the later.
        fields: The differing fields of a changed image.
        view: Both sides of a changed image, the earlier one as desired; None beyond `MAX_VIEWS`.
    """

    action: ImageAction
    source_ref: str
    before: Origin | None
    after: Origin | None
    classes: tuple[DriftClass, ...] = ()
    fields: tuple[FieldChange, ...] = ()
    view: ImageView | None = None


class RevisionCounts(NamedTuple):
    """
    Numbers of usable entries.

    Attributes:
        before, after: At either revision.
        ignored: Of those that are at both, how many differ only in what the later revision ignores.
    """

    before: int = 0
    after: int = 0
    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0
    ignored: int = 0


NO_NUMBERS: Final = RevisionCounts()


@dataclass(frozen=True, slots=True)
class DatasetDiff:
    """
    What changes in one dataset.

    Attributes:
        origin: Where it is declared, at the later revision that declares it.
        was: Its name at the earlier revision, if only that one is another; the target is the same.
        settings: What changes in its document, apart from its name and the files of its entries.
        labels: What each label gains and loses.
        changes: Ordered by source-ref.
        errors: What is wrong with it at either revision; lines with errors are not compared.
        error_code: The exit code that its errors call for.
    """

    name: str
    state: DatasetState
    origin: Origin | None = None
    was: str | None = None
    numbers: RevisionCounts = NO_NUMBERS
    settings: tuple[FieldChange, ...] = ()
    labels: tuple[LabelBalance, ...] = ()
    changes: tuple[ImageChange, ...] = ()
    errors: tuple[PlanError, ...] = ()
    error_code: Exit = Exit.DONE

    @property
    def differs(self) -> bool:
        return self.state not in (DatasetState.SAME, DatasetState.UNKNOWN)

    @property
    def exit_codes(self) -> tuple[Exit, Exit]:
        """Return the exit codes that it calls for: of its errors, and of its changes."""
        return self.error_code, Exit.PENDING if self.differs else Exit.DONE


class Side(NamedTuple):
    """
    One of the two revisions.

    Attributes:
        name: As the user gave it; None for the working tree.
        commit: None for the working tree.
    """

    name: str | None = None
    commit: str | None = None


@dataclass(frozen=True, slots=True)
class RevisionDiff:
    """
    What changes between two revisions of a spec tree.

    Attributes:
        datasets: Ordered by name.
        problems: Errors at either revision that belong to none of the datasets.
    """

    before: Side
    after: Side
    path: str
    datasets: tuple[DatasetDiff, ...]
    problems: tuple[Problem, ...] = ()

    @property
    def exit_codes(self) -> tuple[Exit, ...]:
        own = (Exit.INVALID for _ in self.problems)
        return (*own, *(code for dataset in self.datasets for code in dataset.exit_codes))
