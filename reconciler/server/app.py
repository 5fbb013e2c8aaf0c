"""The routes."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Any, Final, Protocol

import orjson
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from reconciler.engine.board import Board
from reconciler.server.metrics import CONTENT_TYPE, Metrics
from reconciler.server.pages import Pages

MAX_BODY_BYTES: Final = 1 << 20
"""GitHub's largest payload is 25 MB; ours is only weighed, so what is larger than this is not a push."""

_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}


class Controls(Protocol):
    """What may be asked of the controller."""

    @property
    def alive(self) -> bool: ...

    def trigger(self, dataset: str | None = None) -> bool: ...


@dataclass(frozen=True, slots=True)
class Secrets:
    """
    What posts are let in with; None lets none in.

    Attributes:
        token: Of POST /reconcile, as a bearer token.
        webhook: Of POST /hooks/git, as the key of a signature.
    """

    token: bytes | None = None
    webhook: bytes | None = None


def application(controls: Controls, board: Board, metrics: Metrics, secrets: Secrets) -> Starlette:
    """Return the application; it holds no state of its own."""
    answers = _Answers(controls, board, metrics, secrets)
    return Starlette(
        routes=[
            Route("/", answers.index),
            Route("/dataset/{name}", answers.dataset),
            Route("/drift/{name}", answers.drift),
            Route("/favicon.ico", answers.icon),
            Route("/livez", answers.livez),
            Route("/readyz", answers.readyz),
            Route("/metrics", answers.metrics),
            Route("/status", answers.status),
            Route("/reconcile", answers.reconcile, methods=["POST"]),
            Route("/hooks/git", answers.hook, methods=["POST"]),
        ]
    )


class _Answers:
    def __init__(self, controls: Controls, board: Board, metrics: Metrics, secrets: Secrets) -> None:
        self._controls = controls
        self._board = board
        self._metrics = metrics
        self._secrets = secrets
        self._pages = Pages(board)

    # Pages are rendered in threads of their own: a large one does not keep the probes waiting.

    def index(self, _request: Request) -> Response:
        return HTMLResponse(self._pages.index(), headers=self._pages.headers)

    def dataset(self, request: Request) -> Response:
        html = self._pages.dataset(request.path_params["name"])
        return self._missing() if html is None else HTMLResponse(html, headers=self._pages.headers)

    def drift(self, request: Request) -> Response:
        match self._pages.drift(request.path_params["name"]):
            case None:
                return self._missing()
            case str() as html:
                return HTMLResponse(html, headers=self._pages.headers)
            case pieces:
                return StreamingResponse(pieces, 200, self._pages.report_headers, "text/html; charset=utf-8")

    async def icon(self, _request: Request) -> Response:
        return Response(status_code=204, headers=_HEADERS)

    def _missing(self) -> Response:
        return HTMLResponse(self._pages.missing(), 404, self._pages.headers)

    async def livez(self, _request: Request) -> Response:
        return _probe(self._controls.alive, "a worker has fallen silent")

    async def readyz(self, _request: Request) -> Response:
        return _probe(self._board.is_ready(), "not every dataset has been looked at yet")

    async def metrics(self, _request: Request) -> Response:
        return Response(self._metrics.text(), media_type=CONTENT_TYPE)

    async def status(self, _request: Request) -> Response:
        return _json(self._board.document())

    async def reconcile(self, request: Request) -> Response:
        """Look now. The body is not read."""
        given = request.headers.get("authorization", "").encode()
        expected = self._secrets.token
        if expected is None or not hmac.compare_digest(given, b"Bearer " + expected):
            return _json({"error": "a bearer token is needed"}, 401, {"WWW-Authenticate": "Bearer"})
        dataset = request.query_params.get("dataset")
        if not self._controls.trigger(dataset):
            return _json({"error": "there is no such dataset"}, 404)
        return _json({"accepted": dataset or "all"}, 202)

    async def hook(self, request: Request) -> Response:
        """Look now. What the payload says is not believed, only that somebody who knows the secret sent it."""
        body = await _bounded(request)
        if body is None:
            return _json({"error": f"more than {MAX_BODY_BYTES} bytes"}, 413)
        key = self._secrets.webhook
        given = request.headers.get("x-hub-signature-256", "").encode()
        expected = b"sha256=" + hmac.new(key or b"", body, hashlib.sha256).hexdigest().encode()
        if not hmac.compare_digest(given, expected) or key is None:
            return _json({"error": "the signature is missing or wrong"}, 401)
        self._controls.trigger(None)
        return _json({"accepted": "all"}, 202)


def _probe(good: bool, reason: str) -> Response:
    return PlainTextResponse("ok\n") if good else PlainTextResponse(f"{reason}\n", 503)


def _json(document: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    body = orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    return Response(body, status, _HEADERS | (headers or {}), "application/json")


async def _bounded(request: Request) -> bytes | None:
    """Return the body; None if it is longer than allowed, however long it says it is."""
    body = bytearray()
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > MAX_BODY_BYTES:
                return None
    except ClientDisconnect:
        return None
    return bytes(body)
