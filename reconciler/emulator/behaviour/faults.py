"""Fault injection: which faults, on which calls, how often."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from itertools import count
from math import isfinite
from threading import Lock
from types import MappingProxyType
from typing import Any, Final

from reconciler.emulator.http import ServiceError


class Kind(StrEnum):
    """The effect of a fault on a call."""

    # Error answers; the call has no effect.
    THROTTLE = "throttle"
    THROTTLE_400 = "throttle-400"
    THROTTLE_500 = "throttle-500"
    INTERNAL_ERROR = "internal-error"
    UNAVAILABLE = "unavailable"
    ACCESS_DENIED = "access-denied"
    EXPIRED_CREDENTIALS = "expired-credentials"
    IN_USE = "in-use"
    LIMIT_EXCEEDED = "limit-exceeded"
    EXPIRED_PAGE_TOKEN = "expired-page-token"  # noqa: S105  only calls with a NextToken
    # The connection.
    LATENCY = "latency"
    CUT_BEFORE = "cut-before"
    CUT_AFTER = "cut-after"
    CUT_INSIDE = "cut-inside"
    GARBAGE = "garbage"
    # The operation that the call starts.
    SLOW = "slow"
    FAIL_SERVICE = "fail-service"
    FAIL_CLIENT = "fail-client"
    POISON = "poison"
    POISON_TOGETHER = "poison-together"
    DROP = "drop"
    # The console user, and the clock.
    CONSOLE_BEFORE = "console-before"
    CONSOLE_AFTER = "console-after"
    CLOCK_JUMP = "clock-jump"


# Code, message and HTTP status.
ANSWERS: Final[Mapping[Kind, tuple[str, str, int]]] = MappingProxyType(
    {
        Kind.THROTTLE: (
            "ProvisionedThroughputExceededException",
            "Provisioned Rate exceeded.",
            400,
        ),
        Kind.THROTTLE_400: (
            "ThrottlingException",
            "Slow down; sudden increase in rate of requests.",
            400,
        ),
        Kind.THROTTLE_500: ("ThrottlingException", "Service Unavailable", 500),
        Kind.INTERNAL_ERROR: ("InternalServerError", "Internal server error", 500),
        Kind.UNAVAILABLE: ("ServiceUnavailableException", "Service Unavailable", 503),
        Kind.ACCESS_DENIED: (
            "AccessDeniedException",
            "User: {user} is not authorized to perform: rekognition:{operation} on resource: {resource}",
            400,
        ),
        Kind.EXPIRED_CREDENTIALS: (
            "ExpiredTokenException",
            "The security token included in the request is expired",
            400,
        ),
        Kind.IN_USE: ("ResourceInUseException", "Specified resource is in use.", 400),
        Kind.LIMIT_EXCEEDED: ("LimitExceededException", "Too many concurrent operations.", 400),
        Kind.EXPIRED_PAGE_TOKEN: (
            "InvalidPaginationTokenException",
            "Invalid Pagination Token",
            400,
        ),
    }
)

_MOST: Final = 2**53  # every JSON parser represents integers up to this exactly
_UNTIL_CLEARED: Final = frozenset({Kind.POISON, Kind.POISON_TOGETHER, Kind.DROP})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """
    One fault, and the calls that it matches.

    Attributes:
        operations: Operations to match; empty for all.
        resource: Text that the ARN of the dataset or project must contain.
        source_refs: For poison, drop and fail-service: matches calls with one of these lines; for
            poison-together: with all of them. If empty, fail-service matches any call, the others none.
        after: Number of matching calls to skip first.
        every: Of the following calls, hit the first of each group of this size.
        times: Number of calls to hit; 0 for all until cleared. None is 1, but 0 for poison and drop kinds.
        seconds: Duration of latency, slowness or a clock jump.
        action: The action of the console user, see `Console.do`.
    """

    kind: Kind
    operations: frozenset[str] = frozenset()
    resource: str = ""
    source_refs: frozenset[str] = frozenset()
    after: int = 0
    every: int = 1
    times: int | None = None
    seconds: float = 0.0
    action: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def parse(cls, given: Mapping[str, Any]) -> Fault:
        """
        Read a fault from JSON.

        Raises:
            ValueError: A field is unknown or has a wrong value.
        """
        unknown = given.keys() - {f.name for f in fields(cls)}
        if unknown:
            raise ValueError(f"no such field of a fault: {', '.join(sorted(unknown))}")
        values = dict(given)
        values["kind"] = Kind(values.get("kind", ""))
        for name in ("operations", "source_refs"):
            if name in values:
                items = values[name]
                values[name] = frozenset([items] if isinstance(items, str) else items)
        for name, number in (("after", int), ("every", int), ("times", int), ("seconds", float)):
            if values.get(name) is not None:
                values[name] = number(values[name])
        return cls(**values)

    def __post_init__(self) -> None:
        if not (0 < self.every <= _MOST and 0 <= self.after <= _MOST and 0 <= (self.times or 0) <= _MOST):
            raise ValueError(f"every must be at least 1, after and times at least 0, and none above {_MOST}")
        if not isfinite(self.seconds):
            raise ValueError("seconds must be finite")
        texts = (self.resource, *self.operations, *self.source_refs)
        if not all(isinstance(text, str) for text in texts) or not isinstance(self.action, Mapping):
            raise ValueError("resource, operations and source_refs are text, and action is an object")

    def plain(self) -> dict[str, Any]:
        """Return the fields as JSON, for `parse`."""
        return {
            **{name: getattr(self, name) for name in ("kind", "resource", "after", "every", "seconds")},
            "times": self.limit,
            "operations": sorted(self.operations),
            "source_refs": sorted(self.source_refs),
            "action": dict(self.action),
        }

    @property
    def limit(self) -> int:
        """Return the maximum number of calls to hit; 0 is unlimited."""
        if self.times is not None:
            return self.times
        return 0 if self.kind in _UNTIL_CLEARED else 1


@dataclass(slots=True)
class _Armed:
    fault: Fault
    met: int = 0
    hit: int = 0
    persistent: bool = False

    def meets(self, operation: str, resource: str, source_refs: Collection[str]) -> bool:
        fault = self.fault
        if fault.operations and operation not in fault.operations:
            return False
        if fault.resource not in resource:
            return False
        match fault.kind:
            case Kind.POISON | Kind.DROP:
                return not fault.source_refs.isdisjoint(source_refs)
            case Kind.FAIL_SERVICE:
                return not (fault.source_refs and fault.source_refs.isdisjoint(source_refs))
            case Kind.POISON_TOGETHER:
                return bool(fault.source_refs) and fault.source_refs.issubset(source_refs)
            case _:
                return True

    def strikes(self) -> bool:
        """Count a matching call, and return whether it is hit."""
        self.met += 1
        turn = self.met - self.fault.after
        if turn < 1 or (turn - 1) % self.fault.every:
            return False
        if self.fault.limit and self.hit >= self.fault.limit:
            return False
        self.hit += 1
        return True


class Faults:
    """The armed faults, in the order in which they were added."""

    def __init__(self) -> None:
        self._armed: dict[int, _Armed] = {}
        self._ids = count(1)
        self._lock = Lock()

    def add(self, fault: Fault, *, persistent: bool = False) -> int:
        """Arm *fault*, and return its number for `clear`. `dump` returns only persistent faults."""
        number = next(self._ids)
        self._armed[number] = _Armed(fault, persistent=persistent)
        return number

    def dump(self) -> list[dict[str, Any]]:
        """Return the persistent faults as JSON, with their counts, for `load`."""
        with self._lock:
            return [
                {"fault": armed.fault.plain(), "met": armed.met, "hit": armed.hit}
                for armed in self._armed.values()
                if armed.persistent
            ]

    def load(self, dumped: Iterable[Mapping[str, Any]]) -> None:
        """Arm the faults of a `dump`."""
        for one in dumped:
            fault = Fault.parse(one["fault"])
            self._armed[next(self._ids)] = _Armed(fault, one["met"], one["hit"], persistent=True)

    def clear(self, number: int | None = None) -> None:
        """Disarm one fault, or all."""
        if number is None:
            self._armed.clear()
        else:
            self._armed.pop(number, None)

    def clear_persistent(self) -> None:
        with self._lock:
            self._armed = {number: armed for number, armed in self._armed.items() if not armed.persistent}

    def armed(self) -> list[tuple[int, Fault, int]]:
        """Return (number, fault, calls hit so far) for each armed fault."""
        return [(number, armed.fault, armed.hit) for number, armed in self._armed.items()]

    def strike(
        self,
        kinds: Collection[Kind],
        operation: str,
        resource: str = "",
        source_refs: Collection[str] = (),
    ) -> list[Fault]:
        """Count a call against all matching faults of these kinds, and return those that hit it."""
        if not self._armed:
            return []
        with self._lock:
            return [
                armed.fault
                for armed in tuple(self._armed.values())
                if armed.fault.kind in kinds
                and armed.meets(operation, resource, source_refs)
                and armed.strikes()
            ]


def answer(kind: Kind, user: str, operation: str, resource: str) -> ServiceError:
    """Return the error answer of a fault of this kind; *resource* may be empty."""
    code, message, status = ANSWERS[kind]
    return ServiceError(
        code, message.format(user=user, operation=operation, resource=resource or "*"), status
    )
