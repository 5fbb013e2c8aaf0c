"""Tell whether lines or an outage cause failures that the service reports as its own."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

# Attempts at an update that fails with an error of the service itself, before the rest is left for later.
SERVICE_TRIES: Final = 5
# The same while lines are isolated, for a group and for a single line.
SEARCH_TRIES: Final = 2
VERDICT_TRIES: Final = 3
# Consecutive failures after which the service counts as down. One bisection has fewer.
LONGEST_STREAK: Final = 18


@dataclass(slots=True)
class Suspicion:
    """
    The suspicion that a line causes failures that the service reports as its own.

    A service that is down fails every update, so the suspicion stands only while other lines pass.

    Attributes:
        confirmed: Whether some lines have passed where others failed.
        failures: Consecutive updates that failed so.
        alone: Lines that were the only one of such an update.
    """

    confirmed: bool = False
    failures: int = 0
    alone: set[str] = field(default_factory=set)

    def tries(self, lines: int) -> int:
        """Return how often to send an update that fails with an error of the service itself."""
        if not self.confirmed:
            return SERVICE_TRIES
        return SEARCH_TRIES if lines > 1 else VERDICT_TRIES

    def record_failure(self, lines: Collection[str]) -> bool:
        """Record a failure; return whether the lines are still the likelier cause, rather than an outage."""
        self.confirmed = True
        self.failures += 1
        if len(lines) == 1:
            self.alone.update(lines)
        return self.failures <= LONGEST_STREAK

    def record_answer(self) -> None:
        """Record an answer that shows that the service is not down."""
        self.failures = 0
        self.alone.clear()
