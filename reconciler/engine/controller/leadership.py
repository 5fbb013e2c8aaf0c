"""Take part in the election of the replica that may write, and refuse writes on every other."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from reconciler.core.runtime.election import Elector, Move, Record
from reconciler.core.status.conditions import Reason, Truth
from reconciler.engine.log import log
from reconciler.engine.usecases.each_dataset import named
from reconciler.errors import NotLeader
from reconciler.ports import Lease

KIND: Final = "Leading"
"""The type of this condition in the log and the metrics, beside the conditions of datasets."""


@dataclass(frozen=True, slots=True)
class Leadership:
    """
    Whether this replica leads.

    Attributes:
        identity: The name of this replica in the lease.
        status: True if it leads, False if not, Unknown if the lease could not be read or renewed.
    """

    status: Truth
    reason: Reason
    message: str
    identity: str

    def document(self) -> dict[str, str]:
        """Return the leadership as a JSON document."""
        return {
            "status": self.status.value,
            "reason": self.reason.value,
            "message": self.message,
            "identity": self.identity,
        }


class Leading:
    """
    One replica in the election.

    Args:
        seconds: A monotonic clock that keeps counting while the machine sleeps.
        wall: The time of day, written to the lease for its human readers.
    """

    def __init__(
        self, lease: Lease, elector: Elector, seconds: Callable[[], float], wall: Callable[[], float]
    ) -> None:
        self._lease = lease
        self._elector = elector
        self._seconds = seconds
        self._wall = wall
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self._current: Leadership | None = None
        self._seen: Record | None = None

    @property
    def call_seconds(self) -> float:
        """Seconds that a writing call may take so that it ends before the lease expires."""
        return self._elector.timing.call_seconds

    def permit(self) -> None:
        """
        Permit a writing call.

        Raises:
            NotLeader: Another replica might lead before the call ends.
        """
        if not self._elector.may_write(self._seconds()):
            raise NotLeader(f"the lease {self._lease.name} is not held by this replica: it only observes")

    def leadership(self) -> Leadership:
        """Return the current leadership of this replica."""
        current = self._current
        if current is None:
            return self._leadership(Truth.UNKNOWN, Reason.NOT_YET, "the lease has not been read yet")
        if current.status is Truth.TRUE and not self._elector.holds(self._seconds()):
            return self._leadership(Truth.UNKNOWN, Reason.UNAVAILABLE, "the lease was not renewed in time")
        return current

    def start(self, on_won: Callable[[], object]) -> None:
        """Start the election thread; it calls *on_won* when this replica becomes the leader."""
        self._thread = threading.Thread(target=self._run, args=(on_won,), name="lease", daemon=True)
        self._thread.start()

    def step(self) -> bool:
        """Read the lease, acquire or renew it if possible; return True if this replica just won it."""
        led = self._current is not None and self._current.status is Truth.TRUE
        try:
            self._advance()
        except Exception as exc:  # noqa: BLE001  whatever fails, the fence closes when the lease expires
            failure = str(named(exc))
        else:
            failure = ""
        self._note(failure)
        return not led and self.leadership().status is Truth.TRUE

    def end(self, *, release: bool) -> None:
        """
        Leave the election; writes are refused from now on.

        Args:
            release: Release the lease so that another replica takes over at once. Requires that no writing
                call is in progress.
        """
        self._ending.set()
        if self._thread is not None:
            self._thread.join(2 * self._elector.timing.renew_seconds)
        held, seen = self._elector.holds(self._seconds()), self._seen
        self._elector.lost()
        try:
            if release and held and seen is not None and seen.holder == self._elector.identity:
                seen = self._lease.read()
                if seen is not None and seen.holder == self._elector.identity:
                    self._lease.write(self._elector.given_back(seen), self._wall())
        except Exception as exc:  # noqa: BLE001  then the lease expires
            log.warning("lease.unreleased", error=type(exc).__name__, reason=str(exc))
        finally:
            self._lease.close()

    def _run(self, on_won: Callable[[], object]) -> None:
        while not self._ending.is_set():
            if self.step():
                on_won()
            self._ending.wait(self._elector.timing.renew_seconds)

    def _advance(self) -> None:
        elector, lease = self._elector, self._lease
        record = self._seen = lease.read()
        move = elector.decide(record, self._seconds())
        if move is Move.WAIT:
            return
        wanted, asked_at = elector.wanted(record), self._seconds()
        if lease.write(wanted, self._wall()):
            elector.won(asked_at)
            self._seen = wanted
        else:
            elector.lost()  # another replica was faster; the next read shows which

    def _leadership(self, status: Truth, reason: Reason, message: str) -> Leadership:
        return Leadership(status, reason, message, self._elector.identity)

    def _note(self, failure: str) -> None:
        name = self._lease.name
        if self._elector.holds(self._seconds()):
            now = self._leadership(Truth.TRUE, Reason.LEADING, f"this replica holds the lease {name}")
        elif failure:
            now = self._leadership(Truth.UNKNOWN, Reason.UNAVAILABLE, failure)
        else:
            now = self._leadership(Truth.FALSE, Reason.STANDBY, f"another replica holds the lease {name}")
        before, self._current = self._current, now
        if before is None or before.status is not now.status:
            write = log.warning if now.status is Truth.UNKNOWN else log.info
            facts = now.document()
            del facts["identity"]
            write("condition.changed", type=KIND, **facts)
