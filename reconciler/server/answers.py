"""Answers in JSON, and their headers."""

from __future__ import annotations

from typing import Any, Final

import orjson
from starlette.responses import Response

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}


def json_answer(document: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    body = orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    return Response(body, status, HEADERS | (headers or {}), "application/json")
