"""One complete look at a dataset, as a value."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from reconciler.core.planning.diff import Diff
from reconciler.engine.dataset.listing import Spool
from reconciler.ports import Description


@dataclass(frozen=True, slots=True)
class Observation:
    """
    One complete look at a dataset.

    Attributes:
        description: What DescribeDataset said before the listing and, unchanged, after it.
        listing: The observed lines, by place, until it is closed.
        at: Seconds since the epoch when the listing was complete.
        gap: How many entries the service counts and how many were seen, if that is not the same: then others
            may be there. None if all were seen.
    """

    arn: str
    description: Description
    diff: Diff
    listing: Spool
    at: float
    gap: str | None = None

    def amended(self, diff: Diff) -> Observation:
        """Return this look with what a later one showed of some entries, in the same state of the dataset."""
        gap = self.gap and gap_between(self.description, diff.observed)
        return replace(self, diff=diff, gap=gap)


def gap_between(description: Description, seen: int) -> str | None:
    """Say by how much the service's own count and what was seen differ; None if they do not."""
    counted = description.stats.total_entries
    if counted is None or counted == seen:
        return None
    return f"AWS counts {counted:,} entries, and {seen:,} could be seen"


def as_text(description: Description) -> str:
    """Return what is compared to see whether a dataset changed."""
    return json.dumps(
        [description.phase, description.code, description.message, description.updated_at, description.stats]
    )
