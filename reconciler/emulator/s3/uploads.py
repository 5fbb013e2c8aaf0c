"""
Multipart uploads of S3, which clients use for files of 8 MB and more.

Until it is complete, an upload is stored as a bucket whose name no request can contain. Its objects are the
parts; the object with an empty key holds the content type and metadata of the result.
"""

from __future__ import annotations

import re
import sqlite3
from itertools import pairwise
from typing import Final
from uuid import uuid4

from reconciler.emulator import xml
from reconciler.emulator.access import Caller
from reconciler.emulator.http import Answer, Request, ServiceError
from reconciler.emulator.s3 import requests
from reconciler.emulator.s3.buckets import own
from reconciler.emulator.s3.copies import find_source
from reconciler.emulator.s3.requests import (
    described,
    dropped_if_refused,
    require_free,
    require_key,
    versioned,
)
from reconciler.emulator.storage import bodies, objects
from reconciler.emulator.storage.context import Context
from reconciler.emulator.xml import answer, iso

_NUMBER: Final = re.compile("[0-9]{1,5}")
_COPIED: Final = re.compile("bytes=([0-9]{1,18})-([0-9]{1,18})")
_NUMBERS: Final = range(1, 10_001)
_MIN_PART_BYTES: Final = 5 * 1024 * 1024


def create_upload(context: Context, caller: Caller, request: Request, name: str, key: str) -> Answer:
    own(context, caller, name)
    require_key(key)
    upload = uuid4().hex
    whole = objects.content(context.store, b"", *described(request.headers))
    objects.put(context.store.db, _parts(name, key, upload), "", whole, context.clock.now())
    return answer("InitiateMultipartUploadResult", [("Bucket", name), ("Key", key), ("UploadId", upload)])


def upload_part(context: Context, caller: Caller, request: Request, name: str, key: str) -> Answer:
    etag = _put_part(context, caller, request, (name, key), requests.unchunked(request.headers, request.body))
    return Answer(200, headers={"ETag": f'"{etag}"'})


def upload_part_copy(context: Context, caller: Caller, request: Request, name: str, key: str) -> Answer:
    source = find_source(context, caller, request)
    place = _COPIED.fullmatch(request.headers.get("x-amz-copy-source-range", ""))
    start, last = map(int, place.groups()) if place else (0, source["size"] - 1)
    if not start <= last < source["size"]:
        raise ServiceError("InvalidRange", "The requested range is not satisfiable", 416)
    data = bodies.read(context.store, source["body"], start, last - start + 1)
    etag = _put_part(context, caller, request, (name, key), data)
    moment = iso(context.clock.now())
    return answer("CopyPartResult", [("LastModified", moment), ("ETag", f'"{etag}"')])


def _put_part(context: Context, caller: Caller, request: Request, place: tuple[str, str], data: bytes) -> str:
    parts, _ = _open(context, caller, request, *place)
    text = request.query["partNumber"]
    if not _NUMBER.fullmatch(text) or int(text) not in _NUMBERS:
        raise ServiceError("InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive")
    new = objects.content(context.store, data)
    with dropped_if_refused(context, new), context.store.transaction() as db:
        _open(context, caller, request, *place)  # the upload must still be open
        objects.put(db, parts, _key(int(text)), new, context.clock.now())
    return new.etag


def complete_upload(context: Context, caller: Caller, request: Request, name: str, key: str) -> Answer:
    parts, whole = _open(context, caller, request, name, key)
    require_free(request.headers, objects.find(context.store, name, key))
    found = _named_parts(context, parts, request.body)
    if sum(part["size"] for part in found) > context.settings.max_object_bytes:
        raise ServiceError("EntityTooLarge", "Your proposed upload exceeds the maximum allowed object size.")
    db = context.store.db
    new = objects.joined(db, found, whole)
    version = objects.put(db, name, key, new, context.clock.now())
    objects.forget(db, parts)
    place: tuple[str, str] = "Location", f"/{name}/{key}"
    content: xml.Children = [place, ("Bucket", name), ("Key", key), ("ETag", f'"{new.etag}"')]
    return answer("CompleteMultipartUploadResult", content, versioned(context, name, version))


def abort_upload(context: Context, caller: Caller, request: Request, name: str, key: str) -> Answer:
    parts, _ = _open(context, caller, request, name, key)
    objects.forget(context.store.db, parts)
    return Answer(204)


def _open(context: Context, caller: Caller, request: Request, name: str, key: str) -> tuple[str, sqlite3.Row]:
    """
    Return the internal bucket of a request's upload, and the row that describes the result.

    Raises:
        ServiceError: The object has no such upload.
    """
    own(context, caller, name)
    parts = _parts(name, key, request.query["uploadId"])
    whole = objects.find(context.store, parts, "")
    if whole is None:
        raise ServiceError("NoSuchUpload", "The specified upload does not exist.", 404)
    return parts, whole


def _named_parts(context: Context, parts: str, body: bytes) -> list[sqlite3.Row]:
    """Return the parts listed in a completion request; raise ServiceError if they cannot be joined."""
    named = [
        (part.findtext("{*}PartNumber", ""), part.findtext("{*}ETag", "").strip('"'))
        for part in xml.read(body).findall("{*}Part")
    ]
    pairs = [(int(number), etag) for number, etag in named if _NUMBER.fullmatch(number)]
    if not pairs or len(pairs) < len(named):
        raise xml.malformed()
    if any(first >= second for (first, _), (second, _) in pairwise(pairs)):
        raise ServiceError("InvalidPartOrder", "The list of parts was not in ascending order.")
    rows = [(objects.find(context.store, parts, _key(number)), etag) for number, etag in pairs]
    found = [row for row, etag in rows if row is not None and row["etag"] == etag]
    if len(found) < len(rows):
        raise ServiceError("InvalidPart", "One or more of the specified parts could not be found.")
    if any(row["size"] < _MIN_PART_BYTES for row in found[:-1]):
        raise ServiceError("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
    return found


def _parts(name: str, key: str, upload: str) -> str:
    return f"{name}/{key}?{upload}"


def _key(number: int) -> str:
    return f"{number:05}"
