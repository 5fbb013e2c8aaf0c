"""CopyObject: a new object with the body of another, which is stored once."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from typing import Final
from urllib.parse import unquote

from reconciler.emulator.access import Caller
from reconciler.emulator.errors import ServiceError
from reconciler.emulator.http import Answer, Request
from reconciler.emulator.s3.answers import answer, iso
from reconciler.emulator.s3.buckets import own
from reconciler.emulator.s3.requests import (
    described,
    find,
    names,
    precondition_failed,
    require_free,
    require_key,
    versioned,
)
from reconciler.emulator.storage import objects
from reconciler.emulator.storage.context import Context

SOURCE: Final = "x-amz-copy-source"


def copy_object(context: Context, caller: Caller, request: Request, name: str, key: str) -> Answer:
    source = find_source(context, caller, request)
    own(context, caller, name)
    require_key(key)
    require_free(request.headers, objects.find(context.store, name, key))
    replaced = request.headers.get("x-amz-metadata-directive", "COPY").upper() == "REPLACE"
    if (name, key, None) == _source(request) and not replaced:
        raise ServiceError(
            "InvalidRequest",
            "This copy request is illegal because it is trying to copy an object to itself without changing the"
            " object's metadata, storage class, website redirect location or encryption attributes.",
        )
    kind, metadata = (
        described(request.headers) if replaced else (source["type"], json.loads(source["metadata"]))
    )
    new = objects.Content(source["body"], source["size"], _etag(source), kind, metadata)
    now = context.clock.now()
    version = objects.put(context.store.db, name, key, new, now)
    headers = versioned(context, name, version)
    if source["version"] != objects.NULL:
        headers["x-amz-copy-source-version-id"] = source["version"]
    done = answer("CopyObjectResult", [("LastModified", iso(now)), ("ETag", f'"{new.etag}"')])
    return replace(done, headers={**done.headers, **headers})


def find_source(context: Context, caller: Caller, request: Request) -> sqlite3.Row:
    """
    Return the object that a request copies.

    Raises:
        ServiceError: It does not exist, belongs to another account, or is not as the request demands.
    """
    name, key, version = _source(request)
    own(context, caller, name)
    row = find(context, name, key, version)
    headers = request.headers
    if not names(headers.get(f"{SOURCE}-if-match", "*"), row["etag"]):
        raise precondition_failed()
    if names(headers.get(f"{SOURCE}-if-none-match", ""), row["etag"]):
        raise precondition_failed()
    return row


def _source(request: Request) -> tuple[str, str, str | None]:
    """Return bucket, key and version of what a request copies."""
    path, _, query = request.headers[SOURCE].partition("?")
    name, _, key = unquote(path).removeprefix("/").partition("/")
    if not name or not key:
        raise ServiceError("InvalidArgument", "Copy Source must mention the source bucket and key")
    return name, key, query.removeprefix("versionId=") or None


def _etag(source: sqlite3.Row) -> str:
    etag: str = source["etag"]
    return etag
