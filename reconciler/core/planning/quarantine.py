"""
Lines that are not sent for now: which, why, and until when.

A hold is keyed by the digest of the line as it would be sent: editing the line in git lifts it at once.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

FIRST_PAUSE_SECONDS: Final = 3_600.0
MOST_PAUSE_SECONDS: Final = 24 * 3_600.0

# How often a line is set again that does not stay as it was set, before it is left alone.
ROUNDS: Final = 3


class QuarantineReason(StrEnum):
    ISOLATED = "convicted"  # an update that held nothing else failed
    UNRESOLVED_GROUP = "parked"  # the smallest group found that fails, among several lines
    DROPPED = "dropped"  # accepted, and then absent
    REWRITTEN_BY_SERVICE = "perpetual"  # comes back different each time it is set
    FLAPPING = "contested"  # somebody keeps changing it back


class Quarantined(NamedTuple):
    """
    One line that is not sent, or sent with care.

    Attributes:
        digest: Of the line as it was sent.
        rounds: How often this has happened to this very line.
        since: Seconds since the epoch, of the first time.
        until: Seconds since the epoch; from then on it is tried again.
    """

    source_ref: str
    digest: bytes
    kind: QuarantineReason
    reason: str
    rounds: int
    since: float
    until: float

    def applies_to(self, digest: bytes, now: float) -> bool:
        """Tell whether this line is not to be sent now."""
        if self.digest != digest or now >= self.until:
            return False
        # Only a conviction is certain the first time; the rest may have been chance, and is tried again.
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
    """Return the hold after one more failure of this very line: each pause is twice the one before."""
    same = before is not None and before.digest == digest and before.kind is kind
    rounds = before.rounds + 1 if before is not None and same else 1
    pause = min(MOST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(rounds - 1, 10))
    since = before.since if before is not None and same else now
    return Quarantined(source_ref, digest, kind, reason, rounds, since, now + pause)
