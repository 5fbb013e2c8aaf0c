"""The emulator's application on a TCP port: uvicorn in a thread, and a way to cut connections."""

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

# Answers that are under way when the port is closed are waited for so long.
_GRACE_SECONDS: Final = 5

# AWS's samples poll every 5 seconds. If idle connections were closed after just so long, one in twenty of those
# requests would meet the closing.
_KEEP_ALIVE_SECONDS: Final = 60


class _Protocol(H11Protocol):
    """Hands the application a function that drops the connection, as ``scope["extensions"][CUT]``."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # asyncio does so only for sockets made with an explicit protocol number. Without it, head and
        # body of an answer wait 40 ms for each other.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        inner = self.app

        async def with_cut(scope: Any, receive: Any, send: Any) -> None:
            scope.setdefault("extensions", {})[CUT] = transport.abort
            await inner(scope, receive, send)

        self.app = with_cut


class _Server(uvicorn.Server):
    """A server that leaves the process's signals alone."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextmanager
def listening(service: Service, host: str, port: int) -> Iterator[int]:
    """
    Let *service* answer on a port until the block is left; gives the port's number.

    Raises:
        OSError: The address cannot be taken.
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
