"""Suspensions of applying that a person requested of a running controller, and what it answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from reconciler.core.moments import moment, moment_or_none

LONGEST_REASON: Final = 500
"""Maximum length of a reason, in characters."""

LONGEST_SECONDS: Final = 10 * 366 * 86_400
"""Ten years: a longer suspension has no end."""


def reason_problem(reason: str) -> str | None:
    """Return why a text cannot be the reason of a suspension; None if it can."""
    if reason.strip() and reason.isprintable() and len(reason) <= LONGEST_REASON:
        return None
    return f"a reason is one line of at most {LONGEST_REASON} printable characters"


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


class SuspensionState(NamedTuple):
    """
    Whether one dataset is suspended, as a controller answers.

    Attributes:
        by_spec: Whether its spec says ``suspend: true``, so that it is not even observed.
        reason: Why a person has suspended it; None if it is not suspended.
        until: The end of that, in ISO 8601; None if only a request ends it.
    """

    name: str
    by_spec: bool
    reason: str | None
    until: str | None


class ControllerAnswer(NamedTuple):
    """What a controller answers to an order, such as ``suspend``, about the datasets that it names."""

    order: str
    datasets: Sequence[SuspensionState]
