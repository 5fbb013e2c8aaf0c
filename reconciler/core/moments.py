"""Points in time as documents and pages show them."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(seconds: float) -> str:
    """Return seconds since the epoch in ISO 8601, in UTC, to the second; a dash beyond the calendar."""
    try:
        found = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return "-"
    return found.isoformat(timespec="seconds").replace("+00:00", "Z")


def moment_or_none(seconds: float | None) -> str | None:
    """Return a time as `moment` does; None if it is not known."""
    return None if seconds is None else moment(seconds)
