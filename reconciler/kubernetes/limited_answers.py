"""Limit how long an answer of the API server may take in all; see `reconciler.answers`. Needs the extra k8s."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.answers import Deadline

if TYPE_CHECKING:
    import httpx2
    from httpcore2 import NetworkBackend, NetworkStream


def limit_client(client: httpx2.Client) -> None:
    """Limit every answer to a client. lightkube makes it, and takes no network backend itself."""
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
