"""
Decide what to report to notification channels: each change once, and datasets with one cause together.

A cause is the reason of a Ready condition, or drift. An incident is a cause with the datasets that have it.
Incidents outlive the process, so that a restart reports nothing again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import blake2b
from typing import Final

from reconciler.core.status.conditions import Condition, ConditionType, FailureReason, Reason, Truth

SOURCE: Final = ""
"""Stands for the source of the specs among the names of datasets."""

DRIFTED: Final = "Drifted"

WAIT_SECONDS: Final = 60.0
"""How long a change must last to be reported. What passes sooner, such as one failed call, is not reported."""

BUSY_SECONDS: Final = 900.0
"""The same for a dataset that is busy: AWS may be occupied by another operation for minutes."""

AGAIN_SECONDS: Final = 300.0
"""The least time between two messages about one incident."""

SPREAD_SECONDS: Final = 900.0
"""
How long an outage may take to reach all datasets, which are observed in turn. The message that was sent is about
those that it reaches later, too, and those that recover are reported together.
"""

NAMED: Final = 5
"""How many datasets a message names."""

MAX_CHARACTERS: Final = 300
"""Maximum length of the message about one dataset."""

# Causes outside the datasets, which concern many of them.
_SHARED: Final = frozenset(
    {Reason.UNAVAILABLE, Reason.THROTTLED, Reason.DENIED, Reason.FAILED, Reason.TOO_OLD}
)
# While Ready has one of these reasons, it is not known whether an earlier failure is over.
_UNDECIDED: Final = frozenset(
    {Reason.APPLYING, Reason.NOT_YET, Reason.NEW_REVISION, Reason.STANDBY, Reason.SUSPENDED}
)


class Level(StrEnum):
    """How grave a notice is. Quiet hours withhold all but failures."""

    FAILURE = "failure"
    DRIFT = "drift"
    RECOVERY = "recovery"


@dataclass(frozen=True, slots=True)
class Notice:
    """
    One message.

    Attributes:
        id: The same for the same message, however often it is sent.
        at: When it was decided, in seconds since the epoch.
        cause: A reason of a condition, or `DRIFTED`.
        title: One line.
        text: One line for each dataset that it names.
        datasets: The first datasets, by name; empty if it is about the source of the specs.
        number: How many datasets it is about.
    """

    id: str
    at: float
    level: Level
    cause: str
    title: str
    text: str
    datasets: tuple[str, ...]
    number: int


@dataclass(frozen=True, slots=True)
class IncidentMember:
    """
    A dataset of an incident.

    Attributes:
        since: When it joined, in seconds since the epoch.
        is_reported: Whether a message was about it.
        gone_at: When the cause no longer held for it; None while it holds.
    """

    message: str
    since: float
    is_reported: bool = False
    gone_at: float | None = None


@dataclass(frozen=True, slots=True)
class Incident:
    """
    A cause, and the datasets that have it.

    Attributes:
        reported_at: When the last message about datasets that joined was decided; None before the first.
    """

    members: Mapping[str, IncidentMember]
    reported_at: float | None = None


Incidents = Mapping[str, Incident]
"""Incidents by cause."""


def causes_of(conditions: Iterable[Condition], before: Mapping[str, str]) -> dict[str, str]:
    """Return the causes that a dataset has, with their messages; those that are not known now stay as *before*."""
    known = {condition.kind: condition for condition in conditions}
    ready, drifted = known[ConditionType.READY], known[ConditionType.DRIFTED]
    found: dict[str, str] = {}
    if ready.reason in _UNDECIDED:
        found |= {cause: message for cause, message in before.items() if cause != DRIFTED}
    elif ready.status is not Truth.TRUE:
        found[ready.reason.value] = ready.message
    if drifted.status is Truth.TRUE:
        found[DRIFTED] = drifted.message
    elif drifted.status is Truth.UNKNOWN and DRIFTED in before:
        found[DRIFTED] = before[DRIFTED]
    return found


def causes_of_source(failure: FailureReason | None, before: Mapping[str, str]) -> Mapping[str, str]:
    """Return the causes that the source of the specs has, with their messages; arguments as of `causes_of`."""
    if failure is None:
        return {}
    return before if failure.reason is Reason.NOT_YET else {failure.reason.value: failure.message}


def causes_before(incidents: Incidents, name: str) -> dict[str, str]:
    """Return the causes that a dataset has according to the incidents."""
    return {
        cause: member.message
        for cause, incident in incidents.items()
        if (member := incident.members.get(name)) is not None and member.gone_at is None
    }


def advanced(incidents: Incidents, found: Mapping[str, Mapping[str, str]], now: float) -> dict[str, Incident]:
    """
    Return the incidents after an observation.

    A dataset that is not in *found* left the specs, or belongs to another replica: it leaves every incident,
    which is not a recovery.

    Args:
        found: The causes that each dataset has, with their messages.
        now: Seconds since the epoch.
    """
    joined: dict[str, dict[str, IncidentMember]] = {cause: {} for cause in incidents}
    for name, causes in sorted(found.items()):
        for cause in incidents:
            member = incidents[cause].members.get(name)
            if member is not None and cause not in causes and member.is_reported and _is_over(cause, causes):
                gone_at = now if member.gone_at is None else member.gone_at
                joined[cause][name] = replace(member, gone_at=gone_at)
        for cause, message in causes.items():
            member = incidents[cause].members.get(name) if cause in incidents else None
            again = (
                IncidentMember(message, now)
                if member is None
                else replace(member, message=message, gone_at=None)
            )
            joined.setdefault(cause, {})[name] = again
    return {
        cause: replace(incidents[cause], members=members) if cause in incidents else Incident(members)
        for cause, members in joined.items()
        if members
    }


def _is_over(cause: str, causes: Mapping[str, str]) -> bool:
    """Return whether a dataset that left a cause recovered: another failure in its place is not a recovery."""
    return cause == DRIFTED or not causes.keys() - {DRIFTED}


def reported(
    incidents: Incidents, now: float, *, quiet: bool
) -> tuple[dict[str, Incident], tuple[Notice, ...]]:
    """
    Return the notices to send now, and the incidents after that.

    Args:
        quiet: Whether only failures are reported now. The rest follows later, if it still holds.
    """
    after, notices = {}, []
    for cause, incident in sorted(incidents.items()):
        left, found = _joined(cause, incident, now, quiet)
        left, more = _recovered(cause, left, now, quiet)
        notices += [*found, *more]
        if left.members:
            after[cause] = left
    return after, tuple(notices)


def _joined(cause: str, incident: Incident, now: float, quiet: bool) -> tuple[Incident, tuple[Notice, ...]]:
    """Report the datasets that joined, once that is due."""
    fresh = {name: m for name, m in incident.members.items() if not m.is_reported}
    before = incident.reported_at
    if not fresh:
        return incident, ()
    known = {**incident.members, **{name: replace(m, is_reported=True) for name, m in fresh.items()}}
    if before is not None and cause in _SHARED and not _passed(before, now, SPREAD_SECONDS):
        return replace(incident, members=known), ()  # the same outage, which the message was about
    wait = BUSY_SECONDS if cause == Reason.BUSY else WAIT_SECONDS
    lasts = _passed(min(m.since for m in fresh.values()), now, wait)
    due = lasts and (before is None or _passed(before, now, AGAIN_SECONDS))
    if not due or (quiet and cause == DRIFTED):
        return incident, ()
    level = Level.DRIFT if cause == DRIFTED else Level.FAILURE
    return replace(incident, members=known, reported_at=now), (_notice(level, cause, fresh, now),)


def _recovered(
    cause: str, incident: Incident, now: float, quiet: bool
) -> tuple[Incident, tuple[Notice, ...]]:
    """Report the datasets that recovered, once all have, or no other did for a while."""
    gone = {name: m for name, m in incident.members.items() if m.gone_at is not None}
    if not gone or quiet:
        return incident, ()
    remaining = any(m.is_reported and m.gone_at is None for m in incident.members.values())
    longest = SPREAD_SECONDS if cause in _SHARED else AGAIN_SECONDS
    last = max(m.gone_at or 0.0 for m in gone.values())
    if not _passed(last, now, longest if remaining else WAIT_SECONDS):
        return incident, ()
    left = {name: m for name, m in incident.members.items() if name not in gone}
    return replace(incident, members=left), (_notice(Level.RECOVERY, cause, gone, now),)


def _passed(since: float, now: float, seconds: float) -> bool:
    """Return whether *seconds* have passed since *since*; True if the clock was set back, which hides it."""
    return now < since or now - since >= seconds


def _notice(level: Level, cause: str, members: Mapping[str, IncidentMember], now: float) -> Notice:
    names = sorted(members)
    what = {
        Level.FAILURE: f"not ready ({cause})",
        Level.DRIFT: "changed in AWS outside git",
        Level.RECOVERY: "no longer drifted" if cause == DRIFTED else f"recovered ({cause})",
    }[level]
    key = "\0".join((level, cause, repr(now), *names)).encode()
    datasets = tuple(name for name in names if name != SOURCE)
    return Notice(
        id=blake2b(key, digest_size=16).hexdigest(),
        at=now,
        level=level,
        cause=cause,
        title=f"{_who(names)}: {what}",
        text="\n".join(_lines(names, members, level)),
        datasets=datasets[:NAMED],
        number=len(datasets),
    )


def _who(names: list[str]) -> str:
    if names == [SOURCE]:
        return "source of the specs"
    return names[0] if len(names) == 1 else f"{len(names)} datasets"


def _lines(names: list[str], members: Mapping[str, IncidentMember], level: Level) -> Iterator[str]:
    for name in names[:NAMED]:
        message = " ".join(members[name].message.split())[:MAX_CHARACTERS]
        shown = name or "source of the specs"
        yield shown if level is Level.RECOVERY else f"{shown}: {message}"
    if len(names) > NAMED:
        yield f"and {len(names) - NAMED} more"
