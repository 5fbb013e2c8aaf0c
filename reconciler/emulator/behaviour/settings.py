"""Settings of an emulator: switches for undocumented behaviour, durations, limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from math import inf
from types import MappingProxyType
from typing import Any, Final, get_type_hints

ACCOUNT: Final = "111122223333"
"""Account of callers whose access key does not identify another."""


class InvalidRequest(StrEnum):
    """Error of a request that the service model does not allow."""

    VALIDATION = "validation"
    INVALID_PARAMETER = "invalid-parameter"


class ConcurrentUpdate(StrEnum):
    """Error of a second update while one is running."""

    IN_USE = "in-use"
    LIMIT_EXCEEDED = "limit-exceeded"


class BusyListing(StrEnum):
    """Answer of listings while the dataset is being created or updated."""

    IN_USE = "in-use"
    NOT_READY = "not-ready"
    STALE = "stale"


class BareLine(StrEnum):
    """Treatment of a line with only a source-ref."""

    UNLABELED = "unlabeled"
    ERROR = "error"


class Floats(StrEnum):
    """Treatment of box coordinates that are not whole numbers."""

    ACCEPT = "accept"
    ERROR = "error"
    ROUND = "round"


class Duplicates(StrEnum):
    """Which of several lines with the same source-ref is kept, within one submission."""

    FIRST = "first"
    LAST = "last"
    NONE = "none"


class FailedUpdate(StrEnum):
    """The part of a failed update that is applied nevertheless."""

    NOTHING = "nothing"
    PREFIX = "prefix"
    RANDOM = "random"


class UnknownKeys(StrEnum):
    """Treatment of keys that belong to no pair of attribute and metadata."""

    KEPT = "kept"
    REMOVED = "removed"


class Verdict(StrEnum):
    ACCEPT = "accept"
    ERROR = "error"


class Rewriting(StrEnum):
    """How the format of a stored line differs from the line that was sent."""

    NONE = "none"
    SORTED_KEYS = "sorted-keys"
    FLOATS = "floats"


class LastToken(StrEnum):
    """The NextToken on the last page of a listing."""

    ABSENT = "absent"
    EMPTY = "empty"


class InvalidBase(StrEnum):
    """The total against which the share of dropped lines is measured."""

    SUBMISSION = "submission"
    DATASET = "dataset"
    OFF = "off"


class Throttling(StrEnum):
    """Which of the three documented errors a call beyond the rate limit gets."""

    THROTTLE = "throttle"
    THROTTLE_400 = "throttle-400"
    THROTTLE_500 = "throttle-500"


class Visibility(StrEnum):
    """When the effect of a running update is visible in a stale listing."""

    ON_COMPLETION = "on-completion"
    AT_ONCE = "at-once"


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """
    The behaviour chosen where the service is not documented.

    The defaults are the most likely; `docs/emulator.md` gives the reasons.
    """

    invalid_request: InvalidRequest = InvalidRequest.VALIDATION
    concurrent_update: ConcurrentUpdate = ConcurrentUpdate.IN_USE
    busy_listing: BusyListing = BusyListing.IN_USE
    bare_line: BareLine = BareLine.UNLABELED
    floats: Floats = Floats.ACCEPT
    duplicates: Duplicates = Duplicates.FIRST
    failed_update: FailedUpdate = FailedUpdate.NOTHING
    unknown_keys: UnknownKeys = UnknownKeys.KEPT
    string_label: Verdict = Verdict.ACCEPT
    multilabel_type: Verdict = Verdict.ERROR
    several_buckets: Verdict = Verdict.ERROR
    rewriting: Rewriting = Rewriting.NONE
    last_token: LastToken = LastToken.ABSENT
    invalid_base: InvalidBase = InvalidBase.SUBMISSION
    visibility: Visibility = Visibility.ON_COMPLETION
    max_blob_bytes: int = 5_242_880
    max_label_chars: int = 256
    slot_free_while_deleting: bool = False
    project_delete_needs_no_datasets: bool = True

    def with_changes(self, changes: Mapping[str, Any]) -> Switches:
        """
        Return a copy with new values, given as parsed JSON, for the named switches.

        Raises:
            ValueError: A switch or its value is unknown.
        """
        kinds = get_type_hints(Switches)
        unknown = changes.keys() - kinds.keys()
        if unknown:
            raise ValueError(f"no such switch: {', '.join(sorted(unknown))}")
        return replace(self, **{name: _parse(kinds[name], name, changes[name]) for name in changes})


def _parse(kind: type, name: str, value: Any) -> Any:
    if kind is bool:
        table = {"true": True, "false": False, "yes": True, "no": False}
        if str(value).lower() not in table:
            raise ValueError(f"{name}: {value!r} is neither true nor false")
        return table[str(value).lower()]
    try:
        return kind(value)
    except (TypeError, ValueError) as exc:
        choices = f": one of {', '.join(kind)}" if issubclass(kind, StrEnum) else ""
        raise ValueError(f"{name}: {value!r} is not allowed{choices}") from exc


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """
    The behaviour of an emulator.

    Attributes:
        create_seconds: Duration of CREATE_IN_PROGRESS; with 0 the result is visible at once.
        update_seconds: The same for updates and distributions.
        delete_seconds: The same for deletions of datasets and projects.
        polls: Minimum number of DescribeDataset calls that see an operation in progress.
        calls_per_second: Rate limit of each operation, per account and Region; None is unlimited. AWS
            allows 5 (quotas page).
        tag_calls_per_second: The same for tagging operations. AWS allows 10.
        throttling: The error of calls beyond the rate limit.
        max_entries: Maximum entries of a dataset (limits page).
        max_labels: Maximum labels of a dataset (limits page).
        max_object_bytes: Maximum size of an S3 object, which is in memory while it is received.
        seed: Seed of all random draws.
        accounts: Access key id -> account. A key id of twelve digits is itself the account.
        roles: Role ARN -> external id, None if none is required. If empty, any role may be assumed.
    """

    switches: Switches = field(default_factory=Switches)
    create_seconds: float = 0.0
    update_seconds: float = 0.0
    delete_seconds: float = 0.0
    polls: int = 0
    calls_per_second: float | None = None
    tag_calls_per_second: float | None = None
    throttling: Throttling = Throttling.THROTTLE
    max_entries: int = 250_000
    max_labels: int = 250
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
        return _parse(kind, name, value)
    rate = kind == float | None
    if rate and value is None:
        return None
    sort = int if kind is int else (int, float)
    if isinstance(value, bool) or not isinstance(value, sort) or not 0 <= value < inf:
        raise ValueError(f"{name}: {value!r} is not a {'whole ' if kind is int else ''}number from 0 up")
    if rate and value == 0:
        raise ValueError(f"{name}: nothing would ever be admitted; null is no limit")
    return value


SWITCH_NAMES = tuple(f.name for f in fields(Switches))

PLAIN_NAMES: Final = tuple(
    f.name for f in fields(Settings) if f.name not in ("switches", "accounts", "roles")
)
"""The names of the settings whose value is a number or a word."""
