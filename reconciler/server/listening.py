"""Serve an application from a thread, until the block is left."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import anyio.to_thread
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

REQUEST_SECONDS = 10.0
"""How long a request may take to arrive."""

RESPONSE_SECONDS = 60.0
"""How long an answer may take to be fetched: a report has some megabytes."""

PAGE_THREADS = 4
"""How many pages are rendered at once."""

MAX_CONNECTIONS = 256
"""Beyond it the connection that has been idle for longest is closed, never the newest."""


class _WithTimeouts(H11Protocol):
    """
    A connection that is closed if no whole request arrives, or its answer is not fetched.

    Else some dozens of silent connections would take all there are, and the probes would fail.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._timeout = self.loop.call_later(REQUEST_SECONDS, self._give_up)
        if len(self.connections) > MAX_CONNECTIONS:
            self._make_room()

    def on_response_complete(self) -> None:
        self._timeout.cancel()
        super().on_response_complete()
        self._timeout = self.loop.call_later(REQUEST_SECONDS, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        self._timeout.cancel()
        super().connection_lost(exc)

    @property
    def _is_answering(self) -> bool:
        """Return whether a whole request has arrived, and its answer is not sent completely."""
        # None before the first request, whatever uvicorn says.
        cycle: RequestResponseCycle | None = self.cycle
        return not (cycle is None or cycle.response_complete or cycle.more_body)

    def _give_up(self) -> None:
        if self._is_answering:
            self._timeout = self.loop.call_later(RESPONSE_SECONDS, self.transport.abort)
        else:
            self.transport.abort()

    def _make_room(self) -> None:
        """Close the connection whose timeout comes first; one that is being answered only if all are."""
        open_ones = (one for one in self.connections if not one.transport.is_closing())
        others = [one for one in open_ones if isinstance(one, _WithTimeouts) and one is not self]
        oldest = min(others, key=lambda one: (one._is_answering, one._timeout.when()), default=self)
        oldest.transport.abort()


class _Quiet(uvicorn.Server):
    """A server that leaves the process's signals alone."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _served(server: uvicorn.Server, listener: socket.socket) -> None:
    # The threads that pages are rendered in: more would only keep the probes from the interpreter.
    anyio.to_thread.current_default_thread_limiter().total_tokens = PAGE_THREADS
    await server.serve(sockets=[listener])


@contextmanager
def listening(app: Any, host: str, port: int) -> Iterator[str]:
    """
    Serve *app* within the block, and yield its URL.

    Raises:
        OSError: The address cannot be taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    config = uvicorn.Config(
        app,
        loop="asyncio",
        http=_WithTimeouts,
        ws="none",
        lifespan="off",
        access_log=False,
        server_header=False,
        log_config=None,
        log_level="critical",
        timeout_keep_alive=5,
        timeout_graceful_shutdown=1,
    )
    with socket.create_server((host, port), family=family, backlog=128) as listener:
        server = _Quiet(config)
        work = _served(server, listener)
        thread = threading.Thread(target=asyncio.run, args=(work,), name="http", daemon=True)
        thread.start()
        shown = f"[{host}]" if ":" in host else host
        try:
            yield f"http://{shown}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(3)
