"""Details of a dataset for the status pages: bounded in size, kept in memory only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from reconciler.core.drift.report import DatasetDrift, DriftItem
from reconciler.core.planning.cause import Cause
from reconciler.core.planning.quarantine import Quarantined
from reconciler.engine.dataset.desired import Desired
from reconciler.engine.dataset.make_plan import Planned
from reconciler.engine.usecases.drift import drift_of

# An image with its drawing takes about 3 kB of memory.
MAX_IMAGES: Final = 10_000
MAX_LINE_CHARACTERS: Final = 4_000_000
MAX_QUARANTINED: Final = 10_000


@dataclass(frozen=True, slots=True)
class DriftView:
    """
    Drift in the last full observation.

    Attributes:
        drift: None if more images differ than are kept.
        differing: Images that differed.
        set_back: Images that had drifted and that the same cycle reverted.
        updated: Images that the same cycle updated though no record said which side had changed.
        pictures: Small pictures by source-ref, as the pages show them.
    """

    drift: DatasetDrift | None
    differing: int
    set_back: int = 0
    updated: int = 0
    pictures: Mapping[str, Any] = field(default_factory=dict)


class QuarantineView(NamedTuple):
    """Entries in quarantine: the first of them, and how many there are."""

    first: tuple[Quarantined, ...] = ()
    number: int = 0


def drift_view(desired: Desired, planned: Planned) -> DriftView:
    """Return the drift in an observation, which must still be open; call before the apply."""
    differing = len(planned.plan.changes) + len(planned.plan.errored)
    if differing > MAX_IMAGES:
        return DriftView(None, differing)
    drift = drift_of(desired, planned)
    return DriftView(replace(drift, items=tuple(_lighter(drift.items))), differing)


def view_after_apply(before: DriftView, left: frozenset[str]) -> DriftView:
    """
    Return the view after a verified apply, without the pending changes that are now in place.

    Drift that was reverted stays, since nothing else shows it.

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
    causes = [item.cause for item in drift.items if not item.codes and item.source_ref not in left]
    set_back, updated = sum(cause.is_drift for cause in causes), causes.count(Cause.UNATTRIBUTED)
    return DriftView(drift, len(drift.items), set_back, updated)


def quarantine_view(quarantine: Iterable[Quarantined]) -> QuarantineView:
    """Return the first quarantined entries in order of retry, and how many there are."""
    ordered = sorted(quarantine, key=lambda quarantined: (quarantined.until, quarantined.source_ref))
    return QuarantineView(tuple(ordered[:MAX_QUARANTINED]), len(ordered))


def _lighter(items: Iterable[DriftItem]) -> Iterable[DriftItem]:
    """Drop the compared lines of items beyond the limit of characters; drawings stay."""
    left = MAX_LINE_CHARACTERS
    for item in items:
        if item.lines is not None:
            left -= len(item.lines.desired or "") + len(item.lines.observed or "")
        yield item if left >= 0 else replace(item, lines=None)
