"""Create a client of the cluster that this process runs in, or that KUBECONFIG names."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from reconciler.answers import Deadline
from reconciler.errors import UsageError

if TYPE_CHECKING:
    import httpx2
    from httpcore2 import NetworkBackend, NetworkStream
    from lightkube import Client

NOT_FOUND: Final = 404
CONFLICT: Final = 409


def client(flag: str, timeout: float) -> Client:
    """
    Return a client.

    Args:
        flag: The flag that needs it, for the error.
        timeout: Limit of each phase of an HTTP request (connect, write, read the answer, pool), in seconds.

    Raises:
        UsageError: lightkube is not installed, or no cluster is configured.
    """
    try:
        import httpx2
        from lightkube import Client, KubeConfig
        from lightkube.core.exceptions import ConfigError
    except ImportError as exc:
        raise UsageError(
            f"{flag} needs the extra k8s: pip install 'rekognition-dataset-reconciler[k8s]'"
        ) from exc
    try:
        made = Client(KubeConfig.from_env(), timeout=httpx2.Timeout(timeout))
    except (ConfigError, OSError) as exc:
        raise UsageError(f"{flag}: no cluster is configured: {exc}") from exc
    limit_client(made._client._client)
    return made


@contextmanager
def passing_over(status: int) -> Iterator[None]:
    """Ignore an answer of the API server with this HTTP status."""
    try:
        yield
    except Exception as exc:
        if status_code(exc) != status:
            raise


def status_code(exc: Exception) -> int | None:
    """Return the HTTP status of an error that the API server answered; None for any other error."""
    from lightkube.core.exceptions import ApiError

    return exc.response.status_code if isinstance(exc, ApiError) else None


class ServiceAccount(NamedTuple):
    """The service account of a token."""

    namespace: str
    name: str
    uid: str


def service_account(token: str | None) -> ServiceAccount | None:
    """
    Return the service account that a token of a pod names in its claims; None if it names none.

    The claims are those of https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/. The
    token is this process's own, so its signature is not checked.
    """
    try:
        text = (token or "").split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))["kubernetes.io"]
        account = claims["serviceaccount"]
        return ServiceAccount(str(claims["namespace"]), str(account["name"]), str(account["uid"]))
    except (IndexError, KeyError, TypeError, ValueError):
        return None


def limit_client(client: httpx2.Client) -> None:
    """
    Limit how long every answer to a client may take in all; see `reconciler.answers`.

    lightkube makes the client, and takes no network backend itself.
    """
    import httpx2

    for transport in (client._transport, *client._mounts.values()):
        if isinstance(transport, httpx2.HTTPTransport):
            pool = transport._pool
            limited: Any = _Backend(pool._network_backend)  # its base class is of the extra
            pool._network_backend = limited


class _Backend:
    """A `NetworkBackend`."""

    def __init__(self, backend: NetworkBackend) -> None:
        self._backend = backend

    def connect_tcp(self, *args: Any, **kwargs: Any) -> _Stream:
        return _Stream(self._backend.connect_tcp(*args, **kwargs))

    def sleep(self, seconds: float) -> None:
        self._backend.sleep(seconds)


class _Stream:
    """A `NetworkStream` on which each answer must have ended by the deadline that its read timeout gives."""

    def __init__(self, stream: NetworkStream) -> None:
        self._stream = stream
        self._deadline: Deadline | None = None

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._deadline = self._deadline or Deadline(timeout)
        try:
            left = self._deadline.left()
        except TimeoutError as exc:
            from httpcore2 import ReadTimeout

            raise ReadTimeout(str(exc)) from exc
        data = self._stream.read(max_bytes, left)
        self._deadline.received(len(data))
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._deadline = None  # a request: its answer begins afterwards
        self._stream.write(buffer, timeout)

    def close(self) -> None:
        self._stream.close()

    def start_tls(self, *args: Any, **kwargs: Any) -> _Stream:
        return _Stream(self._stream.start_tls(*args, **kwargs))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
