"""Take part in the election of the replica that writes, and hold everything else to its outcome."""

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
"""How this stands in the log and the metrics, where the conditions of datasets stand."""


@dataclass(frozen=True, slots=True)
class Leadership:
    """
    How this replica stands.

    Attributes:
        identity: Its name in the lease.
        status: True: it leads. False: another does, or nobody yet. Unknown: the lease cannot be asked.
    """

    status: Truth
    reason: Reason
    message: str
    identity: str

    def document(self) -> dict[str, str]:
        """Return it as JSON can hold it."""
        return {
            "status": self.status.value,
            "reason": self.reason.value,
            "message": self.message,
            "identity": self.identity,
        }


class Leading:
    """
    One replica.

    Args:
        seconds: A clock that never jumps, and does not stand still while the machine sleeps.
        wall: The time of day, for people who read the lease.
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
        """How long a call that writes may take, so that it ends while the lease lasts."""
        return self._elector.timing.call_seconds

    def permit(self) -> None:
        """
        Let a call pass that writes.

        Raises:
            NotLeader: Another replica may write before it would end.
        """
        if not self._elector.may_write(self._seconds()):
            raise NotLeader(f"the lease {self._lease.name} is not held by this replica: it only looks")

    def leadership(self) -> Leadership:
        """Return how this replica stands now."""
        current = self._current
        if current is None:
            return self._leadership(Truth.UNKNOWN, Reason.NOT_YET, "the lease has not been read yet")
        if current.status is Truth.TRUE and not self._elector.holds(self._seconds()):
            return self._leadership(Truth.UNKNOWN, Reason.UNAVAILABLE, "the lease was not renewed in time")
        return current

    def start(self, on_won: Callable[[], object]) -> None:
        """Take part from now on, in a thread; *on_won* is called when this replica becomes the leader."""
        self._thread = threading.Thread(target=self._run, args=(on_won,), name="lease", daemon=True)
        self._thread.start()

    def step(self) -> bool:
        """Read the lease, do what is to be done about it, and return whether this replica now became leader."""
        led = self._current is not None and self._current.status is Truth.TRUE
        try:
            self._advance()
        except Exception as exc:  # noqa: BLE001  whatever the cluster answers, the fence closes by itself in time
            failure = str(named(exc))
        else:
            failure = ""
        self._note(failure)
        return not led and self.leadership().status is Truth.TRUE

    def end(self, *, release: bool) -> None:
        """
        Write nothing from now on.

        Args:
            release: Let another replica take over at once: no call that writes is under way any more.
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
        except Exception as exc:  # noqa: BLE001  then it runs out by itself
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
            elector.lost()  # somebody was faster; the next look says who

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
