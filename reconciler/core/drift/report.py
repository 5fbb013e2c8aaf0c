"""The one object that every rendering of drift is made from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from reconciler.core.drift.kinds import Picture
from reconciler.core.drift.summary import LabelBalance
from reconciler.core.entries.explain import FieldChange
from reconciler.core.planning.cause import Cause
from reconciler.core.planning.plan import PlanError
from reconciler.core.spec.choices import DriftClass, Mode
from reconciler.core.validation.problem import Origin

DRIFT_EXIT: Final = 4


class DriftVerdict(StrEnum):
    """What one look says about one dataset."""

    IN_SYNC = "in_sync"  # nothing differs
    DRIFTED = "drifted"  # AWS left what was applied, or nobody can tell who moved
    PENDING = "pending"  # only git moved: an apply is due
    UNKNOWN = "unknown"  # it could not be seen whole, and nothing of it is known to have drifted


class Lines(NamedTuple):
    """Both sides of one image as text, without what the service adds; None where there is none."""

    desired: str | None
    observed: str | None


class Lapsed(NamedTuple):
    """An acknowledgement that has expired: its last day, and its reason."""

    until: str
    reason: str


@dataclass(frozen=True, slots=True)
class DriftItem:
    """
    One image that is not the same on both sides, or that AWS marks with errors.

    Attributes:
        classes: In the order of `DriftClass`, at least one.
        origin: Where it is desired; None for an image that nobody desires.
        fields: What differs; empty for an image that is on one side only.
        codes: AWS's own, for an image that is errored.
        picture: None beyond the number of images that are drawn.
        lines: None beyond the number of images whose text is shown.
        acknowledged: The reason why somebody expects this; None if nobody does.
        lapsed: What would have acknowledged it, had it not expired; None without such.
        since: Seconds since the epoch, when it was first seen drifted this time; None if not remembered.
        times: How often it has drifted; 0 if not remembered.
    """

    source_ref: str
    classes: tuple[DriftClass, ...]
    cause: Cause
    origin: Origin | None = None
    fields: tuple[FieldChange, ...] = ()
    codes: tuple[str, ...] = ()
    picture: Picture | None = None
    lines: Lines | None = None
    acknowledged: str | None = None
    lapsed: Lapsed | None = None
    since: float | None = None
    times: int = 0

    @property
    def is_pending(self) -> bool:
        """Tell whether git alone moved: then it is no drift, but an apply that is due."""
        return is_pending(self.cause)

    @property
    def alarms(self) -> bool:
        """Tell whether a command exits with 4 because of it."""
        return not self.is_pending and self.acknowledged is None


class Coverage(NamedTuple):
    """
    How much of either side the other one covers.

    Attributes:
        desired: Entries that git desires and that can be used.
        observed: Entries that AWS holds.
        in_place: Entries that are the same on both sides, as far as the policy looks.
        managed: Observed entries that git desires, whatever their content.
    """

    desired: int = 0
    observed: int = 0
    in_place: int = 0
    managed: int = 0


NOTHING_SEEN: Final = Coverage()


@dataclass(frozen=True, slots=True)
class DatasetDrift:
    """
    What one complete look at one dataset showed.

    Attributes:
        path: Where the dataset is declared; None if that could not be read.
        observed_at: Seconds since the epoch when the listing was complete; None if there was none.
        items: Ordered by source-ref.
        labels: What each label gained and lost, by label.
        leaked: Images that AWS holds in the training and in the test dataset of the project, sorted.
        complete: Whether every line of the specs went into it, and the dataset could be looked at.
        gap: Why entries may be in AWS that were not seen; None if everything was.
        attributed: Whether it is remembered what was applied; else every difference counts as drift.
        error_code: What its errors ask a command to exit with; 0 without any.
    """

    name: str
    arn: str | None
    mode: Mode = Mode.OBSERVE
    path: Origin | None = None
    observed_at: float | None = None
    items: tuple[DriftItem, ...] = ()
    coverage: Coverage = NOTHING_SEEN
    labels: tuple[LabelBalance, ...] = ()
    leaked: tuple[str, ...] = ()
    errors: tuple[PlanError, ...] = ()
    attributed: bool = True
    complete: bool = True
    gap: str | None = None
    error_code: int = 0

    @property
    def verdict(self) -> DriftVerdict:
        # A line of the specs that cannot be read may be about the very image that seems to be in none.
        certain = (item for item in self.items if self.complete or item.cause is not Cause.ORPHAN)
        if any(not item.is_pending for item in certain):
            return DriftVerdict.DRIFTED
        if not self.complete:
            return DriftVerdict.UNKNOWN
        return DriftVerdict.PENDING if self.items else DriftVerdict.IN_SYNC

    @property
    def counts(self) -> Mapping[DriftClass, int]:
        """Count images by class; an image of two classes counts for both."""
        found = Counter(kind for item in self.items for kind in item.classes)
        return {kind: found[kind] for kind in DriftClass}

    @property
    def drifted(self) -> int:
        """Return how many images left what was applied."""
        return sum(not item.is_pending for item in self.items)

    @property
    def acknowledged(self) -> int:
        return sum(item.acknowledged is not None for item in self.items)

    @property
    def exit_codes(self) -> tuple[int, ...]:
        """Return what this dataset asks a command to exit with."""
        alarm = DRIFT_EXIT if any(item.alarms for item in self.items) else 0
        return self.error_code, alarm


@dataclass(frozen=True, slots=True)
class Drift:
    """
    What moved outside git, in a whole spec tree.

    Attributes:
        path: The spec tree, as the user named it.
        revision: Commit of the specs, where they have one.
        flags: What other commands need to be about the same account, as the user gave it.
    """

    datasets: tuple[DatasetDrift, ...]
    path: str = "specs"
    revision: str | None = None
    flags: tuple[str, ...] = ()


def is_pending(cause: Cause) -> bool:
    """
    Tell whether git alone moved.

    A difference that nobody can attribute is no such thing: with no memory of an apply, whatever is not as
    desired counts as drift, since calling it "pending" would invite an apply to overwrite somebody's work.
    """
    return cause in (Cause.SPEC_ADDED, Cause.SPEC_CHANGED)
