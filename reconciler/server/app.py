"""The routes."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final, Protocol

import orjson
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from reconciler.engine.controller.registry import Registry
from reconciler.server.guarding import HostCheck, Secrets, bears, body_refused, refused
from reconciler.server.metrics import CONTENT_TYPE, Metrics
from reconciler.server.pages import Pages

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

    def poll_source(self) -> None: ...


def application(
    controls: Controls, registry: Registry, metrics: Metrics, secrets: Secrets, hosts: Collection[str] = ()
) -> ASGIApp:
    """
    Return the application; it holds no state of its own.

    Args:
        hosts: Names that the listener goes by, beside the address that a connection arrived at.
    """
    answers = _Answers(controls, registry, metrics, secrets)
    routes = Starlette(
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
    return HostCheck(routes, hosts)


class _Answers:
    def __init__(self, controls: Controls, registry: Registry, metrics: Metrics, secrets: Secrets) -> None:
        self._controls = controls
        self._registry = registry
        self._metrics = metrics
        self._secrets = secrets
        self._pages = Pages(registry)

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
        return _probe(self._controls.alive, "a worker has stopped responding")

    async def readyz(self, _request: Request) -> Response:
        return _probe(self._registry.is_ready(), "not every dataset has been observed yet")

    async def metrics(self, _request: Request) -> Response:
        return Response(self._metrics.text(), media_type=CONTENT_TYPE)

    async def status(self, _request: Request) -> Response:
        return _json(self._registry.document())

    async def reconcile(self, request: Request) -> Response:
        """Reconcile now. The body is not read."""
        if not bears(request, self._secrets.token):
            return _refused(request, 401, "a bearer token is needed", {"WWW-Authenticate": "Bearer"})
        dataset = request.query_params.get("dataset")
        if not self._controls.trigger(dataset):
            return _refused(request, 404, "there is no such dataset")
        return _json({"accepted": dataset or "all"}, 202)

    async def hook(self, request: Request) -> Response:
        """Poll the source now. The payload is authenticated, and otherwise ignored."""
        try:
            refusal = await body_refused(request, self._secrets)
        except ClientDisconnect:
            refusal = (400, "the connection was closed before the body was whole")
        if refusal is not None:
            return _refused(request, *refusal)
        self._controls.poll_source()
        return _json({"accepted": "source"}, 202)


def _probe(good: bool, reason: str) -> Response:
    return PlainTextResponse("ok\n") if good else PlainTextResponse(f"{reason}\n", 503)


def _json(document: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    body = orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    return Response(body, status, _HEADERS | (headers or {}), "application/json")


def _refused(request: Request, status: int, reason: str, headers: dict[str, str] | None = None) -> Response:
    refused(request.scope, status, reason)
    return _json({"error": reason}, status, headers)
