"""How a dataset was observed, and what that and an apply cost in calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from reconciler.core.runtime.quotas import CALLS_PER_SECOND


class ObservationKind(StrEnum):
    FINGERPRINT = "fingerprint"  # nothing moved since the last observation, and nothing was asked
    INCREMENTAL = "incremental"  # nothing moved since the last listing: what is in question was read
    FULL = "full"  # every entry was listed


@dataclass(frozen=True, slots=True)
class Calls:
    """
    Calls of AWS, by operation.

    Attributes:
        made: Those that were made so far.
        forecast: Those that applying a plan and proving it will take, at least.
    """

    made: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    forecast: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def forecast_seconds(self) -> int:
        """Return how long the forecast takes at the rate of AWS, without the time of the updates themselves."""
        return -(-sum(self.forecast.values()) // CALLS_PER_SECOND)


NO_CALLS: Final = Calls()


@dataclass(frozen=True, slots=True)
class Observed:
    """
    How a dataset was observed.

    Attributes:
        at: When that was complete, in seconds since the epoch.
        scanned_at: When it was last listed whole, in seconds since the epoch.
    """

    kind: ObservationKind
    at: float
    scanned_at: float


def forecast(updates: int, pages: int, *, created: bool) -> dict[str, int]:
    """
    Return the calls of an apply and its proof, by operation, if each update has ended when it is first asked for.

    Args:
        updates: Number of updates.
        pages: Pages that show what was sent.
        created: Whether the dataset must be created first.
    """
    if not updates:
        return {}
    creation = {"CreateDataset": 1, "DescribeProjects": 1} if created else {}
    return creation | {
        "DescribeDataset": 2 * updates + 1 + created,
        "ListDatasetEntries": pages,
        "UpdateDatasetEntries": updates,
    }
