"""The routes and their answers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from difflib import get_close_matches
from typing import Any, Final, Protocol

import orjson
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from reconciler.core.status.suspension import LONGEST_SECONDS, reason_problem
from reconciler.engine.controller.registry import Registry
from reconciler.errors import StateError
from reconciler.server.guarding import HostCheck, Refusal, Secrets, bears, check_push, log_refusal
from reconciler.server.metrics import CONTENT_TYPE, Metrics
from reconciler.server.pages import Pages

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}

MAX_BYTES: Final = 1 << 16
"""The largest body that is kept: a reason, and how long."""

_LONGEST_NUMBER: Final = 10  # digits; Python converts no more than some thousands


class Controls(Protocol):
    """The orders that the controller accepts; every named dataset exists."""

    @property
    def alive(self) -> bool: ...

    def trigger(self, dataset: str | None = None) -> bool: ...

    def poll_source(self) -> None: ...

    def suspend(self, names: Sequence[str], reason: str, seconds: int | None) -> None: ...

    def resume(self, names: Sequence[str]) -> None: ...


def application(
    controls: Controls, registry: Registry, metrics: Metrics, secrets: Secrets, hosts: Collection[str] = ()
) -> ASGIApp:
    """
    Return the application; it holds no state of its own.

    Args:
        hosts: Names that the listener goes by, beside the address that a connection arrived at.
    """
    answers, posts = _Answers(controls, registry, metrics), _Posts(controls, registry, secrets)
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
        ],
        exception_handlers={Refusal: _refused, ClientDisconnect: _refused},
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
        return _json(self._registry.document())


def _probe(good: bool, reason: str) -> Response:
    return PlainTextResponse("ok\n") if good else PlainTextResponse(f"{reason}\n", 503)


class _Posts:
    """The requests that change something: they need a token or a signature."""

    def __init__(self, controls: Controls, registry: Registry, secrets: Secrets) -> None:
        self._controls = controls
        self._registry = registry
        self._secrets = secrets

    async def reconcile(self, request: Request) -> Response:
        """Reconcile the datasets named now, or all. The body is not read."""
        self._authenticate(request)
        names = self._named(request)
        self._check_here(names)
        for name in names or (None,):
            self._controls.trigger(name)
        return self._accepted(names, 202)

    async def suspend(self, request: Request) -> Response:
        """Suspend applying to the datasets named, for the reason in the body."""
        self._authenticate(request)
        names = self._named(request, needed=True)
        reason, seconds = _suspension_in(await _body(request))
        await self._stored(self._controls.suspend, names, reason, seconds)
        return self._accepted(names)

    async def resume(self, request: Request) -> Response:
        """Resume applying to the datasets named, and reconcile them now. The body is not read."""
        self._authenticate(request)
        names = self._named(request, needed=True)
        await self._stored(self._controls.resume, names)
        for name in names:
            self._controls.trigger(name)
        return self._accepted(names)

    async def hook(self, request: Request) -> Response:
        """Poll the source now. The payload is authenticated, and otherwise ignored."""
        await check_push(request, self._secrets)
        self._controls.poll_source()
        return _json({"accepted": "source"}, 202)

    def _authenticate(self, request: Request) -> None:
        if self._secrets.token is None:
            raise Refusal(401, "this controller has no token: start it with --token-file or --token-env")
        if not bears(request, self._secrets.token):
            raise Refusal(401, "a bearer token is needed, and it must be that of the controller")

    def _named(self, request: Request, *, needed: bool = False) -> Sequence[str]:
        """Return the datasets that a request names, each once; none is all, unless names are needed."""
        names = tuple(dict.fromkeys(request.query_params.getlist("dataset")))
        if needed and not names:
            raise Refusal(400, "name the datasets: ?dataset=NAME")
        with self._registry.lock:
            known = sorted(self._registry.states)
        for name in names:
            if name not in known:
                near = get_close_matches(name[:100], known, n=3)
                hint = f" (did you mean {' or '.join(near)}?)" if near else ""
                raise Refusal(404, f"there is no dataset {name[:100]}{hint}")
        return names

    def _check_here(self, names: Sequence[str]) -> None:
        """Refuse datasets of other replicas, which only their owner can reconcile."""
        with self._registry.lock:
            states = [self._registry.states.get(name) for name in names]
        for state in states:
            if state is not None and state.is_elsewhere:
                failure = state.summary and state.summary.failure
                raise Refusal(409, f"{state.name}: {failure.message if failure else 'not of this replica'}")

    async def _stored(self, order: Any, *args: Any) -> None:
        """Carry out an order that writes to the disk, in a thread, so that the probes do not wait."""
        try:
            await run_in_threadpool(order, *args)
        except KeyError as exc:
            raise Refusal(404, f"there is no dataset {exc.args[0]} any more") from exc
        except StateError as exc:
            raise Refusal(503, str(exc)) from exc

    def _accepted(self, names: Sequence[str], status: int = 200) -> Response:
        """Return the accepted order, with the suspension of each dataset named."""
        with self._registry.lock:
            states = [state for name in names if (state := self._registry.states.get(name))]
            datasets = [
                {
                    "name": state.name,
                    "suspended_by_spec": state.suspended,
                    "suspension": state.suspension.document() if state.suspension else None,
                }
                for state in states
            ]
        return _json({"accepted": " ".join(names) or "all", "datasets": datasets}, status)


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_BYTES:
            raise Refusal(413, f"more than {MAX_BYTES} bytes")
    return bytes(body)


def _suspension_in(body: bytes) -> tuple[str, int | None]:
    """Return the reason and the seconds in the body of a request to suspend; see `Suspension`."""
    try:
        found = orjson.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not found.keys() <= {"reason", "for_seconds"}:
        raise Refusal(400, 'the body must be {"reason": TEXT} or {"reason": TEXT, "for_seconds": NUMBER}')
    given, seconds = found.get("reason"), found.get("for_seconds")
    reason = given if isinstance(given, str) else ""
    if problem := reason_problem(reason):
        raise Refusal(400, problem)
    if seconds is not None and (type(seconds) is not int or not 0 < seconds <= LONGEST_SECONDS):
        raise Refusal(400, f"for_seconds must be a whole number from 1 to {LONGEST_SECONDS}")
    return reason.strip(), seconds


async def _refused(request: Request, exc: Exception) -> Response:
    """Log and answer that a request was turned away; without a status, since its client was gone."""
    cut_off = "the connection was closed before the body was whole"
    status, reason = (exc.status, str(exc)) if isinstance(exc, Refusal) else (400, cut_off)
    log_refusal(request.scope, status, reason)
    return _json({"error": reason}, status, {"WWW-Authenticate": "Bearer"} if status == 401 else None)


def _json(document: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    body = orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    return Response(body, status, HEADERS | (headers or {}), "application/json")
