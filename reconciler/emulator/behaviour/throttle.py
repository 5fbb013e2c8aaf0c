"""Token buckets that limit the rate of each operation, per account and Region."""

from __future__ import annotations


class Throttle:
    """Buckets that hold the calls of one second and refill continuously."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[str, str, str], tuple[float, float]] = {}

    def admits(self, key: tuple[str, str, str], rate: float | None, now: float) -> bool:
        """Take a token of (account, Region, operation), if there is one; a *rate* of None is unlimited."""
        if rate is None:
            return True
        burst = max(rate, 1.0)
        tokens, since = self._buckets.get(key, (burst, now))
        tokens = min(burst, tokens + max(0.0, now - since) * rate)
        admitted = tokens >= 1
        self._buckets[key] = (tokens - 1 if admitted else tokens, now)
        return admitted

    def clear(self) -> None:
        """Fill all buckets."""
        self._buckets.clear()
