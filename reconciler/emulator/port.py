"""Serve requests on a TCP port: an ASGI application, uvicorn in a thread, and a way to drop connections."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Collection, Iterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any, Final, Protocol
from urllib.parse import parse_qsl
from weakref import WeakValueDictionary

import uvicorn

from reconciler.emulator.http import Answer, Disposition, Request, is_allowed

_BACKLOG: Final = 2048

# How long closing the port waits for answers in progress.
_GRACE_SECONDS: Final = 5

# AWS's samples poll every 5 seconds. If idle connections were closed after 5 seconds, too, 1 in 20 of those
# requests would hit a connection that is being closed.
_KEEP_ALIVE_SECONDS: Final = 60

# How long a connection may stay without a complete head of a request, also if parts of it arrive.
HEAD_SECONDS = 60.0

# The largest update, 5 MiB, takes 7 MB in base64.
_MAX_BODY_BYTES: Final = 16 * 1024 * 1024

# How long a client may pause within a body, and how long a body may take.
PAUSE_SECONDS = 30.0
BODY_SECONDS = 600.0

_QUICK_BODY_BYTES: Final = 64 * 1024

# A request that waits for its own import holds a thread; others must find one.
_THREADS: Final = 64

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Service(Protocol):
    """A handler of requests, for any number of threads."""

    @property
    def max_object_bytes(self) -> int: ...

    @property
    def hosts(self) -> Collection[str]:
        """Return the names, beside local ones, that a `Host` header may have."""

    def answer_at_once(self, request: Request) -> Answer | None:
        """Answer without blocking; None if that is not possible."""

    def handle(self, request: Request) -> Answer: ...


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


class _GoneError(Exception):
    """The client disconnected before its request was complete; the request is ignored."""


class _Application:
    """Reads requests, passes them to the service, and sends, delays or cuts off the answers."""

    def __init__(self, service: Service, listener: _Listener) -> None:
        self._service = service
        self._listener = listener
        self._threads = ThreadPoolExecutor(_THREADS, "emulator-request")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._listener.waiting.pop(scope["client"], None)
        try:
            await self._serve(scope, receive, send)
        finally:
            self._listener.waiting[scope["client"]] = time.monotonic()

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        host = (_header(scope, b"host") or b"").decode("latin-1")
        if not is_allowed(host, self._service.hosts):
            text = f"The host {host} is not allowed; see --allow-host.\n"
            await _send(send, Answer(403, text.encode(), {"Connection": "close"}))
            return
        try:
            body = await _body(scope, receive, self._limit(scope))
        except _GoneError:
            return
        except TimeoutError:
            await _send(send, Answer(408, b"Request Timeout", {"Connection": "close"}))
            return
        if body is None:
            await _send(send, Answer(413, b"Request Entity Too Large", {"Connection": "close"}))
            return
        answer = await self._answer(_request(scope, body))
        if answer.delay:
            await asyncio.sleep(answer.delay)
        match answer.disposition:
            case Disposition.SENT:
                await _send(send, answer)
            case Disposition.CUT:
                await self._cut(scope, receive)
            case Disposition.CUT_INSIDE:
                await send(_head(answer))
                half = answer.body[: len(answer.body) // 2]
                await send({"type": "http.response.body", "body": half, "more_body": True})
                await asyncio.sleep(0.05)  # flush the first half before dropping the connection
                await self._cut(scope, receive)

    async def _cut(self, scope: Scope, receive: Receive) -> None:
        self._listener.drop(scope["client"])
        await receive()

    def _limit(self, scope: Scope) -> int:
        """Return the maximum body size in bytes; only signed S3 uploads, and states, may be large."""
        if scope["path"] == "/_emulator/state":
            return self._service.max_object_bytes
        signed = _header(scope, b"authorization") or b"X-Amz-" in scope["query_string"]
        if scope["method"] != "PUT" or not signed:
            return _MAX_BODY_BYTES
        return max(_MAX_BODY_BYTES, self._service.max_object_bytes)

    async def _answer(self, request: Request) -> Answer:
        """Answer in the event loop if that is quick, else in a thread."""
        if len(request.body) < _QUICK_BODY_BYTES:
            answer = self._service.answer_at_once(request)
            if answer is not None:
                return answer
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._service.handle, request)


def _request(scope: Scope, body: bytes) -> Request:
    return Request(
        method=scope["method"],
        path=scope["path"],
        query=dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)),
        headers={name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]},
        body=body,
    )


async def _body(scope: Scope, receive: Receive, limit: int) -> bytes | None:
    """
    Return the complete body; None as soon as it is known to exceed *limit* bytes.

    Raises:
        _GoneError: The client disconnected before the body was complete.
        TimeoutError: It paused for too long, or the body took too long.
    """
    clock = asyncio.get_running_loop().time
    end = clock() + BODY_SECONDS
    declared = _header(scope, b"content-length") or b"0"
    if declared.isdigit() and int(declared) > limit:
        return None
    body = bytearray()
    while True:
        async with asyncio.timeout(min(PAUSE_SECONDS, end - clock())):
            message = await receive()
        if message["type"] == "http.disconnect":
            raise _GoneError
        body += message.get("body", b"")
        if len(body) > limit:
            return None
        if not message.get("more_body", False):
            return bytes(body)


def _header(scope: Scope, name: bytes) -> bytes | None:
    return next((value for key, value in scope["headers"] if key == name), None)


async def _send(send: Send, answer: Answer) -> None:
    await send(_head(answer))
    await send({"type": "http.response.body", "body": answer.body})


def _head(answer: Answer) -> MutableMapping[str, Any]:
    headers = {"Content-Length": str(len(answer.body)), **answer.headers}
    return {
        "type": "http.response.start",
        "status": answer.status,
        "headers": [(k.encode("latin-1"), v.encode("latin-1")) for k, v in headers.items()],
    }


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
        server = uvicorn.Server(_config(_Application(service, listener)))
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


def _config(application: _Application) -> uvicorn.Config:
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
