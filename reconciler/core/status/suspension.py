"""A suspension that a person has requested: AWS is still observed, and nothing is applied."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, NamedTuple

LONGEST_REASON: Final = 500
"""Maximum length of a reason, in characters."""

LONGEST_SECONDS: Final = 10 * 366 * 86_400
"""Ten years: a longer suspension has no end."""


class Suspension(NamedTuple):
    """
    One suspension.

    Attributes:
        reason: Why, in the words of the person who requested it.
        since, until: Seconds since the epoch; `until` is None if only a request ends it.
    """

    reason: str
    since: float
    until: float | None = None

    def is_over(self, now: float) -> bool:
        return self.until is not None and now >= self.until

    @property
    def message(self) -> str:
        """Return what is suspended, until when, and why; it does not change while the suspension lasts."""
        end = f" until {_moment(self.until)}" if self.until is not None else ""
        return f"applying is suspended{end}: {self.reason}"

    def document(self) -> dict[str, str | None]:
        """Return it as a JSON document, with its times in ISO 8601."""
        until = None if self.until is None else _moment(self.until)
        return {"reason": self.reason, "since": _moment(self.since), "until": until}


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
