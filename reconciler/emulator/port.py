"""Serve the application on a TCP port: uvicorn in a thread, and a way to drop connections."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, Final
from weakref import WeakValueDictionary

import uvicorn

from reconciler.emulator.asgi import CUT, Application, Receive, Scope, Send, Service

_BACKLOG: Final = 2048

# How long closing the port waits for answers in progress.
_GRACE_SECONDS: Final = 5

# AWS's samples poll every 5 seconds. If idle connections were closed after 5 seconds, too, 1 in 20 of those
# requests would hit a connection that is being closed.
_KEEP_ALIVE_SECONDS: Final = 60


# How long a connection may stay without a complete head of a request, also if parts of it arrive.
HEAD_SECONDS = 60.0


class _Listener(socket.socket):
    """
    A listening socket that can drop the connections it has accepted.

    Attributes:
        waiting: Client address -> since when, in seconds of the monotonic clock, no request is under way.
    """

    def __init__(self, fileno: int) -> None:
        super().__init__(fileno=fileno)
        self.waiting: dict[tuple[str, int], float] = {}
        # Client address -> connection, for as long as the server keeps it.
        self._connections: WeakValueDictionary[tuple[str, int], socket.socket] = WeakValueDictionary()

    def accept(self) -> tuple[socket.socket, Any]:
        connection, address = super().accept()
        # asyncio sets this only for sockets created with an explicit protocol number. Without it, the body of
        # an answer follows 40 ms after the head.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connections[address[:2]] = connection
        self.waiting[address[:2]] = time.monotonic()
        return connection, address

    async def drop_idle(self) -> None:
        """Drop, until cancelled, the connections that wait for the head of a request for too long."""
        while True:
            await asyncio.sleep(HEAD_SECONDS / 10)
            latest = time.monotonic() - HEAD_SECONDS
            for client in [client for client, since in self.waiting.items() if since < latest]:
                del self.waiting[client]
                self.drop(client)

    def drop(self, client: tuple[str, int]) -> None:
        """Drop the connection from an address, without an answer or in the middle of one."""
        connection = self._connections.get(client)
        if connection is not None:
            with suppress(OSError):  # the client may have been faster
                connection.shutdown(socket.SHUT_RDWR)


class _WithCut:
    """Passes a function that drops the connection to the application, as ``scope["extensions"][CUT]``."""

    def __init__(self, application: Application, listener: _Listener) -> None:
        self._application = application
        self._listener = listener

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = scope["client"]
        self._listener.waiting.pop(client, None)
        try:
            cut = partial(self._listener.drop, client)
            await self._application({**scope, "extensions": {CUT: cut}}, receive, send)
        finally:
            self._listener.waiting[client] = time.monotonic()


@contextmanager
def listening(service: Service, host: str, port: int) -> Iterator[int]:
    """
    Serve *service* on a port until the block exits; yields the port number.

    Raises:
        OSError: The address cannot be bound.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    with _Listener(fileno=bound.detach()) as listener:
        server = uvicorn.Server(_config(_WithCut(Application(service), listener)))
        thread = threading.Thread(
            target=asyncio.run,
            args=(_serve(server, listener),),
            name="emulator",
            daemon=True,
        )
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


async def _serve(server: uvicorn.Server, listener: _Listener) -> None:
    dropping = asyncio.create_task(listener.drop_idle())
    try:
        await server.serve(sockets=[listener])
    finally:
        dropping.cancel()


def _config(application: _WithCut) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        http="h11",
        backlog=_BACKLOG,
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
