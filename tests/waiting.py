"""The one place where tests wait for another process: for a condition, never for a fixed time."""

from __future__ import annotations

import time
from collections.abc import Callable


def until(true: Callable[[], object], seconds: float = 90.0) -> None:
    """Return as soon as *true* gives something true; fail when it did not within *seconds*."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"it did not happen within {seconds:g} s"
        time.sleep(0.02)
