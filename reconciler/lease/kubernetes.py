"""Read and write a ``coordination.k8s.io/v1`` Lease with lightkube, which is imported only on use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from reconciler.core.runtime.election import Record
from reconciler.errors import LeaseUnavailable, UsageError

if TYPE_CHECKING:
    from lightkube import Client
    from lightkube.core.exceptions import ApiError
    from lightkube.resources.coordination_v1 import Lease

_NOT_FOUND: Final = 404
_CONFLICT: Final = 409


class KubernetesLease:
    """
    Implements `ports.Lease` for one Lease object of a namespace.

    Args:
        timeout: Limit of each phase of an HTTP request (connect, read, write, pool), in seconds.

    Raises:
        UsageError: lightkube is not installed, or no cluster is configured.
    """

    def __init__(self, namespace: str, name: str, timeout: float) -> None:
        self.name = f"{namespace}/{name}"
        self._namespace = namespace
        self._object = name
        self._read: Lease | None = None
        self._client = _client(timeout)

    def read(self) -> Record | None:
        from lightkube.resources.coordination_v1 import Lease

        with self._translated():
            try:
                found = self._client.get(Lease, self._object, namespace=self._namespace)
            except _api_error() as exc:
                if exc.response.status_code == _NOT_FOUND:
                    self._read = None
                    return None
                raise
        self._read = found
        spec, meta = found.spec, found.metadata
        return Record(
            holder=(spec and spec.holderIdentity) or "",
            version=(meta and meta.resourceVersion) or "",
            duration_seconds=(spec and spec.leaseDurationSeconds) or 1,
            transitions=(spec and spec.leaseTransitions) or 0,
        )

    def write(self, record: Record, at: float) -> bool:
        moment = datetime.fromtimestamp(at, UTC)
        # The API server requires six fractional digits; a time of 0 microseconds is serialized without any.
        moment = moment.replace(microsecond=moment.microsecond or 1)
        wanted = self._wanted(record, moment)
        with self._translated():
            try:
                written = self._client.replace(wanted) if record.version else self._client.create(wanted)
            except _api_error() as exc:
                if exc.response.status_code in (_CONFLICT, _NOT_FOUND):
                    return False
                raise
        self._read = written
        return True

    def close(self) -> None:
        self._client.close()

    def _wanted(self, record: Record, at: datetime) -> Lease:
        from lightkube.models.coordination_v1 import LeaseSpec
        from lightkube.models.meta_v1 import ObjectMeta
        from lightkube.resources.coordination_v1 import Lease

        before = self._read.spec if self._read is not None and record.version else None
        same = before is not None and before.holderIdentity == record.holder
        spec = LeaseSpec(
            holderIdentity=record.holder,
            leaseDurationSeconds=record.duration_seconds,
            leaseTransitions=record.transitions,
            acquireTime=before.acquireTime if before is not None and same else at,
            renewTime=at,
        )
        meta = ObjectMeta(name=self._object, namespace=self._namespace)
        if self._read is not None and self._read.metadata is not None and record.version:
            meta = self._read.metadata  # preserves the labels and annotations of other clients
            meta.resourceVersion = record.version
        return Lease(metadata=meta, spec=spec)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Raise LeaseUnavailable for any client error: the state of the Lease is then unknown."""
        try:
            yield
        except Exception as exc:  # httpx, ssl and lightkube share no base class
            raise LeaseUnavailable(f"lease {self.name}: {str(exc) or type(exc).__name__}") from exc


def _client(timeout: float) -> Client:
    try:
        import httpx2
        from lightkube import Client, KubeConfig
        from lightkube.core.exceptions import ConfigError
    except ImportError as exc:
        raise UsageError(
            "--lease needs the extra k8s: pip install 'rekognition-dataset-reconciler[k8s]'"
        ) from exc
    try:
        return Client(KubeConfig.from_env(), timeout=httpx2.Timeout(timeout))
    except (ConfigError, OSError) as exc:
        raise UsageError(f"--lease: no cluster is configured: {exc}") from exc


def _api_error() -> type[ApiError]:
    from lightkube.core.exceptions import ApiError

    return ApiError
