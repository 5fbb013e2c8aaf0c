"""The requests that change something: they need a token or a signature."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any, Final, NamedTuple, Protocol

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from reconciler.core.status.suspension import LONGEST_SECONDS, reason_problem
from reconciler.engine.controller.registry import Registry
from reconciler.errors import StateError
from reconciler.server.guarding import Secrets, bears, body_refused, refused

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}

MOST_BYTES: Final = 1 << 16
"""The largest body that is kept: a reason, and how long."""

_UNCONFIRMED: Final = "the connection was closed before the body was whole"


def json_answer(document: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    body = orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    return Response(body, status, HEADERS | (headers or {}), "application/json")


class Orders(Protocol):
    """What a request may order of the controller; the datasets it names exist."""

    def trigger(self, dataset: str | None = None) -> bool: ...

    def poll_source(self) -> None: ...

    def suspend(self, names: Sequence[str], reason: str, seconds: int | None) -> None: ...

    def resume(self, names: Sequence[str]) -> None: ...


class _Refusal(Exception):
    """A request is answered with this status and reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class _Suspend(NamedTuple):
    """The body of a request to suspend."""

    reason: str
    for_seconds: int | None


class Posts:
    """Answers the posts. Every refusal is one line in the log."""

    def __init__(self, orders: Orders, registry: Registry, secrets: Secrets) -> None:
        self._orders = orders
        self._registry = registry
        self._secrets = secrets

    async def reconcile(self, request: Request) -> Response:
        """Reconcile the datasets named now, or all. The body is not read."""
        try:
            self._authenticate(request)
            names = self._named(request)
            self._check_here(names)
        except _Refusal as exc:
            return _refused(request, exc.status, str(exc))
        for name in names or (None,):
            self._orders.trigger(name)
        return self._accepted(names, 202)

    async def suspend(self, request: Request) -> Response:
        """Suspend applying to the datasets named, for the reason in the body."""
        try:
            self._authenticate(request)
            names = self._named(request, needed=True)
            order = _suspend_of(await _body(request))
            await self._stored(self._orders.suspend, names, order.reason, order.for_seconds)
        except _Refusal as exc:
            return _refused(request, exc.status, str(exc))
        return self._accepted(names)

    async def resume(self, request: Request) -> Response:
        """Resume applying to the datasets named, and reconcile them now. The body is not read."""
        try:
            self._authenticate(request)
            names = self._named(request, needed=True)
            await self._stored(self._orders.resume, names)
            for name in names:
                self._orders.trigger(name)
        except _Refusal as exc:
            return _refused(request, exc.status, str(exc))
        return self._accepted(names)

    async def hook(self, request: Request) -> Response:
        """Poll the source now. The payload is authenticated, and otherwise ignored."""
        try:
            refusal = await body_refused(request, self._secrets)
        except ClientDisconnect:
            refusal = (400, _UNCONFIRMED)
        if refusal is not None:
            return _refused(request, *refusal)
        self._orders.poll_source()
        return json_answer({"accepted": "source"}, 202)

    def _authenticate(self, request: Request) -> None:
        if self._secrets.token is None:
            raise _Refusal(401, "this controller has no token: start it with --token-file or --token-env")
        if not bears(request, self._secrets.token):
            raise _Refusal(401, "a bearer token is needed, and it must be that of the controller")

    def _named(self, request: Request, *, needed: bool = False) -> Sequence[str]:
        """Return the datasets that a request names, each once; none is all, unless names are needed."""
        names = tuple(dict.fromkeys(request.query_params.getlist("dataset")))
        if needed and not names:
            raise _Refusal(400, "name the datasets: ?dataset=NAME")
        with self._registry.lock:
            known = sorted(self._registry.states)
        for name in names:
            if name not in known:
                near = get_close_matches(name[:100], known, n=3)
                hint = f" (did you mean {' or '.join(near)}?)" if near else ""
                raise _Refusal(404, f"there is no dataset {name[:100]}{hint}")
        return names

    def _check_here(self, names: Sequence[str]) -> None:
        """Refuse datasets of other replicas, which only their owner can reconcile."""
        with self._registry.lock:
            states = [self._registry.states.get(name) for name in names]
        for state in states:
            if state is not None and state.is_elsewhere:
                failure = state.summary and state.summary.failure
                raise _Refusal(409, f"{state.name}: {failure.message if failure else 'not of this replica'}")

    async def _stored(self, order: Any, *args: Any) -> None:
        """Carry out an order that writes to the disk, in a thread, so that the probes do not wait."""
        try:
            await run_in_threadpool(order, *args)
        except KeyError as exc:
            raise _Refusal(404, f"there is no dataset {exc.args[0]} any more") from exc
        except StateError as exc:
            raise _Refusal(503, str(exc)) from exc

    def _accepted(self, names: Sequence[str], status: int = 200) -> Response:
        """Return what was accepted, with the suspension of each dataset named."""
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
        return json_answer({"accepted": " ".join(names) or "all", "datasets": datasets}, status)


async def _body(request: Request) -> bytes:
    body = bytearray()
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > MOST_BYTES:
                raise _Refusal(413, f"more than {MOST_BYTES} bytes")
    except ClientDisconnect as exc:
        raise _Refusal(400, _UNCONFIRMED) from exc
    return bytes(body)


def _suspend_of(body: bytes) -> _Suspend:
    """Read the body of a request to suspend; for what it leaves open, see `Suspension`."""
    try:
        found = orjson.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not found.keys() <= {"reason", "for_seconds"}:
        raise _Refusal(400, 'the body must be {"reason": TEXT} or {"reason": TEXT, "for_seconds": NUMBER}')
    given, seconds = found.get("reason"), found.get("for_seconds")
    reason = given if isinstance(given, str) else ""
    if problem := reason_problem(reason):
        raise _Refusal(400, problem)
    if seconds is not None and (type(seconds) is not int or not 0 < seconds <= LONGEST_SECONDS):
        raise _Refusal(400, f"for_seconds must be a whole number from 1 to {LONGEST_SECONDS}")
    return _Suspend(reason.strip(), seconds)


def _refused(request: Request, status: int, reason: str) -> Response:
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    refused(request.scope, status, reason)
    return json_answer({"error": reason}, status, headers)
