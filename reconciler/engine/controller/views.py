"""What people may want to see of a dataset beyond its status: kept in memory, bounded, and never written down."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from reconciler.core.drift.report import DatasetDrift, DriftItem
from reconciler.core.planning.cause import Cause
from reconciler.core.planning.quarantine import Quarantined
from reconciler.engine.dataset.desired import Desired
from reconciler.engine.dataset.plan import Planned
from reconciler.engine.usecases.drift import drift_of

# With its drawing, an image takes some 3 kB of memory for as long as it is shown.
MOST_IMAGES: Final = 10_000
MOST_LINE_CHARACTERS: Final = 4_000_000
MOST_QUARANTINED: Final = 200


@dataclass(frozen=True, slots=True)
class DriftView:
    """
    What the last complete look showed.

    Attributes:
        drift: None if more images differ than are kept.
        differing: Images that differed.
        set_back: Images that had drifted, and that the same cycle put back.
    """

    drift: DatasetDrift | None
    differing: int
    set_back: int = 0


class QuarantineView(NamedTuple):
    """Lines that are not sent for now: the first of them, and how many there are."""

    first: tuple[Quarantined, ...] = ()
    number: int = 0


def drift_view(desired: Desired, planned: Planned) -> DriftView:
    """Return what a look shows; it must still be open, and what it was about not yet changed."""
    differing = len(planned.plan.changes) + len(planned.plan.errored)
    if differing > MOST_IMAGES:
        return DriftView(None, differing)
    drift = drift_of(desired, planned)
    return DriftView(replace(drift, items=tuple(_lighter(drift.items))), differing)


def view_after_apply(before: DriftView, left: frozenset[str]) -> DriftView:
    """
    Return what is to be shown once an apply was seen to end: what git alone had moved is in place.

    Drift that was put back stays, since it can be seen nowhere else.

    Args:
        left: Source-refs of the images that still differ.
    """
    if before.drift is None:
        return before
    items = before.drift.items
    done = [item for item in items if item.is_pending and item.source_ref not in left]
    gone = {item.source_ref for item in done}
    came = sum(item.cause is Cause.SPEC_ADDED for item in done)
    seen = before.drift.coverage
    drift = replace(
        before.drift,
        items=tuple(item for item in items if item.source_ref not in gone),
        coverage=seen._replace(
            observed=seen.observed + came,
            managed=seen.managed + came,
            in_place=seen.in_place + len(done),
        ),
    )
    told = [item for item in drift.items if not item.is_pending and not item.codes]
    put_back = sum(item.cause is not Cause.ORPHAN and item.source_ref not in left for item in told)
    return DriftView(drift, len(drift.items), put_back)


def quarantine_view(quarantine: Iterable[Quarantined]) -> QuarantineView:
    """Return the holds that are shown, the one that is tried again first ahead."""
    ordered = sorted(quarantine, key=lambda quarantined: (quarantined.until, quarantined.source_ref))
    return QuarantineView(tuple(ordered[:MOST_QUARANTINED]), len(ordered))


def _lighter(items: Iterable[DriftItem]) -> Iterable[DriftItem]:
    """Leave out the lines side by side beyond a number of characters; the drawings stay."""
    left = MOST_LINE_CHARACTERS
    for item in items:
        if item.lines is not None:
            left -= len(item.lines.desired or "") + len(item.lines.observed or "")
        yield item if left >= 0 else replace(item, lines=None)
