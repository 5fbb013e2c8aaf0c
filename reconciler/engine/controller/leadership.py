"""The partitions that a replica owns, and its view of the fleet."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final, Protocol

from reconciler.core.runtime.fleet import Elector, Partition
from reconciler.core.spec.documents import Target
from reconciler.core.status.conditions import Reason, Truth

KIND: Final = "Leading"
"""The type of this condition in the log and the metrics, beside the conditions of datasets."""


class Controlled(Protocol):
    """The part of the controller that its fleet calls."""

    def targets(self) -> Collection[Target] | None:
        """Return the targets of all datasets; None before the specs were read once."""
        ...

    def is_busy(self, partition: Partition) -> bool:
        """Return whether a cycle runs in a partition."""
        ...

    def reassign(self) -> None:
        """Adopt changed owners of partitions."""
        ...


@dataclass(frozen=True, slots=True)
class Leadership:
    """
    What this replica owns.

    Attributes:
        status: True if it owns a partition, False if not, Unknown if the leases could not be read or renewed.
        identity: The name of this replica in the leases.
        members: The identities of the live members.
        owners: For each partition of the specs, the identity of its owner; empty if it has none.
    """

    status: Truth
    reason: Reason
    message: str
    identity: str
    members: tuple[str, ...] = ()
    owners: tuple[tuple[Partition, str], ...] = ()

    def document(self) -> dict[str, Any]:
        return {
            "status": self.status.value,
            "reason": self.reason.value,
            "message": self.message,
            "identity": self.identity,
            "members": list(self.members),
            "partitions": [
                {"account": partition.account, "region": partition.region, "owner": owner or None}
                for partition, owner in self.owners
            ],
        }


@dataclass(slots=True)
class Holding:
    """
    One partition as this replica sees it.

    Attributes:
        leaving: Whether it is being handed over: no cycle starts, and the running ones end.
        reported: Whether this replica was last logged as its owner.
    """

    elector: Elector
    holder: str = ""
    leaving: bool = False
    reported: bool = False

    def is_owned(self, now: float) -> bool:
        return self.elector.holds(now) and not self.leaving
