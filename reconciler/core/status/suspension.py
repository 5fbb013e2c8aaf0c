"""A suspension that a person has requested: AWS is still observed, and nothing is applied."""

from __future__ import annotations

from typing import Final, NamedTuple

from reconciler.core.moments import moment, moment_or_none

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
        end = f" until {moment(self.until)}" if self.until is not None else ""
        return f"applying is suspended{end}: {self.reason}"

    def document(self) -> dict[str, str | None]:
        """Return it as a JSON document, with its times in ISO 8601."""
        return {"reason": self.reason, "since": moment(self.since), "until": moment_or_none(self.until)}
