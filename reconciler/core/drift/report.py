"""The drift report, from which all renderings of drift are made, and the class of each difference in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from msgspec import Struct

from reconciler.core.drift.foreign_calls import ForeignCall
from reconciler.core.entries.equality import FieldChange
from reconciler.core.entries.image_view import ImageView, LabelBalance
from reconciler.core.planning.calls import NO_CALLS, Calls, Observed
from reconciler.core.planning.cause import Cause
from reconciler.core.planning.plan import PlanError
from reconciler.core.planning.withholding import Withheld
from reconciler.core.spec.choices import DriftClass, Mode
from reconciler.core.validation.problem import Origin
from reconciler.errors import Exit


class DriftVerdict(StrEnum):
    """What one observation says about the drift of one dataset."""

    IN_SYNC = "in_sync"  # nothing differs
    DRIFTED = "drifted"  # AWS differs from what was applied, or a difference is unattributed
    PENDING = "pending"  # only git changed: an apply is due
    UNKNOWN = "unknown"  # the observation is incomplete, and shows no drift


_RANKS: Final = {kind: rank for rank, kind in enumerate(DriftClass)}


class LineTexts(NamedTuple):
    """Both sides of one image as text, without what the service adds; None for a missing side."""

    desired: str | None
    observed: str | None


class Lapsed(NamedTuple):
    """An expired acknowledgement: its last day and its reason."""

    until: str
    reason: str


class DriftItem(Struct, frozen=True):
    """
    One image that differs between both sides, or that AWS marks with errors.

    Attributes:
        classes: At least one, in the order of `DriftClass`.
        origin: Where the specs desire it; None for an image that is not desired.
        fields: The differing fields; empty for an image that is on one side only.
        codes: Error codes of AWS, for an errored image.
        view: None beyond the number of images to draw.
        lines: None beyond the number of images to show as text.
        acknowledged: Reason of the acknowledgement; None if it is not acknowledged.
        withheld: The policy setting that keeps an apply from reverting it; None if an apply does.
        settled: Whether it is an orphan that is blank already, and policy.orphans asks for no more.
        lapsed: The expired acknowledgement that would have covered it; None if there is none.
        since: When this drift was first observed, in seconds since the epoch; None if not recorded.
        times: How many times it has drifted; 0 if not recorded.
    """

    source_ref: str
    classes: tuple[DriftClass, ...]
    cause: Cause
    origin: Origin | None = None
    fields: tuple[FieldChange, ...] = ()
    codes: tuple[str, ...] = ()
    view: ImageView | None = None
    lines: LineTexts | None = None
    acknowledged: str | None = None
    withheld: Withheld | None = None
    settled: bool = False
    lapsed: Lapsed | None = None
    since: float | None = None
    times: int = 0

    @property
    def is_pending(self) -> bool:
        """Return whether only git changed: then an apply is due, and nothing has drifted."""
        return self.cause.is_pending

    @property
    def severity(self) -> tuple[bool, int, float, str]:
        """
        Return the key by which people see images, the most severe first.

        What raises an alarm comes before what does not; then the most severe class, the lowest overlap of a
        moved box, and the source-ref.
        """
        lowest = self.view.lowest_iou if self.view else None
        overlap = 1.0 if lowest is None else lowest
        return not self.alarms, _RANKS[self.classes[0]], overlap, self.source_ref

    @property
    def alarms(self) -> bool:
        """Return whether a command exits with 4 because of this item."""
        return not self.is_pending and self.acknowledged is None


class Coverage(NamedTuple):
    """
    How much of each side the other side covers, in numbers of entries.

    Attributes:
        desired: Usable entries that git desires.
        observed: Entries that AWS holds.
        in_place: Entries that are equal on both sides under the policy.
        managed: Observed entries that git desires, whatever their content.
    """

    desired: int = 0
    observed: int = 0
    in_place: int = 0
    managed: int = 0


NOTHING_SEEN: Final = Coverage()


class DatasetDrift(Struct, frozen=True):
    """
    The drift that one complete observation of a dataset showed.

    Attributes:
        path: Where the dataset is declared; None if that could not be read.
        observed_at: When the listing was complete, in seconds since the epoch; None without a listing.
        items: Ordered by source-ref.
        labels: What each label gained and lost.
        leaked: Images that AWS holds in both the training and the test dataset of the project, sorted.
        complete: Whether every line of the specs was used, and the dataset could be observed.
        gap: Why AWS may hold entries that were not observed; None if all were.
        attributed: Whether applied entries are on record; without a record every difference counts as drift.
        foreign_calls: Calls of other principals that may have caused the drift, the newest first.
        error_code: The exit code that its errors call for.
        observed: How it was observed; None if it was not.
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
    foreign_calls: tuple[ForeignCall, ...] = ()
    errors: tuple[PlanError, ...] = ()
    attributed: bool = True
    complete: bool = True
    gap: str | None = None
    error_code: Exit = Exit.DONE
    observed: Observed | None = None
    calls: Calls = NO_CALLS

    @property
    def verdict(self) -> DriftVerdict:
        # An orphan may be desired by a line of the specs that cannot be read.
        unsettled = [item for item in self.items if not item.settled]
        certain = [item for item in unsettled if self.complete or item.cause is not Cause.ORPHAN]
        if any(not item.is_pending for item in certain):
            return DriftVerdict.DRIFTED
        if unsettled and certain == unsettled:
            return DriftVerdict.PENDING
        return DriftVerdict.IN_SYNC if self.complete else DriftVerdict.UNKNOWN

    @property
    def counts(self) -> Mapping[DriftClass, int]:
        """Count images by class; an image of two classes counts for both."""
        found = Counter(kind for item in self.items for kind in item.classes)
        return {kind: found[kind] for kind in DriftClass}

    @property
    def drifted(self) -> int:
        """Number of images that drifted."""
        return sum(not (item.is_pending or item.settled) for item in self.items)

    @property
    def strays(self) -> int:
        """Number of the drifted images that AWS holds and git does not declare."""
        return sum(
            DriftClass.UNMANAGED in item.classes and not (item.is_pending or item.settled)
            for item in self.items
        )

    @property
    def pending(self) -> int:
        """Number of images that wait for an apply."""
        return sum(item.is_pending for item in self.items)

    @property
    def settled(self) -> int:
        return sum(item.settled for item in self.items)

    @property
    def acknowledged(self) -> int:
        return sum(item.acknowledged is not None and not item.settled for item in self.items)

    @property
    def exit_codes(self) -> tuple[Exit, Exit]:
        """Return the exit codes that this dataset calls for: of its errors, and of its drift."""
        alarm = Exit.DRIFT if any(item.alarms for item in self.items) else Exit.DONE
        return self.error_code, alarm


class Drift(Struct, frozen=True):
    """
    The drift of a whole spec tree.

    Attributes:
        path: The spec tree, as the user named it.
        revision: Commit of the specs; None if they are not in a repository.
        flags: The user's options that make other commands use the same account.
    """

    datasets: tuple[DatasetDrift, ...]
    path: str = "specs"
    revision: str | None = None
    flags: tuple[str, ...] = ()


def classes(seen: ImageView, *, errored: bool) -> tuple[DriftClass, ...]:
    """
    Classify one image that is known to differ or to be errored.

    Returns:
        At least one class, in the order of `DriftClass`. An image on one side only has exactly one class.
    """
    if seen.observed is None:
        return (DriftClass.MISSING,)
    if seen.desired is None:
        return (DriftClass.UNMANAGED,)
    found = {kind for kind, holds in _TESTS.items() if any(map(holds, seen.boxes))}
    if seen.labels_lost or seen.labels_gained:
        found.add(DriftClass.RELABELLED)
    if errored:
        found.add(DriftClass.ERRORED)
    return tuple(kind for kind in DriftClass if kind in found) or (DriftClass.METADATA_ONLY,)


_TESTS: Final = {
    DriftClass.RELABELLED: lambda pair: pair.is_relabelled,
    DriftClass.BOX_MOVED: lambda pair: pair.is_moved,
    DriftClass.BOX_ADDED: lambda pair: pair.desired is None,
    DriftClass.BOX_REMOVED: lambda pair: pair.observed is None,
}
