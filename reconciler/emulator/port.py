"""Serve the application on a TCP port: uvicorn in a thread, and a way to drop connections."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from reconciler.emulator.asgi import CUT, Application, Service

# How long closing the port waits for answers in progress.
_GRACE_SECONDS: Final = 5

# AWS's samples poll every 5 seconds. If idle connections were closed after 5 seconds, too, 1 in 20 of those
# requests would hit a connection that is being closed.
_KEEP_ALIVE_SECONDS: Final = 60


class _Protocol(H11Protocol):
    """Passes a function that drops the connection to the application, as ``scope["extensions"][CUT]``."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # asyncio sets this only for sockets created with an explicit protocol number. Without it, the body of
        # an answer follows 40 ms after the head.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        inner = self.app

        async def with_cut(scope: Any, receive: Any, send: Any) -> None:
            scope.setdefault("extensions", {})[CUT] = transport.abort
            await inner(scope, receive, send)

        self.app = with_cut


class _Server(uvicorn.Server):
    """A server that installs no signal handlers."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextmanager
def listening(service: Service, host: str, port: int) -> Iterator[int]:
    """
    Serve *service* on a port until the block exits; yields the port number.

    Raises:
        OSError: The address cannot be bound.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family, backlog=2048) as listener:
        server = _Server(_config(service))
        thread = threading.Thread(
            target=asyncio.run,
            args=(server.serve(sockets=[listener]),),
            name="emulator",
            daemon=True,
        )
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


def _config(service: Service) -> uvicorn.Config:
    return uvicorn.Config(
        Application(service),
        http=_Protocol,
        loop="asyncio",
        ws="none",
        lifespan="off",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        log_config=None,
        log_level="critical",
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
