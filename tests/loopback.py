"""Services on the loopback that answer what a test tells them to."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
