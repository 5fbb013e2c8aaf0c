"""S3 operations on single objects."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final

from reconciler.emulator import xml
from reconciler.emulator.access import Caller
from reconciler.emulator.http import Answer, Request, ServiceError
from reconciler.emulator.s3.buckets import own
from reconciler.emulator.storage import bodies, objects
from reconciler.emulator.storage.context import Context
from reconciler.emulator.xml import answer, http_date

_RANGE: Final = re.compile(r"bytes=([0-9]{0,99})-([0-9]{0,99})")
_MAX_KEY_BYTES: Final = 1024
_MAX_DELETED: Final = 1000
_META: Final = "x-amz-meta-"


def put_object(context: Context, caller: Caller, request: Request, name: str, key: str) -> Answer:
    require_key(key)
    store, headers = context.store, request.headers

    def check() -> None:
        own(context, caller, name)
        require_free(headers, objects.find(store, name, key))

    check()  # an object that is refused is not stored first
    new = objects.content(store, unchunked(headers, request.body), *described(headers))
    with dropped_if_refused(context, new), store.transaction() as db:
        check()
        version = objects.put(db, name, key, new, context.clock.now())
    return Answer(200, headers={"ETag": f'"{new.etag}"', **versioned(context, name, version)})


@contextmanager
def dropped_if_refused(context: Context, new: objects.Content) -> Iterator[None]:
    """Drop the body of *new* if nothing refers to it in the end."""
    try:
        yield
    except ServiceError:
        with context.store.transaction() as db:
            bodies.release(db, new.body)
        raise


def versioned(context: Context, name: str, version: str) -> dict[str, str]:
    """Return the header that states a version, which buckets that never had versions omit."""
    row = context.store.one("SELECT versioning FROM buckets WHERE name = ?", name)
    return {"x-amz-version-id": version} if row is not None and row["versioning"] else {}


def get_object(context: Context, caller: Caller, request: Request, name: str, key: str) -> Answer:
    own(context, caller, name)
    row = find(context, name, key, request.query.get("versionId"))
    if "if-match" in request.headers and not names(request.headers["if-match"], row["etag"]):
        raise precondition_failed()
    if names(request.headers.get("if-none-match", ""), row["etag"]):
        return Answer(HTTPStatus.NOT_MODIFIED, headers={"ETag": f'"{row["etag"]}"'})
    headers = {
        "ETag": f'"{row["etag"]}"',
        "Last-Modified": http_date(row["modified"]),
        "Content-Type": row["type"],
        "Accept-Ranges": "bytes",
        **versioned(context, name, row["version"]),
    }
    headers |= {f"{_META}{k}": v for k, v in json.loads(row["metadata"]).items()}
    part = _range(request.headers.get("range", ""), row["size"])
    start, length = part or (0, row["size"])
    if part is not None:
        headers["Content-Range"] = f"bytes {start}-{start + length - 1}/{row['size']}"
    status = HTTPStatus.OK if part is None else HTTPStatus.PARTIAL_CONTENT
    if request.method == "HEAD":
        return Answer(status, headers=headers | {"Content-Length": str(length)})
    return Answer(status, bodies.read(context.store, row["body"], start, length), headers)


def find(context: Context, name: str, key: str, version: str | None) -> sqlite3.Row:
    """
    Return a version of an object, by default the latest.

    Raises:
        ServiceError: It does not exist, or only says that the object was deleted.
    """
    row = objects.find(context.store, name, key, version)
    if row is None and version is not None:
        raise ServiceError("NoSuchVersion", "The specified version does not exist.", 404)
    if row is None:
        raise ServiceError("NoSuchKey", "The specified key does not exist.", 404)
    if row["marker"]:
        raise ServiceError(
            "MethodNotAllowed", "The specified method is not allowed against this resource.", 405
        )
    return row


def delete_object(context: Context, caller: Caller, request: Request, name: str, key: str) -> Answer:
    own(context, caller, name)
    marker, version = _delete(context, name, key, request.query.get("versionId"))
    headers = {"x-amz-delete-marker": "true"} if marker else {}
    return Answer(204, headers=headers | ({} if version is None else {"x-amz-version-id": version}))


def _delete(context: Context, name: str, key: str, version: str | None) -> tuple[bool, str | None]:
    """Delete an object or one version; return whether a marker is concerned, and the version concerned."""
    db = context.store.db
    if version is None:
        made = objects.delete(db, name, key, context.clock.now())
        return made is not None, made
    row = objects.remove(db, name, key, version)
    return row is not None and bool(row["marker"]), version


def delete_objects(context: Context, caller: Caller, request: Request, name: str, _: str) -> Answer:
    own(context, caller, name)
    asked = xml.read(request.body)
    named = [
        (each.findtext("{*}Key", ""), each.findtext("{*}VersionId")) for each in asked.findall("{*}Object")
    ]
    if not 0 < len(named) <= _MAX_DELETED:
        raise xml.malformed()
    deleted = [(key, given, *_delete(context, name, key, given)) for key, given in named]
    quiet = asked.findtext("{*}Quiet") == "true"
    return answer("DeleteResult", [("Deleted", _deleted(*each)) for each in deleted if not quiet])


def _deleted(key: str, given: str | None, marker: bool, version: str | None) -> xml.Children:
    content: xml.Children = [("Key", key)]
    if given is not None:
        content.append(("VersionId", given))
    if marker and version is not None:
        content += [("DeleteMarker", True), ("DeleteMarkerVersionId", version)]
    return content


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
    elif "if-none-match" in headers or not names(headers.get("if-match", "*"), known["etag"]):
        raise precondition_failed()


def names(header: str, etag: str) -> bool:
    """Return whether a list of ETags contains this one or ``*``."""
    return bool({"*", etag} & {name.strip().strip('"') for name in header.split(",")})


def precondition_failed() -> ServiceError:
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


def unchunked(headers: Mapping[str, str], body: bytes) -> bytes:
    """
    Return the data in *body*, which may be in the `aws-chunked` encoding of clients that send a checksum after it.

    Signatures and checksums of chunks are not verified.

    Raises:
        ServiceError: The chunks are malformed or incomplete.
    """
    streamed = headers.get("x-amz-content-sha256", "").startswith("STREAMING-")
    encodings = [name.strip() for name in headers.get("content-encoding", "").split(",")]
    if not streamed and "aws-chunked" not in encodings:
        return body
    view, parts, length = memoryview(body), list[memoryview](), 0
    place = 0
    while True:
        end = body.find(b"\r\n", place)
        size = _size(body[place:end] if end >= 0 else b"")
        place = end + 2
        if size == 0:
            break
        if body[place + size : place + size + 2] != b"\r\n":
            raise _incomplete()
        parts.append(view[place : place + size])
        length += size
        place += size + 2
    if headers.get("x-amz-decoded-content-length", str(length)) != str(length):
        raise _incomplete()
    return b"".join(parts)


def _size(head: bytes) -> int:
    digits = head.partition(b";")[0]
    try:
        size = int(digits, 16)
    except ValueError as exc:
        raise _incomplete() from exc
    if size < 0:
        raise _incomplete()
    return size


def _incomplete() -> ServiceError:
    return ServiceError("IncompleteBody", "The request body terminated unexpectedly")
