"""Write ``reconciler.dev/v1`` DatasetStatus objects and their Events, by server-side apply."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from reconciler.core.status.status_object import News
from reconciler.kubernetes.client import NOT_FOUND, client, status_code
from reconciler.kubernetes.leases import FLEET

if TYPE_CHECKING:
    from lightkube.generic_resource import GenericNamespacedResource

API: Final = "reconciler.dev/v1"
KIND: Final = "DatasetStatus"
MANAGER: Final = "reconciler"


class KubernetesStatusObjects:
    """
    Implements `ports.StatusObjects` by the objects of a namespace whose label names their writers.

    Args:
        timeout: Limit of each phase of an HTTP request, in seconds.

    Raises:
        UsageError: lightkube is not installed, or no cluster is configured.
    """

    def __init__(self, namespace: str, fleet: str, timeout: float) -> None:
        self._client = client("--status-objects", timeout)
        self._namespace = namespace
        self._labels = {FLEET: fleet}

    def names(self) -> Collection[str]:
        found = self._client.list(_resource(), namespace=self._namespace, labels=dict(self._labels))
        return [str(one.metadata and one.metadata.name) for one in found]

    def put(self, name: str, status: Mapping[str, Any]) -> None:
        """Apply the object and then its status, whose observedGeneration is that of the object."""
        from lightkube.models.meta_v1 import ObjectMeta

        resource = _resource()
        meta = ObjectMeta(name=name, namespace=self._namespace, labels=self._labels)
        applied = self._client.apply(resource(metadata=meta), field_manager=MANAGER, force=True)
        generation = applied.metadata.generation if applied.metadata else None
        whole = {"observedGeneration": generation, **{k: v for k, v in status.items() if v is not None}}
        meta = ObjectMeta(name=name, namespace=self._namespace)
        self._client.apply(resource.Status(metadata=meta, status=whole), field_manager=MANAGER, force=True)

    def tell(self, name: str, item: News) -> None:
        from lightkube.models.core_v1 import EventSource, ObjectReference
        from lightkube.models.meta_v1 import ObjectMeta
        from lightkube.resources.core_v1 import Event

        now = datetime.now(UTC)
        about = ObjectReference(apiVersion=API, kind=KIND, name=name, namespace=self._namespace)
        event = Event(
            metadata=ObjectMeta(generateName=f"{name}.", namespace=self._namespace),
            involvedObject=about,
            reason=item.reason,
            message=item.message,
            type="Warning" if item.is_warning else "Normal",
            source=EventSource(component=MANAGER),
            reportingComponent=MANAGER,
            firstTimestamp=now,
            lastTimestamp=now,
            count=1,
        )
        self._client.create(event)

    def remove(self, name: str) -> None:
        try:
            self._client.delete(_resource(), name, namespace=self._namespace)
        except Exception as exc:
            if status_code(exc) != NOT_FOUND:
                raise

    def close(self) -> None:
        self._client.close()


def _resource() -> type[GenericNamespacedResource]:
    from lightkube.generic_resource import create_namespaced_resource

    group, _, version = API.partition("/")
    return create_namespaced_resource(group, version, KIND, "datasetstatuses")
