"""Post JSON over HTTP with urllib3: one attempt, a deadline, no redirects."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from time import time
from typing import Any, Final
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError, LocationValueError, MaxRetryError

from reconciler import __version__
from reconciler.answers import limit_answers
from reconciler.ports import Delivery, Receipt
from reconciler.redact import redacted

CONNECT_SECONDS: Final = 5.0
READ_SECONDS: Final = 15.0
_MAX_BYTES: Final = 4_096
_MAX_CHARACTERS: Final = 200

# The same request would be refused again. Any other answer may be cured from outside: a token, a right, a limit.
_REFUSED: Final = frozenset({400, 405, 410, 413, 414, 415, 422})


def post(
    url: str,
    document: Mapping[str, Any],
    headers: Mapping[str, str],
    accepted: Callable[[int, str], bool] = lambda status, _: 200 <= status < 300,
) -> Delivery:
    """
    Post a document once.

    Redirects are not followed: what the headers hold is for this address alone.

    Args:
        accepted: Judges the status and the message of the answer.
    """
    limit_answers()
    body = json.dumps(document, ensure_ascii=False).encode()
    headers = {"User-Agent": f"reconciler/{__version__}", "Content-Type": "application/json", **headers}
    timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
    try:
        with (
            _pool(url) as pool,
            pool.request(
                "POST", url, body=body, headers=headers, timeout=timeout, retries=False, redirect=False,
                preload_content=False,
            ) as answer,
        ):  # fmt: skip
            is_done = 200 <= answer.status < 300  # the body may be of any length, and is not needed
            message = "" if is_done else _message(answer.read(_MAX_BYTES, decode_content=True))
            return _delivery(answer, message, accepted)
    except LocationValueError as exc:
        return Delivery(Receipt.REFUSED, f"the address cannot be used ({type(exc).__name__})")
    except (HTTPError, OSError) as exc:
        return Delivery(Receipt.FAILED, f"no answer ({type(_cause(exc)).__name__})")


def _pool(url: str) -> urllib3.PoolManager:
    """Return a pool of connections, through the proxy that the environment names for the host."""
    parts = urlsplit(url)
    proxy = urllib.request.getproxies().get(parts.scheme)
    if (
        proxy is None
        or _is_loopback(parts.hostname or "")
        or urllib.request.proxy_bypass(parts.hostname or "")
    ):
        return urllib3.PoolManager(num_pools=1)
    return urllib3.ProxyManager(proxy, num_pools=1)


def _is_loopback(host: str) -> bool:
    return host in ("localhost", "::1") or host.startswith("127.")


def _delivery(
    answer: urllib3.BaseHTTPResponse, message: str, accepted: Callable[[int, str], bool]
) -> Delivery:
    if accepted(answer.status, message):
        return Delivery(Receipt.SENT)
    reason = f"HTTP {answer.status}" + (f": {message}" if message else "")
    if 300 <= answer.status < 400:
        reason = f"HTTP {answer.status}: redirects are not followed; give the address it leads to"
    receipt = Receipt.REFUSED if answer.status in _REFUSED else Receipt.FAILED
    return Delivery(receipt, reason, _retry_after(answer.headers.get("Retry-After")))


def _message(body: bytes) -> str:
    """Return the error message of a JSON answer of GitHub or GitLab; empty if there is none."""
    try:
        found = json.loads(body)
        text = found.get("message") or found.get("error") or ""
    except (ValueError, AttributeError, RecursionError):
        return ""
    text = text if isinstance(text, str) else json.dumps(text)
    return redacted(" ".join(text.split()))[:_MAX_CHARACTERS]


def _retry_after(text: str | None) -> float | None:
    """Return the seconds of a Retry-After, which is a number or a date."""
    if not text:
        return None
    try:
        return float(text) if text.isdecimal() else parsedate_to_datetime(text).timestamp() - time()
    except (ValueError, OverflowError):
        return None


def _cause(exc: Exception) -> BaseException:
    return exc.reason if isinstance(exc, MaxRetryError) and exc.reason else exc
