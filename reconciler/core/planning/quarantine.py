"""
Quarantine lines that fail or do not last, each for a reason and until a set time.

`Suspicion` tells first whether the lines or an outage cause a failure. A quarantine is keyed by the digest of the
line as it would be sent: editing the line in git lifts it at once.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import Final, NamedTuple

from msgspec import Struct, field

FIRST_PAUSE_SECONDS: Final = 3_600.0
MAX_PAUSE_SECONDS: Final = 24 * 3_600.0

# Rounds after which a line that does not stay as sent is no longer sent.
ROUNDS: Final = 3


class QuarantineReason(StrEnum):
    ISOLATED = "convicted"  # an update with this line alone failed
    UNRESOLVED_GROUP = "parked"  # in the smallest failing group that was found
    DROPPED = "dropped"  # accepted, then absent
    REWRITTEN_BY_SERVICE = "perpetual"  # observed with other content each time it is sent
    FLAPPING = "contested"  # another writer keeps changing it back


class Quarantined(NamedTuple):
    """
    The quarantine of one line.

    Attributes:
        digest: Digest of the line as it was sent.
        rounds: How many times this happened to this exact line.
        since: Time of the first round, in seconds since the epoch.
        until: Time from which the line is tried again, in seconds since the epoch.
    """

    source_ref: str
    digest: bytes
    kind: QuarantineReason
    reason: str
    rounds: int
    since: float
    until: float

    def applies_to(self, digest: bytes, now: float) -> bool:
        """Return whether the line with this digest must not be sent now."""
        if self.digest != digest or now >= self.until:
            return False
        # A failed update is certain at once; the other reasons may be chance, so the line is retried first.
        certain = self.kind in (QuarantineReason.ISOLATED, QuarantineReason.UNRESOLVED_GROUP)
        return certain or self.rounds >= ROUNDS


def quarantined_again(
    before: Quarantined | None,
    source_ref: str,
    digest: bytes,
    kind: QuarantineReason,
    reason: str,
    now: float,
) -> Quarantined:
    """Return the quarantine after one more failure of a line: each pause is twice the one before."""
    same = before is not None and before.digest == digest and before.kind is kind
    rounds = before.rounds + 1 if before is not None and same else 1
    pause = min(MAX_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(rounds - 1, 10))
    since = before.since if before is not None and same else now
    return Quarantined(source_ref, digest, kind, reason, rounds, since, now + pause)


# Attempts at an update that fails with an error of the service itself, before the rest is left for later.
SERVICE_TRIES: Final = 5
# The same while lines are isolated, for a group and for a single line.
SEARCH_TRIES: Final = 2
VERDICT_TRIES: Final = 3
# Consecutive failures after which the service counts as down. One bisection has fewer.
LONGEST_STREAK: Final = 18


class Suspicion(Struct):
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
