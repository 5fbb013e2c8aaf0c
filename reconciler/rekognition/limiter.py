"""The rate at which calls may leave this process, whatever the number of datasets and threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from reconciler.core.runtime.backoff import Admission, CallWindow

# While calls are not answered their places may become free sooner than is known: look again so often.
_LOOK_SECONDS: Final = 0.02


class _Gate:
    """One window, and the line of threads before it."""

    def __init__(self, calls: int) -> None:
        self.window = CallWindow(calls)
        self.line = threading.Lock()


class Limiter:
    """
    At most so many calls a second for each account, Region and operation. Safe for threads, and to share.

    Args:
        calls: Calls a second, 1 to 5; None for no limit (an emulator in this process needs none).
        now: A monotonic clock, in seconds.
        sleep: Waits so many seconds.
    """

    def __init__(self, calls: int | None, now: Callable[[], float], sleep: Callable[[float], object]) -> None:
        self._calls = calls
        self._now = now
        self._sleep = sleep
        self._gates: dict[tuple[str, str, str], _Gate] = {}
        self._lock = threading.Lock()
        self._under_way = threading.local()

    def wait(self, account: str, region: str, operation: str) -> None:
        """Return when the call may go out; the thread that was let out says `answered` afterwards."""
        if self._calls is None:
            return
        with self._lock:
            gate = self._gates.setdefault((account, region, operation), _Gate(self._calls))
        with gate.line:
            while (delay := gate.window.wait(self._now())) > 0:
                self._sleep(min(delay, _LOOK_SECONDS))
            self._under_way.admission = gate.window.let_out(self._now())

    def answered(self) -> None:
        """Note that the call of this thread has its answer, or will get none."""
        admission: Admission | None = getattr(self._under_way, "admission", None)
        if admission is not None:
            admission.answered(self._now())
            self._under_way.admission = None
