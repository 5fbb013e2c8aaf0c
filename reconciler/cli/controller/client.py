"""Talk to a running controller over HTTP, with the standard library: one request, no redirects, a deadline."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections.abc import Sequence
from http.client import HTTPException, HTTPMessage
from ipaddress import ip_address
from typing import IO, Any, Final, NoReturn
from urllib.parse import urlencode, urlsplit

from reconciler.answers import limit_answers
from reconciler.core.status.suspension import SuspensionState
from reconciler.errors import ControllerRefused, ControllerUnavailable, UsageError
from reconciler.reports.visible import shortened, visible

TOKEN_VARIABLE: Final = "RECONCILER_TOKEN"  # noqa: S105  the name of a variable
TIMEOUT_SECONDS: Final = 10.0
_MAX_BYTES: Final = 1 << 22
_MAX_CHARACTERS: Final = 300
_REFUSED: Final = (401, 403)
_NOT_ALLOWED: Final = frozenset({400, 404, 413})
"""Statuses with which a controller answers that an order itself cannot be carried out."""


def order(
    server: str, what: str, names: Sequence[str], body: dict[str, object] | None = None
) -> Sequence[SuspensionState]:
    """
    Post an order to a controller, and return what it answers about the datasets named.

    Args:
        server: The URL of the controller, without a slash at its end.
        what: The path of the order, such as ``suspend``.

    Raises:
        ControllerRefused: There is no token, or the controller does not accept it.
        ControllerUnavailable: There is no answer, or none of a controller.
        UsageError: The controller answers that the order cannot be carried out, such as for an unknown dataset.
    """
    limit_answers()
    request = urllib.request.Request(  # noqa: S310  the flag accepts http and https only
        f"{server}/{what}?{urlencode([('dataset', name) for name in names])}",
        data=json.dumps(body or {}).encode(),
        headers={"Authorization": f"Bearer {_token()}", "Content-Type": "application/json"},
    )
    try:
        with _opener(server).open(request, timeout=TIMEOUT_SECONDS) as answer:
            return _understood(server, answer.read(_MAX_BYTES))
    except urllib.error.HTTPError as exc:
        with exc:
            _raise(server, exc.code, exc)
    except (OSError, HTTPException) as exc:
        why = exc.reason if isinstance(exc, urllib.error.URLError) else exc
        raise ControllerUnavailable(f"{server}: {_one_line(str(why) or type(why).__name__)}") from exc


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect is an error: the token is for this server alone."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> None:
        del req, fp, code, msg, headers, newurl


def _opener(server: str) -> urllib.request.OpenerDirector:
    """Return the opener of the URL; a proxy of the environment neither reaches this machine nor gets the token."""
    direct = [urllib.request.ProxyHandler({})] if _is_loopback(urlsplit(server).hostname or "") else []
    return urllib.request.build_opener(_NoRedirects, *direct)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _token() -> str:
    token = os.environ.get(TOKEN_VARIABLE, "").strip()
    if not token:
        raise ControllerRefused(f"{TOKEN_VARIABLE} is not set: it must hold the token of the controller")
    if not (token.isascii() and token.isprintable()):
        raise ControllerRefused(f"{TOKEN_VARIABLE} holds characters that no token has")
    return token


def _raise(server: str, status: int, answer: IO[bytes]) -> NoReturn:
    """Raise the error for an HTTP status, with the reason that the controller gives."""
    try:
        found = json.loads(answer.read(_MAX_BYTES))
        why = found["error"] if isinstance(found["error"], str) else None
    except (OSError, HTTPException, ValueError, LookupError, TypeError):
        why = None
    reason = _one_line(why) if why else None
    if status in _REFUSED:
        raise ControllerRefused(f"{server}: {reason or f'status {status}: {TOKEN_VARIABLE} is not accepted'}")
    if reason is None:
        raise ControllerUnavailable(f"{server}: answers with status {status}: no controller, or an older one")
    if status in _NOT_ALLOWED:
        raise UsageError(f"{server}: {reason}")
    raise ControllerUnavailable(f"{server}: {reason}")


def _understood(server: str, body: bytes) -> Sequence[SuspensionState]:
    try:
        return [_suspended(dataset) for dataset in json.loads(body)["datasets"]]
    except (ValueError, LookupError, TypeError, AttributeError) as exc:
        start = _one_line(body[:_MAX_CHARACTERS].decode(errors="replace"))
        raise ControllerUnavailable(f"{server}: not the answer of a controller: {start!r}") from exc


def _suspended(dataset: dict[str, Any]) -> SuspensionState:
    suspension = dataset["suspension"] or {}
    name, reason, until = dataset["name"], suspension.get("reason"), suspension.get("until")
    if not all(one is None or isinstance(one, str) for one in (reason, until)) or not isinstance(name, str):
        raise TypeError("not of the shape that a controller gives")
    return SuspensionState(name, dataset["suspended_by_spec"] is True, reason, until)


def _one_line(text: str) -> str:
    return shortened(visible(text), _MAX_CHARACTERS)
