"""S3 operations on single objects."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from reconciler.emulator import xml
from reconciler.emulator.access import Caller
from reconciler.emulator.errors import ServiceError
from reconciler.emulator.http import Answer, Request
from reconciler.emulator.s3 import chunked
from reconciler.emulator.s3.answers import answer, http_date
from reconciler.emulator.s3.buckets import own
from reconciler.emulator.storage import objects
from reconciler.emulator.storage.context import Context

_RANGE: Final = re.compile(r"bytes=([0-9]{0,99})-([0-9]{0,99})")
_MAX_KEY_BYTES: Final = 1024
_MOST_DELETED: Final = 1000
_META: Final = "x-amz-meta-"


def put_object(context: Context, caller: Caller, request: Request, name: str, key: str) -> Answer:
    own(context, caller, name)
    require_key(key)
    headers = request.headers
    require_free(headers, objects.find(context.store, name, key))
    body = chunked.decode(headers, request.body)
    etag = objects.put(context.store, name, key, body, *described(headers), context.clock.now())
    return Answer(200, headers={"ETag": f'"{etag}"'})


def get_object(context: Context, caller: Caller, request: Request, name: str, key: str) -> Answer:
    own(context, caller, name)
    row = objects.find(context.store, name, key)
    if row is None:
        raise ServiceError("NoSuchKey", "The specified key does not exist.", 404)
    if "if-match" in request.headers and not _names(request.headers["if-match"], row["etag"]):
        raise _precondition_failed()
    if _names(request.headers.get("if-none-match", ""), row["etag"]):
        return Answer(HTTPStatus.NOT_MODIFIED, headers={"ETag": f'"{row["etag"]}"'})
    headers = {
        "ETag": f'"{row["etag"]}"',
        "Last-Modified": http_date(row["modified"]),
        "Content-Type": row["type"],
        "Accept-Ranges": "bytes",
    }
    headers |= {f"{_META}{k}": v for k, v in json.loads(row["metadata"]).items()}
    part = _range(request.headers.get("range", ""), row["size"])
    start, length = part or (0, row["size"])
    if part is not None:
        headers["Content-Range"] = f"bytes {start}-{start + length - 1}/{row['size']}"
    status = HTTPStatus.OK if part is None else HTTPStatus.PARTIAL_CONTENT
    if request.method == "HEAD":
        return Answer(status, headers=headers | {"Content-Length": str(length)})
    return Answer(status, objects.body(context.store, row["id"], start, length), headers)


def delete_object(context: Context, caller: Caller, _: Request, name: str, key: str) -> Answer:
    own(context, caller, name)
    context.store.db.execute("DELETE FROM objects WHERE bucket = ? AND key = ?", (name, key))
    return Answer(204)


def delete_objects(context: Context, caller: Caller, request: Request, name: str, _: str) -> Answer:
    own(context, caller, name)
    asked = xml.read(request.body)
    keys = [key.text or "" for key in asked.findall("{*}Object/{*}Key")]
    if not 0 < len(keys) <= _MOST_DELETED or asked.find("{*}Object/{*}VersionId") is not None:
        raise ServiceError("MalformedXML", "The XML you provided was not well-formed.")
    with context.store.transaction() as db:
        db.executemany("DELETE FROM objects WHERE bucket = ? AND key = ?", [(name, key) for key in keys])
    quiet = asked.findtext("{*}Quiet") == "true"
    return answer("DeleteResult", [("Deleted", [("Key", key)]) for key in keys if not quiet])


def require_key(key: str) -> None:
    if len(key.encode()) > _MAX_KEY_BYTES:
        raise ServiceError("KeyTooLongError", "Your key is too long")


def described(headers: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """Return the content type and user metadata of an object from request headers."""
    given = {name.removeprefix(_META): value for name, value in headers.items() if name.startswith(_META)}
    return headers.get("content-type", "binary/octet-stream"), given


def require_free(headers: Mapping[str, str], known: sqlite3.Row | None) -> None:
    """Raise ServiceError if the conditional headers forbid the write."""
    if known is None:
        if "if-match" in headers:
            raise ServiceError("NoSuchKey", "The specified key does not exist.", 404)
    elif "if-none-match" in headers or not _names(headers.get("if-match", "*"), known["etag"]):
        raise _precondition_failed()


def _names(header: str, etag: str) -> bool:
    """Return whether a list of ETags contains this one or ``*``."""
    return bool({"*", etag} & {name.strip().strip('"') for name in header.split(",")})


def _precondition_failed() -> ServiceError:
    return ServiceError(
        "PreconditionFailed", "At least one of the pre-conditions you specified did not hold", 412
    )


def _range(header: str, size: int) -> tuple[int, int] | None:
    """
    Return start and length of a requested range; None, for the whole object, if the header is invalid.

    Raises:
        ServiceError: The range starts beyond the end.
    """
    match = _RANGE.fullmatch(header)
    if match is None or match.group(1) == match.group(2) == "":
        return None
    first, last = match.group(1), match.group(2)
    start = int(first) if first else max(0, size - int(last))
    end = min(int(last), size - 1) if first and last else size - 1
    if first and last and int(last) < start:
        return None
    if start >= size:
        raise ServiceError("InvalidRange", "The requested range is not satisfiable", 416)
    return start, end - start + 1
