"""
Who may write, where several replicas run: the decisions of one that takes part in the election of a leader.

A lease is a record that all of them can read, and replace only if nobody else did so meanwhile. No two clocks are
compared. The leader counts from the moment *before* it asked for the record to be renewed, a standby from the
moment *after* it first saw that renewal, each by its own clock. So the leader stops first, by a margin that covers
clocks which run at different speeds:

    leader    |ask-----------------------------------|  may write until here, less what a call may take
    store          |renewed
    standby              |seen------------------------------------------------------|  may take it from here
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

LEAST_SECONDS: Final = 3
MOST_SECONDS: Final = 86_400
DEFAULT_SECONDS: Final = 60

_RENEW_RATIO: Final = 1 / 6
_CALL_RATIO: Final = 1 / 3
_MARGIN_RATIO: Final = 1 / 12

CLOCK_RATE_ERROR: Final = 0.04
"""How much faster or slower than true time a clock may run: 2·e/(1+e) is less than the margin."""


@dataclass(frozen=True, slots=True)
class Timing:
    """
    How long things take; all follow from the first.

    Attributes:
        duration_seconds: How long a lease lasts after its last renewal. Whole, as the record has it.
    """

    duration_seconds: int = DEFAULT_SECONDS

    @property
    def renew_seconds(self) -> float:
        """How often it is renewed, or looked at; also how long one such call may take."""
        return self.duration_seconds * _RENEW_RATIO

    @property
    def call_seconds(self) -> float:
        """How long one call that writes may wait for its answer: it is begun only if the lease lasts longer."""
        return self.duration_seconds * _CALL_RATIO

    @property
    def margin_seconds(self) -> float:
        """How much earlier than the record says the leader takes the lease for over."""
        return self.duration_seconds * _MARGIN_RATIO


@dataclass(frozen=True, slots=True)
class Record:
    """
    The lease as it was read.

    Attributes:
        holder: Who has it; empty if it was given back.
        version: Changes with each write.
        duration_seconds: For how long the holder has it after its last renewal.
        transitions: How often it went to another holder.
    """

    holder: str
    version: str
    duration_seconds: int
    transitions: int = 0


class Move(StrEnum):
    """What to do about the record that was read."""

    CREATE = "create"
    TAKE = "take"
    RENEW = "renew"
    WAIT = "wait"


class Elector:
    """
    One replica's part in the election. Every time is of one clock of its own that never jumps.

    Args:
        identity: Names this replica, and no other, not even its own successor after a crash.
    """

    def __init__(self, identity: str, timing: Timing) -> None:
        self.identity = identity
        self.timing = timing
        self._seen: Record | None = None
        self._seen_at = 0.0
        self._until: float | None = None

    def decide(self, record: Record | None, now: float) -> Move:
        """
        Say what to do about the record, None if there is none.

        Args:
            now: After it was read.
        """
        if record is None:
            self.lost()
            return Move.CREATE
        if self._seen is None or self._seen.version != record.version:
            self._seen, self._seen_at = record, now
        if record.holder == self.identity:
            return Move.RENEW
        self.lost()
        if not record.holder or now >= self._seen_at + record.duration_seconds:
            return Move.TAKE
        return Move.WAIT

    def won(self, asked_at: float) -> None:
        """Note that a write was confirmed that makes us the holder, asked for at *asked_at*."""
        self._until = asked_at + self.timing.duration_seconds - self.timing.margin_seconds

    def lost(self) -> None:
        """Note that somebody else has it, or that it is given back."""
        self._until = None

    def may_write(self, now: float) -> bool:
        """Tell whether a call that is begun now ends before anybody else may write."""
        until = self._until  # read once: the election goes on in another thread
        return until is not None and now + self.timing.call_seconds <= until

    def holds(self, now: float) -> bool:
        """Tell whether nobody else may write now."""
        until = self._until
        return until is not None and now < until

    def wanted(self, seen: Record | None) -> Record:
        """Return what is to stand in the record once it is created, taken or renewed."""
        duration = self.timing.duration_seconds
        if seen is None:
            return Record(self.identity, "", duration)
        moved = seen.holder != self.identity
        return Record(self.identity, seen.version, duration, seen.transitions + moved)

    def given_back(self, seen: Record) -> Record:
        """Return what is to stand in the record for another replica to take it at once."""
        return Record("", seen.version, seen.duration_seconds, seen.transitions)
