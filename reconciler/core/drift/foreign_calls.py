"""Calls of other principals that may have changed a dataset: evidence of who caused drift, not of what it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Final, NamedTuple, Self

from typing_extensions import TypedDict  # pydantic reads the standard one only from Python 3.12

from reconciler.core.moments import moment

MAX_SHOWN: Final = 10
"""How many calls a report, a page or the status shows: the newest."""

SKEW_SECONDS: Final = 60.0
"""How far the clock of AWS may be ahead of this machine's."""


class PrincipalKind(StrEnum):
    """What kind of identity made a call, by ``userIdentity.type`` of CloudTrail."""

    ROOT = "root"
    USER = "user"
    ROLE = "role"
    FEDERATED = "federated"
    SERVICE = "service"
    ACCOUNT = "account"
    UNKNOWN = "unknown"


class AddressClass(StrEnum):
    """Where a call came from; the address itself is not kept."""

    SERVICE = "service"  # an AWS service called
    PRIVATE = "private"  # through a VPC endpoint, for instance
    PUBLIC = "public"
    UNKNOWN = "unknown"


_KINDS: Final[Mapping[PrincipalKind, str]] = {
    PrincipalKind.ROOT: "the root user of account ",
    PrincipalKind.USER: "user ",
    PrincipalKind.ROLE: "role ",
    PrincipalKind.FEDERATED: "federated user ",
    PrincipalKind.SERVICE: "the AWS service ",
    PrincipalKind.ACCOUNT: "account ",
    PrincipalKind.UNKNOWN: "",
}
_ADDRESSES: Final[Mapping[AddressClass, str]] = {
    AddressClass.SERVICE: ", through an AWS service",
    AddressClass.PRIVATE: ", from a private address",
    AddressClass.PUBLIC: ", from a public address",
    AddressClass.UNKNOWN: "",
}


class ForeignCallDocument(TypedDict):
    """A call of another principal, as CloudTrail recorded it; its address is not kept."""

    operation: str
    principal: str
    principal_kind: PrincipalKind
    address_class: AddressClass
    at: str
    event_id: str


class ForeignCall(NamedTuple):
    """
    One call of another principal, as CloudTrail recorded it.

    Attributes:
        id: The event ID of CloudTrail, which is unique.
        operation: One of `cloudtrail.CHANGES`.
        principal: A name for people: ``ROLE/SESSION``, a user, an account or a service.
        at: When the call was completed, in seconds since the epoch.
        settled_at: When the dataset was first observed without drift after the call; None before that.
    """

    id: str
    operation: str
    principal: str
    kind: PrincipalKind
    address: AddressClass
    at: float
    settled_at: float | None = None

    @property
    def caller(self) -> str:
        """Return the principal as people say it."""
        return f"{_KINDS[self.kind]}{self.principal}"

    @property
    def text(self) -> str:
        """Return the call in one phrase, such as ``UpdateDatasetEntries by user alice, from a public address``."""
        return f"{self.operation} by {self.caller}{_ADDRESSES[self.address]}"

    def document(self) -> ForeignCallDocument:
        """Return the call as JSON."""
        return {
            "operation": self.operation,
            "principal": self.principal,
            "principal_kind": self.kind,
            "address_class": self.address,
            "at": moment(self.at),
            "event_id": self.id,
        }

    def stored(self) -> dict[str, Any]:
        """Return the call as the JSON that `of_stored` reads: all but the times and the ID."""
        return {
            "operation": self.operation,
            "principal": self.principal,
            "kind": self.kind.value,
            "address": self.address.value,
        }

    @classmethod
    def of_stored(cls, key: str, at: float, settled_at: float | None, body: Mapping[str, Any]) -> Self:
        """
        Return the call that was stored.

        Raises:
            KeyError, ValueError: *body* is not of `stored`.
        """
        kind, address = PrincipalKind(body["kind"]), AddressClass(body["address"])
        return cls(key, body["operation"], body["principal"], kind, address, at, settled_at)


def suspects(calls: Iterable[ForeignCall], observed_at: float) -> tuple[ForeignCall, ...]:
    """
    Return the calls that may have caused the drift in an observation, the newest first.

    That is what was called before it, and after the last observation without drift.
    """
    found = [
        call
        for call in calls
        if call.at <= observed_at + SKEW_SECONDS
        and (call.settled_at is None or call.settled_at >= observed_at)
    ]
    return tuple(sorted(found, key=lambda call: (-call.at, call.id))[:MAX_SHOWN])
