"""Read and write the ``coordination.k8s.io/v1`` Leases of a fleet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from reconciler.core.runtime.fleet import Record
from reconciler.errors import LeaseUnavailable
from reconciler.kubernetes.client import CONFLICT, NOT_FOUND, client, passing_over, status_code

if TYPE_CHECKING:
    from lightkube.resources.coordination_v1 import Lease

FLEET: Final = "reconciler.dev/fleet"
"""The label by which the Leases of one fleet are listed."""


class KubernetesLeases:
    """
    Implements `ports.Leases`: the Lease objects of a namespace whose label names the fleet.

    The name of each is that of the fleet and its key.

    Args:
        timeout: Limit of each phase of an HTTP request (connect, read, write, pool), in seconds.

    Raises:
        UsageError: lightkube is not installed, or no cluster is configured.
    """

    def __init__(self, namespace: str, fleet: str, timeout: float) -> None:
        self.name = f"{namespace}/{fleet}"
        self._namespace = namespace
        self._fleet = fleet
        self._read: dict[str, Lease] = {}
        self._client = client("--lease", timeout)

    def read(self) -> Mapping[str, Record]:
        from lightkube.resources.coordination_v1 import Lease

        with self._translated():
            found = list(self._client.list(Lease, namespace=self._namespace, labels={FLEET: self._fleet}))
        start = len(self._fleet) + 1
        self._read = {str(one.metadata and one.metadata.name)[start:]: one for one in found}
        return {key: _record(one) for key, one in self._read.items()}

    def write(self, key: str, record: Record, at: float) -> bool:
        moment = datetime.fromtimestamp(at, UTC)
        # The API server requires six fractional digits; a time of 0 microseconds is serialized without any.
        moment = moment.replace(microsecond=moment.microsecond or 1)
        wanted = self._wanted(key, record, moment)
        with self._translated():
            try:
                written = self._client.replace(wanted) if record.version else self._client.create(wanted)
            except Exception as exc:
                if status_code(exc) in (CONFLICT, NOT_FOUND):
                    return False
                raise
        self._read[key] = written
        return True

    def remove(self, key: str) -> None:
        from lightkube.resources.coordination_v1 import Lease

        with self._translated(), passing_over(NOT_FOUND):
            self._client.delete(Lease, f"{self._fleet}-{key}", namespace=self._namespace)

    def close(self) -> None:
        self._client.close()

    def _wanted(self, key: str, record: Record, at: datetime) -> Lease:
        from lightkube.models.coordination_v1 import LeaseSpec
        from lightkube.models.meta_v1 import ObjectMeta
        from lightkube.resources.coordination_v1 import Lease

        read = self._read.get(key) if record.version else None
        before = read.spec if read is not None else None
        same = before is not None and before.holderIdentity == record.holder
        spec = LeaseSpec(
            holderIdentity=record.holder,
            leaseDurationSeconds=record.duration_seconds,
            leaseTransitions=record.transitions,
            acquireTime=before.acquireTime if before is not None and same else at,
            renewTime=at,
        )
        meta = ObjectMeta(name=f"{self._fleet}-{key}", namespace=self._namespace, labels={FLEET: self._fleet})
        if read is not None and read.metadata is not None:
            meta = read.metadata  # preserves the labels and annotations of other clients
            meta.resourceVersion = record.version
        return Lease(metadata=meta, spec=spec)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Raise LeaseUnavailable for any client error: the state of the Leases is then unknown."""
        try:
            yield
        except Exception as exc:  # httpx, ssl and lightkube share no base class
            raise LeaseUnavailable(f"leases {self.name}: {str(exc) or type(exc).__name__}") from exc


def _record(found: Lease) -> Record:
    spec, meta = found.spec, found.metadata
    return Record(
        holder=(spec and spec.holderIdentity) or "",
        version=(meta and meta.resourceVersion) or "",
        duration_seconds=(spec and spec.leaseDurationSeconds) or 1,
        transitions=(spec and spec.leaseTransitions) or 0,
    )
