"""What an emulator is given at its start: its settings (durations, limits, switches), and a clock."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from math import inf
from types import MappingProxyType
from typing import Any, Final, Protocol, get_type_hints

from reconciler.emulator.behaviour.switches import Switches, parse

_YEAR_10000: Final = 253_402_300_800.0

ACCOUNT: Final = "111122223333"
"""Account of callers whose access key does not identify another."""


class Throttling(StrEnum):
    """Which of the three documented errors a call beyond the rate limit gets."""

    THROTTLE = "throttle"
    THROTTLE_400 = "throttle-400"
    THROTTLE_500 = "throttle-500"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """
    The behaviour of an emulator.

    Attributes:
        create_seconds: Duration of CREATE_IN_PROGRESS; with 0 the result is visible at once.
        update_seconds: The same for updates and distributions.
        delete_seconds: The same for deletions of datasets and projects.
        training_seconds: The same for trainings and copies of models.
        polls: Minimum number of DescribeDataset calls that see an operation in progress.
        calls_per_second: Rate limit of each operation, per account and Region; None is unlimited. AWS
            allows 5 (quotas page).
        tag_calls_per_second: The same for tagging operations. AWS allows 10.
        throttling: The error of calls beyond the rate limit.
        max_entries: Maximum entries of a dataset (limits page).
        max_labels: Maximum labels of a dataset (limits page).
        max_trainings: Maximum trainings in progress, per account and Region (quotas page).
        max_object_bytes: Maximum size of an S3 object, which is in memory while it is received.
        seed: Seed of all random draws.
        accounts: Access key id -> account. A key id of twelve digits is itself the account.
        roles: Role ARN -> external id, None if none is required. If empty, any role may be assumed.
    """

    switches: Switches = field(default_factory=Switches)
    create_seconds: float = 0.0
    update_seconds: float = 0.0
    delete_seconds: float = 0.0
    training_seconds: float = 0.0
    polls: int = 0
    calls_per_second: float | None = None
    tag_calls_per_second: float | None = None
    throttling: Throttling = Throttling.THROTTLE
    max_entries: int = 250_000
    max_labels: int = 250
    max_trainings: int = 2
    max_object_bytes: int = 536_870_912
    seed: int = 0
    accounts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    roles: Mapping[str, str | None] = field(default_factory=lambda: MappingProxyType({}))

    def with_changes(self, changes: Mapping[str, Any]) -> Settings:
        """
        Return a copy with new values, given as parsed JSON, for the named settings.

        Raises:
            ValueError: A setting is unknown, or its value is invalid.
        """
        kinds = get_type_hints(Settings)
        unknown = changes.keys() - set(PLAIN_NAMES)
        if unknown:
            raise ValueError(f"no such setting: {', '.join(sorted(unknown))}")
        return replace(self, **{name: _plain(kinds[name], name, changes[name]) for name in changes})


def _plain(kind: Any, name: str, value: Any) -> Any:
    """Return the value of a setting, validated here because an invalid one would only fail later calls."""
    if kind is Throttling:
        return parse(kind, name, value)
    rate = kind == float | None
    if rate and value is None:
        return None
    sort = int if kind is int else (int, float)
    if isinstance(value, bool) or not isinstance(value, sort) or not 0 <= value < inf:
        raise ValueError(f"{name}: {value!r} is not a {'whole ' if kind is int else ''}number from 0 up")
    if rate and value == 0:
        raise ValueError(f"{name}: nothing would ever be admitted; null is no limit")
    return value


PLAIN_NAMES: Final = tuple(
    f.name for f in fields(Settings) if f.name not in ("switches", "accounts", "roles")
)
"""The names of the settings whose value is a number or a word."""


class Clock(Protocol):
    """A clock in seconds since the epoch."""

    def now(self) -> float: ...

    def advance(self, seconds: float) -> None:
        """
        Move the clock forward, or back by negative seconds.

        Raises:
            ValueError: The new time is not between 1970 and 9999.
        """


class SystemClock:
    """The system clock, plus all advances."""

    def __init__(self) -> None:
        self._offset = 0.0

    def now(self) -> float:
        return time.time() + self._offset

    def advance(self, seconds: float) -> None:
        _require_date(self.now() + seconds)
        self._offset += seconds


class ManualClock:
    """
    A clock that moves only when advanced.

    By default it starts at the system time, so that presigned requests, which clients date, and the
    credentials of assumed roles, whose expiration clients check, are valid.
    """

    def __init__(self, start: float | None = None) -> None:
        self._now = round(time.time(), 3) if start is None else start

    def now(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        _require_date(self._now + seconds)
        self._now += seconds


def _require_date(moment: float) -> None:
    if not 0 <= moment < _YEAR_10000:
        raise ValueError("the clock shows times from 1970 to 9999")
