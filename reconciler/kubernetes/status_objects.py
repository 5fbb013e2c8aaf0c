"""Write ``reconciler.dev/v1`` DatasetStatus objects and their Events, by server-side apply."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from reconciler.core.status.status_object import StatusEvent
from reconciler.kubernetes.client import (
    CONFLICT,
    NOT_FOUND,
    client,
    passing_over,
    service_account,
    status_code,
)
from reconciler.kubernetes.leases import FLEET

if TYPE_CHECKING:
    from lightkube.generic_resource import GenericNamespacedResource
    from lightkube.models.meta_v1 import OwnerReference

API: Final = "reconciler.dev/v1"
KIND: Final = "DatasetStatus"
MANAGER: Final = "reconciler"
MANAGED_BY: Final = "app.kubernetes.io/managed-by"
FIRST_GENERATION: Final = 1


class KubernetesStatusObjects:
    """
    Implements `ports.StatusObjects` in one namespace.

    An object that it creates has labels, by which it is found again, and its service account as owner, so that
    Kubernetes deletes it with the installation. Of an object that it did not create it writes only the status.

    Args:
        timeout: Limit of each phase of an HTTP request, in seconds.

    Raises:
        UsageError: lightkube is not installed, or no cluster is configured.
    """

    def __init__(self, namespace: str, fleet: str, timeout: float) -> None:
        self._client = client("--status-objects", timeout)
        self._namespace = namespace
        self._labels = {FLEET: fleet, MANAGED_BY: MANAGER}

    def names(self) -> Collection[str]:
        found = self._client.list(_resource(), namespace=self._namespace, labels=dict(self._labels))
        return [str(one.metadata and one.metadata.name) for one in found]

    def put(self, name: str, status: Mapping[str, Any], *, create: bool = True) -> None:
        try:
            generation = self._write(name, status, FIRST_GENERATION)
        except Exception as exc:
            if status_code(exc) != NOT_FOUND:
                raise
            if not create:
                return
            self._create(name)
            generation = self._write(name, status, FIRST_GENERATION)
        if generation not in (None, FIRST_GENERATION):  # somebody changed the object, which has no spec
            self._write(name, status, generation)

    def _write(self, name: str, status: Mapping[str, Any], generation: int | None) -> int | None:
        """Apply a status, and return the generation of its object."""
        from lightkube.models.meta_v1 import ObjectMeta

        whole = {"observedGeneration": generation, **{k: v for k, v in status.items() if v is not None}}
        wanted = _resource().Status(metadata=ObjectMeta(name=name, namespace=self._namespace), status=whole)
        applied = self._client.apply(wanted, field_manager=MANAGER, force=True)
        return applied.metadata.generation if applied.metadata else None

    def _create(self, name: str) -> None:
        from lightkube.models.meta_v1 import ObjectMeta

        meta = ObjectMeta(
            name=name, namespace=self._namespace, labels=dict(self._labels), ownerReferences=self._owners()
        )
        with passing_over(CONFLICT):  # another replica was faster
            self._client.create(_resource()(metadata=meta), field_manager=MANAGER)

    def _owners(self) -> list[OwnerReference] | None:
        """Return the service account of this process as owner; None if it has none in this namespace."""
        from lightkube.models.meta_v1 import OwnerReference

        user = self._client.config.user
        account = service_account(user.token if user else None)
        if account is None or account.namespace != self._namespace:
            return None
        return [OwnerReference("v1", "ServiceAccount", account.name, account.uid)]

    def post_event(self, name: str, event: StatusEvent) -> None:
        from lightkube.models.core_v1 import EventSource, ObjectReference
        from lightkube.models.meta_v1 import ObjectMeta
        from lightkube.resources.core_v1 import Event

        now = datetime.now(UTC)
        about = ObjectReference(apiVersion=API, kind=KIND, name=name, namespace=self._namespace)
        posted = Event(
            metadata=ObjectMeta(generateName=f"{name}.", namespace=self._namespace),
            involvedObject=about,
            reason=event.reason,
            message=event.message,
            type="Warning" if event.is_warning else "Normal",
            source=EventSource(component=MANAGER),
            reportingComponent=MANAGER,
            firstTimestamp=now,
            lastTimestamp=now,
            count=1,
        )
        self._client.create(posted)

    def remove(self, name: str) -> None:
        with passing_over(NOT_FOUND):
            self._client.delete(_resource(), name, namespace=self._namespace)

    def close(self) -> None:
        self._client.close()


def _resource() -> type[GenericNamespacedResource]:
    from lightkube.generic_resource import create_namespaced_resource

    group, _, version = API.partition("/")
    return create_namespaced_resource(group, version, KIND, "datasetstatuses")
