"""Records in memory that the replicas of a fleet share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from reconciler.core.runtime.fleet import MEMBER, Record, Timing
from reconciler.core.spec.choices import DatasetType
from reconciler.core.spec.documents import Target
from reconciler.errors import LeaseUnavailable

TIMING = Timing(60)
RENEW = TIMING.renew_seconds


def target(account: str | None = "111122223333", region: str | None = "us-east-1") -> Target:
    return Target(project="flowers", type=DatasetType.TRAIN, accountId=account, region=region)


TARGETS = [target(f"{number:012}") for number in range(10)]


@dataclass
class Store:
    """The lease records that all replicas share."""

    records: dict[str, Record] = field(default_factory=dict)
    version: int = 0

    def holders(self) -> dict[str, str]:
        return {key: one.holder for key, one in self.records.items() if not key.startswith(MEMBER)}


@dataclass
class Door:
    """A replica's `Leases`."""

    store: Store
    name: str = "reconciler/reconciler"
    failure: bool = False
    closed: bool = False
    reads: int = 0

    def read(self) -> Mapping[str, Record]:
        self._fail()
        self.reads += 1
        return dict(self.store.records)

    def write(self, key: str, record: Record, at: float) -> bool:
        del at
        self._fail()
        before = self.store.records.get(key)
        if record.version != (before.version if before else ""):
            return False
        self.store.version += 1
        self.store.records[key] = replace(record, version=str(self.store.version))
        return True

    def remove(self, key: str) -> None:
        self._fail()
        self.store.records.pop(key, None)

    def close(self) -> None:
        self.closed = True

    def _fail(self) -> None:
        if self.failure:
            raise LeaseUnavailable("the cluster does not answer")


@dataclass
class Home:
    """The account of the credentials."""

    found: str | None = None

    def account(self) -> str | None:
        return self.found

    def region(self) -> str:
        return "eu-west-1"
