"""
Multipart uploads of S3, which clients use for files of 8 MB and more.

Until it is complete, an upload is stored as a bucket whose name no request can contain. Its objects are the
parts; the object with an empty key holds the content type and metadata of the result.
"""

from __future__ import annotations

import json
import re
import sqlite3
from itertools import pairwise
from typing import Final
from uuid import uuid4

from reconciler.emulator import xml
from reconciler.emulator.access import Caller
from reconciler.emulator.errors import ServiceError
from reconciler.emulator.http import Answer, Request
from reconciler.emulator.s3 import chunked
from reconciler.emulator.s3.answers import answer
from reconciler.emulator.s3.buckets import own
from reconciler.emulator.s3.requests import described, require_free, require_key
from reconciler.emulator.storage import objects
from reconciler.emulator.storage.context import Context

_NUMBER: Final = re.compile("[0-9]{1,5}")
_NUMBERS: Final = range(1, 10_001)
_MIN_PART_BYTES: Final = 5 * 1024 * 1024


def create_upload(context: Context, caller: Caller, request: Request, name: str, key: str) -> Answer:
    own(context, caller, name)
    require_key(key)
    upload = uuid4().hex
    objects.put(
        context.store, _parts(name, key, upload), "", b"", *described(request.headers), context.clock.now()
    )
    return answer("InitiateMultipartUploadResult", [("Bucket", name), ("Key", key), ("UploadId", upload)])


def upload_part(context: Context, caller: Caller, request: Request, name: str, key: str) -> Answer:
    parts, _ = _open(context, caller, request, name, key)
    text = request.query["partNumber"]
    if not _NUMBER.fullmatch(text) or int(text) not in _NUMBERS:
        raise ServiceError("InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive")
    body = chunked.decode(request.headers, request.body)
    etag = objects.put(context.store, parts, _key(int(text)), body, "", {}, context.clock.now())
    return Answer(200, headers={"ETag": f'"{etag}"'})


def complete_upload(context: Context, caller: Caller, request: Request, name: str, key: str) -> Answer:
    parts, whole = _open(context, caller, request, name, key)
    require_free(request.headers, objects.find(context.store, name, key))
    found = _named_parts(context, parts, request.body)
    if sum(part["size"] for part in found) > context.settings.max_object_bytes:
        raise ServiceError("EntityTooLarge", "Your proposed upload exceeds the maximum allowed object size.")
    with context.store.transaction():
        metadata = json.loads(whole["metadata"])
        etag = objects.join(context.store, found, name, key, whole["type"], metadata, context.clock.now())
        _forget(context, parts)
    place: tuple[str, str] = "Location", f"/{name}/{key}"
    return answer(
        "CompleteMultipartUploadResult", [place, ("Bucket", name), ("Key", key), ("ETag", f'"{etag}"')]
    )


def abort_upload(context: Context, caller: Caller, request: Request, name: str, key: str) -> Answer:
    parts, _ = _open(context, caller, request, name, key)
    _forget(context, parts)
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
        raise ServiceError("MalformedXML", "The XML you provided was not well-formed.")
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


def _forget(context: Context, parts: str) -> None:
    context.store.db.execute("DELETE FROM objects WHERE bucket = ?", (parts,))
