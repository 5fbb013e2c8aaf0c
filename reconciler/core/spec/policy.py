"""
The policy of a dataset: what may be changed, and when.

Outside its change windows, and during a freeze, a dataset is closed: it is observed and planned for, and no
change is sent. A dataset is open if no freeze and no window of kind deny holds, and, where it has windows of
kind allow, one of those does.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from reconciler.core.moments import moment
from reconciler.core.spec.choices import (
    ClosedBy,
    Compare,
    ImagePolicy,
    Mode,
    OnChange,
    OnDrift,
    Orphans,
    WindowKind,
)
from reconciler.core.spec.field_types import (
    Cron,
    Duration,
    Part,
    Text,
    TimeZone,
    Until,
    choice,
    described,
    list_field,
)

_MAX_BOUNDARIES: Final = 200
"""How many openings and ends of windows are tried to find the time at which a dataset opens."""


class Window(Part):
    """A period that recurs."""

    kind: WindowKind = choice(
        ..., "allow: changes are sent only in such a window. deny: no change is sent in it; it beats allow."
    )
    cron: Cron = described(
        "When it begins: minute, hour, day of the month, month, day of the week.", examples=["0 9 * * 1-5"]
    )
    duration_seconds: Duration = described("How long it lasts.", alias="duration")
    time_zone: TimeZone = described("Time zone of cron, by its IANA name.", "UTC", examples=["Europe/Berlin"])
    reason: Text | None = described("Why, for readers of plans and statuses.", None)

    def ends_at(self, now: float) -> float | None:
        """Return when the window that holds at *now* ends; None if none does."""
        start = next(self._starts(now - self.duration_seconds), None)
        return start + self.duration_seconds if start is not None and start <= now else None

    def boundary(self, now: float) -> float | None:
        """Return the next time at which one begins or ends; None if there is none."""
        end = self.ends_at(now)
        return end if end is not None else next(self._starts(now), None)

    def _starts(self, after: float) -> Iterator[float]:
        """Yield when windows begin after a time. One that a clock change skips, or repeats, counts once."""
        from cronsim import CronSim  # few datasets have windows

        for start in CronSim(self.cron, datetime.fromtimestamp(after, ZoneInfo(self.time_zone))):
            if (at := start.timestamp()) > after:  # in an hour that is repeated, the first may be earlier
                yield at


def parse_window(text: str) -> Window:
    """
    Return the period that ``CRON DURATION [TIME-ZONE]`` names, such as ``0 22 * * * 9h Europe/Berlin``.

    Raises:
        ValueError: It names none; the text says why.
    """
    words = text.split()
    if len(words) not in (6, 7):
        raise ValueError("it needs five fields of cron, a duration and, if not UTC, a time zone")
    named = {"kind": WindowKind.DENY, "cron": " ".join(words[:5]), "duration": words[5]}
    try:
        return Window.model_validate(named | ({"timeZone": words[6]} if words[6:] else {}))
    except ValidationError as exc:
        first = exc.errors()[0]
        raise ValueError(f"{first['loc'][0]} {first['msg']}") from exc


class Freeze(Part):
    """A period, once, in which no change is sent."""

    until: Until = described(
        "Its end: a time, in UTC if it names no offset, or a date: the end of that day in UTC.",
        examples=["2026-12-31", "2026-12-24T18:00:00+01:00"],
    )
    reason: Text = described("Why, for readers of plans and statuses.")

    @property
    def ends_at(self) -> float:
        """Seconds since the epoch."""
        end = datetime.fromisoformat(self.until)
        end = end if end.tzinfo else end.replace(tzinfo=UTC)
        return (end if "T" in self.until or " " in self.until else end + timedelta(days=1)).timestamp()


class Policy(Part):
    """What may be done, and when."""

    mode: Mode = choice(
        Mode.OBSERVE,
        "observe: write nothing. create-only: add, never change. upsert: add and change.",
    )
    on_change: OnChange = choice(OnChange.APPLY, "Changes made in git: apply them, or only plan.")
    on_drift: OnDrift = choice(OnDrift.REVERT, "Changes made in AWS, outside git: revert or report them.")
    compare: Compare = choice(
        Compare.EXACT, "exact, or labels: only what training sees (image, labels, boxes)."
    )
    orphans: Orphans = choice(
        Orphans.REPORT,
        "Observed but not desired. AWS cannot delete one entry: report it, blank it, or rebuild the dataset.",
    )
    allow_empty: bool = described("A spec with zero entries is otherwise an error.", False)
    sealed: bool = described("Every change is blocked, as for a test set that is compared with.", False)
    images: ImagePolicy = choice(
        ImagePolicy.IGNORE,
        "Images of new and changed entries, in S3: do not check them, warn of those that are missing or cannot "
        "be used, or also withhold their entries.",
    )
    windows: tuple[Window, ...] = list_field(
        "When changes are sent. Without a window of kind allow, at any time outside those of kind deny."
    )
    freeze: Freeze | None = described("No change is sent before its end.", None)


class Closure(NamedTuple):
    """
    Why a dataset is closed.

    Attributes:
        until: When it opens, in seconds since the epoch; None if that is never, or too far ahead.
    """

    by: ClosedBy
    reason: str | None
    until: float | None

    @property
    def message(self) -> str:
        """Return which setting closes the dataset, until when, and why; it does not change before that end."""
        what = "freeze" if self.by is ClosedBy.FREEZE else "outside the change windows"
        end = f" until {moment(self.until)}" if self.until is not None else ""
        return f"{what}{end}" + (f": {self.reason}" if self.reason else "")


def closure(policy: Policy, now: float) -> Closure | None:
    """
    Return why a dataset is closed; None if it is open. In mode observe it is open: its plan shows what is needed.

    Args:
        now: Seconds since the epoch; 0 if it is not known, and then the dataset is open.
    """
    found = _closed(policy, now) if now and policy.mode is not Mode.OBSERVE else None
    return found and found._replace(until=_opens_at(policy, now))


def marked(digest: bytes, policy: Policy, now: float) -> bytes:
    """Return a digest of what is desired and of what closes the dataset, so that its opening is noticed."""
    found = closure(policy, now)
    return (
        digest if found is None else blake2b(digest, key=found.message.encode()[:64], digest_size=16).digest()
    )


def next_boundary(policy: Policy, now: float) -> float | None:
    """Return the next time at which a window or the freeze begins or ends; None if there is none."""
    ahead = [at for window in policy.windows if (at := window.boundary(now)) is not None]
    if policy.freeze is not None and policy.freeze.ends_at > now:
        ahead.append(policy.freeze.ends_at)
    return min(ahead, default=None)


def _closed(policy: Policy, now: float) -> Closure | None:
    if policy.freeze is not None and now < policy.freeze.ends_at:
        return Closure(ClosedBy.FREEZE, policy.freeze.reason, None)
    allowing = [window for window in policy.windows if window.kind is WindowKind.ALLOW]
    for window in policy.windows:
        if window.kind is WindowKind.DENY and window.ends_at(now) is not None:
            return Closure(ClosedBy.WINDOWS, window.reason, None)
    if allowing and all(window.ends_at(now) is None for window in allowing):
        reasons = dict.fromkeys(window.reason for window in allowing if window.reason)
        return Closure(ClosedBy.WINDOWS, "; ".join(reasons) or None, None)
    return None


def _opens_at(policy: Policy, now: float) -> float | None:
    for _ in range(_MAX_BOUNDARIES):
        at = next_boundary(policy, now)
        if at is None or _closed(policy, at) is None:
            return at
        now = at
    return None
