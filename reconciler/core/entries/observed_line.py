"""
Read lines as the service lists them.

A line that cannot be read, such as one with the number ``1e999``, still proves that its image has an entry. It
is read as one that holds its own text and an error of the service, so that it equals no desired line.

A line that names no image in S3 proves nothing. The service stores none ("Terminal JSON line content errors": a
line whose ``source-ref`` is missing or has an invalid format is removed), so an answer that holds one says nothing
about what is absent.
"""

from __future__ import annotations

import re
from typing import Final, TypeGuard

import orjson

from reconciler.core.entries.entry import SOURCE_REF, BadLine, Fields, canonical, error_codes
from reconciler.errors import UnknownAnswer

UNREADABLE: Final = "cl-unreadable"
"""The key of a line that could not be read, with its text."""

CODE: Final = "ERROR_INVALID_JSON_LINE"

# What gives a text its depth; a string without an end is the rest of the text.
_TOKEN: Final = re.compile(rb'[{}\[\]]|"(?:[^"\\]|\\.)*+(?:"|\Z)', re.DOTALL)
_NAME: Final = re.compile(rb'"source-ref"\s*+:\s*+("(?:[^"\\]|\\.)*+")', re.DOTALL)

# Whether the service takes the scheme in capitals is not documented.
_ADDRESS: Final = re.compile(r"[sS]3://[^/]")

_SHOWN: Final = 80  # bytes of a line that an error quotes

# Fewer brackets cannot be nested too deeply to be compared.
_SHALLOW: Final = 250


def parse_observed(raw: bytes) -> Fields:
    """
    Parse a listed line; takes what `orjson.loads` takes for any that can be read.

    Raises:
        UnknownAnswer: It is not a JSON object, or names no image and has no error list to say why.
    """
    try:
        fields = orjson.loads(raw)
        if raw.count(b"[") + raw.count(b"{") > _SHALLOW:
            canonical(fields)
    except (orjson.JSONDecodeError, BadLine) as exc:
        return _unreadable(raw, exc)
    if not isinstance(fields, dict):
        raise UnknownAnswer("a listed line is not a JSON object")
    if not _is_address(fields.get(SOURCE_REF)):
        if not error_codes(fields):
            raise UnknownAnswer(f"a listed line names no image: {raw[:_SHOWN].decode(errors='replace')}")
        fields.pop(SOURCE_REF, None)
    return fields


def _is_address(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and _ADDRESS.match(value) is not None


def _unreadable(raw: bytes, exc: ValueError | BadLine) -> Fields:
    source_ref = _source_ref(raw)
    if source_ref is None:
        raise UnknownAnswer(f"a listed line is not JSON: {exc}") from exc
    return {
        SOURCE_REF: source_ref,
        UNREADABLE: raw.decode(errors="replace"),
        "cl-errors": [{"code": CODE, "message": f"The line cannot be read: {exc}"}],
    }


def _source_ref(raw: bytes) -> str | None:
    """Return the source-ref at the top of a text that resembles a JSON object; None if there is none."""
    depth, found = 0, None
    for token in _TOKEN.finditer(raw):
        match token[0]:
            case b"{" | b"[":
                depth += 1
            case b"}" | b"]":
                depth -= 1
            case _ if depth == 1:
                found = _NAME.match(raw, token.start()) or found  # the last of several, as a parser does
    try:
        name = orjson.loads(found[1]) if found and raw.lstrip()[:1] == b"{" else None
    except orjson.JSONDecodeError:  # a surrogate
        return None
    return name if _is_address(name) else None
