"""Services on the loopback that answer what a test tells them to."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@contextmanager
def listening(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serve on a free port, and give the URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True  # a client may keep its connection for longer than the test lasts
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Quiet(BaseHTTPRequestHandler):
    """Keeps connections open, and writes no log."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def reply(self, body: bytes, code: int = 200, kind: str = "application/json", missing: int = 0) -> None:
        """Send an answer, of which *missing* bytes are promised and not sent."""
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body) + missing))
        self.end_headers()
        self.wfile.write(body)


def dripping(*, head: bool, ended: threading.Event) -> type[BaseHTTPRequestHandler]:
    """Make a handler whose answers never end: a byte every few milliseconds, of the headers or of the body."""

    class Handler(Quiet):
        def handle_any(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.1\r\n")
            self.wfile.write(b"X-Long: " if head else b"Content-Length: 100000\r\n\r\n")
            with suppress(OSError):  # the client is gone
                while not ended.wait(0.02):
                    self.wfile.write(b" ")

        do_GET = do_POST = do_PUT = handle_any  # noqa: N815  as the standard library wants them

    return Handler


def flooding(*, head: bool) -> type[BaseHTTPRequestHandler]:
    """Make a handler whose answers never end, and come as fast as they are taken."""
    unit = b"HTTP/1.1 100 Continue\r\n\r\n" * 1000 if head else b"10000\r\n" + b" " * 65536 + b"\r\n"

    class Handler(Quiet):
        def do_GET(self) -> None:
            if not head:
                self.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            with suppress(OSError):  # the client is gone
                while True:
                    self.wfile.write(unit)

    return Handler


@contextmanager
def endless(*, head: bool) -> Iterator[str]:
    """Serve answers that never end, and give the URL."""
    ended = threading.Event()
    with listening(dripping(head=head, ended=ended)) as url:
        try:
            yield url
        finally:
            ended.set()


def api(answer: Callable[[str, str, str, Any], tuple[int, Any]]) -> type[BaseHTTPRequestHandler]:
    """Make a handler of JSON from a function of method, path, authorization and body."""

    class Handler(Quiet):
        def handle_any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            code, document = answer(self.command, self.path, self.headers["Authorization"], body)
            self.reply(json.dumps(document).encode(), code)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815  as the standard library wants them

    return Handler
