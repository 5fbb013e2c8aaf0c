"""Dates as other programs write them."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(text: str) -> str | None:
    """
    Return a date and time as Ground Truth writes it; None if *text* is none.

    A zone is turned into UTC, which is what the guide asks for; without one the time is taken as it is.
    """
    try:
        found = datetime.fromisoformat(text.strip().replace("/", "-"))
        if found.tzinfo is None:
            return found.isoformat()
        return found.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
    except (ValueError, OverflowError):
        return None
