"""Bound how often messages make datasets due: any principal that may write to the queue can send many."""

from __future__ import annotations

from typing import Final

EACH_SECONDS: Final = 10.0
"""The shortest time between two observations of one dataset that messages cause."""

PER_SECOND: Final = 1.0
"""The observations of all datasets that messages cause in a second, after a burst; AWS answers five calls."""

BURST: Final = 20


class Hints:
    """
    Gives each hint a time, and drops none: later hints of a dataset that waits are covered by its turn.

    Not thread-safe.
    """

    def __init__(
        self, each: float = EACH_SECONDS, per_second: float = PER_SECOND, burst: int = BURST
    ) -> None:
        self._each = each
        self._interval = 1 / per_second
        self._ahead = (burst - 1) * self._interval
        self._last: dict[str, float] = {}
        self._free = float("-inf")

    def due(self, dataset: str, now: float) -> float:
        """Return when the dataset may be observed because of a message of *now*, on the same clock."""
        last = self._last.get(dataset, float("-inf"))
        if last > now:
            return last
        due = max(now, last + self._each, self._free - self._ahead)
        self._free = max(self._free, now) + self._interval
        self._last[dataset] = due
        return due

    def keep(self, datasets: frozenset[str]) -> None:
        """Forget all other datasets."""
        self._last = {name: at for name, at in self._last.items() if name in datasets}
