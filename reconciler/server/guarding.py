"""Access control: names of this host, tokens and signatures. Every refusal is one line in the log."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from reconciler.engine.log import log

MAX_BODY_BYTES: Final = 25 << 20
"""GitHub's largest payload. It is only weighed, as it streams, and never kept."""

MAX_DRAINED_BYTES: Final = 64 << 20
"""A body somewhat above the limit is read to its end: else the client would not read the answer."""

PROBES: Final = frozenset({"/livez", "/readyz", "/metrics"})
"""The kubelet and Prometheus ask by the pod's address, and learn nothing that a browser could be led to steal."""

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_SIGNATURES: Final[Mapping[str, str]] = {
    "x-hub-signature-256": "sha256=",  # GitHub, and Gitea beside its own
    "x-hub-signature": "sha256=",  # Bitbucket; elsewhere sha1, which is not taken
    "x-gitea-signature": "",
    "x-forgejo-signature": "",
}
_TOKEN: Final = "x-gitlab-token"  # noqa: S105  the name of a header


@dataclass(frozen=True, slots=True)
class Secrets:
    """
    The secrets that authenticate POST requests; without one, such requests are refused.

    Attributes:
        token: Of POST /reconcile, as a bearer token; POST /hooks/git takes it as well.
        webhook: Of POST /hooks/git, as the key of a signature or as GitLab's token.
    """

    token: bytes | None = None
    webhook: bytes | None = None


def bears(request: Request, token: bytes | None) -> bool:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if token is None or scheme.lower() != "bearer":
        return False
    return hmac.compare_digest(given.strip().encode("latin-1"), token)


class Refusal(Exception):
    """A request is answered with this status and reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


async def check_push(request: Request, secrets: Secrets) -> None:
    """
    Check that a push event may be let in. Its body is not kept.

    Raises:
        Refusal: It may not.
        ClientDisconnect: The client closed the connection.
    """
    too_large = Refusal(413, f"more than {MAX_BODY_BYTES} bytes")
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > MAX_DRAINED_BYTES:
        raise too_large
    weighed = hmac.new(secrets.webhook or b"", digestmod=hashlib.sha256)
    signed = secrets.webhook is not None and any(name in request.headers for name in _SIGNATURES)
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if signed and size <= MAX_BODY_BYTES:
            weighed.update(piece)
        if size > MAX_DRAINED_BYTES:
            break
    if size > MAX_BODY_BYTES:
        raise too_large
    if bears(request, secrets.token):
        return
    if secrets.webhook is None:
        raise Refusal(401, "the signature cannot be checked: there is no webhook secret")
    if signed and _is_signed(request.headers, weighed.hexdigest()):
        return
    if not hmac.compare_digest(request.headers.get(_TOKEN, "").encode("latin-1"), secrets.webhook):
        raise Refusal(401, "the signature is missing or wrong")


def _is_signed(headers: Headers, expected: str) -> bool:
    return any(
        hmac.compare_digest(value.lower().encode("latin-1", "replace"), (prefix + expected).encode())
        for name, prefix in _SIGNATURES.items()
        for value in headers.getlist(name)
    )


def log_refusal(scope: Mapping[str, Any], status: int, reason: str) -> None:
    """Log that a request was turned away."""
    client = scope.get("client")
    log.warning(
        "request.refused",
        method=scope["method"],
        path=scope["path"][:200],
        status=status,
        reason=reason,
        client=client[0] if client else None,
    )


class HostCheck:
    """
    ASGI middleware that answers 421 to a name that is not this listener's.

    A page from elsewhere, open in a browser, may have its own name lead to this address, and would be let in with
    it. Probes are exempt, and so are posts, which need a secret.

    Args:
        names: Names that this listener goes by, beside the address that a connection arrived at.
    """

    def __init__(self, app: ASGIApp, names: Collection[str]) -> None:
        self._app = app
        self._names = frozenset(map(host_of, names)) - {"", "0.0.0.0", "::"}  # noqa: S104  not bound to here

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] == "POST" or scope["path"] in PROBES:
            await self._app(scope, receive, send)
            return
        host = host_of(Headers(scope=scope).get("host", ""))
        if host in self._names or host in _own(scope):
            await self._app(scope, receive, send)
            return
        log_refusal(scope, 421, f"not a name of this listener: {host[:100]!r}; see --allow-host")
        answer = PlainTextResponse("unknown host name\n", 421)
        await answer(scope, receive, send)


def _own(scope: Scope) -> Iterable[str]:
    """Return the names of the address that a connection arrived at."""
    server = scope.get("server")
    if not server:
        return ()
    address = host_of(str(server[0]))
    try:
        return {address, *_LOOPBACK} if ip_address(address).is_loopback else {address}
    except ValueError:
        return ()


def host_of(text: str) -> str:
    """Return the host of HOST, HOST:PORT or [IPV6]:PORT, in its plainest form."""
    text = text.strip().lower()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text)
    except ValueError:
        return text.removesuffix(".")
    mapped = getattr(found, "ipv4_mapped", None)
    return str(mapped or found)
