"""The routes."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, Protocol

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from reconciler.engine.controller.registry import Registry
from reconciler.server.guarding import HostCheck, Secrets
from reconciler.server.metrics import CONTENT_TYPE, Metrics
from reconciler.server.pages import Pages
from reconciler.server.posts import HEADERS, Orders, Posts, json_answer

_LONGEST_NUMBER: Final = 10  # digits; Python converts no more than some thousands


class Controls(Orders, Protocol):
    """What may be asked of the controller."""

    @property
    def alive(self) -> bool: ...


def application(
    controls: Controls, registry: Registry, metrics: Metrics, secrets: Secrets, hosts: Collection[str] = ()
) -> ASGIApp:
    """
    Return the application; it holds no state of its own.

    Args:
        hosts: Names that the listener goes by, beside the address that a connection arrived at.
    """
    answers, posts = _Answers(controls, registry, metrics), Posts(controls, registry, secrets)
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
            Route("/reconcile", posts.reconcile, methods=["POST"]),
            Route("/suspend", posts.suspend, methods=["POST"]),
            Route("/resume", posts.resume, methods=["POST"]),
            Route("/hooks/git", posts.hook, methods=["POST"]),
        ]
    )
    return HostCheck(routes, hosts)


class _Answers:
    def __init__(self, controls: Controls, registry: Registry, metrics: Metrics) -> None:
        self._controls = controls
        self._registry = registry
        self._metrics = metrics
        self._pages = Pages(registry)

    # Pages are rendered in threads of their own: a large one does not keep the probes waiting.

    def index(self, request: Request) -> Response:
        asked = request.query_params
        html = self._pages.index(asked.get("state", ""), asked.get("q", "").strip(), asked.get("group", ""))
        return HTMLResponse(html, headers=self._pages.headers)

    def dataset(self, request: Request) -> Response:
        page = request.query_params.get("page", "")
        number = int(page) if page.isdecimal() and len(page) < _LONGEST_NUMBER else 1
        html = self._pages.dataset(request.path_params["name"], number)
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
        return Response(status_code=204, headers=HEADERS)

    def _missing(self) -> Response:
        return HTMLResponse(self._pages.missing(), 404, self._pages.headers)

    async def livez(self, _request: Request) -> Response:
        return _probe(self._controls.alive, "a worker has stopped responding")

    async def readyz(self, _request: Request) -> Response:
        return _probe(self._registry.is_ready(), "not every dataset has been observed yet")

    async def metrics(self, _request: Request) -> Response:
        return Response(self._metrics.text(), media_type=CONTENT_TYPE)

    async def status(self, _request: Request) -> Response:
        return json_answer(self._registry.document())


def _probe(good: bool, reason: str) -> Response:
    return PlainTextResponse("ok\n") if good else PlainTextResponse(f"{reason}\n", 503)
