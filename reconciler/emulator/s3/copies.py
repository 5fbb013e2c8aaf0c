"""
Copy objects: CopyObject, whose body is stored once, and manifests from another S3.

That is AWS's own, MinIO, or any server that speaks its API.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from functools import cache
from typing import Any, Final
from urllib.parse import unquote

from reconciler.emulator.access import Caller
from reconciler.emulator.http import Answer, Request, ServiceError, bad_s3_object
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
from reconciler.emulator.xml import answer, iso

SOURCE: Final = "x-amz-copy-source"

# No bucket of a client can have a name with a slash.
_PREFIX: Final = "foreign/"

_log = logging.getLogger(__name__)


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
    new = objects.Content(source["body"], source["size"], source["etag"], kind, metadata)
    now = context.clock.now()
    version = objects.put(context.store.db, name, key, new, now)
    headers = versioned(context, name, version)
    if source["version"] != objects.NULL:
        headers["x-amz-copy-source-version-id"] = source["version"]
    return answer("CopyObjectResult", [("LastModified", iso(now)), ("ETag", f'"{new.etag}"')], headers)


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


def fetch(context: Context, caller: Caller, place: dict[str, str]) -> None:
    """
    Copy the manifest that CreateDataset names from the other S3, for `fetched`. It may take long; hold no lock.

    Raises:
        ServiceError: It is not there, is too large, or the server does not answer.
    """
    from botocore.exceptions import BotoCoreError, ClientError  # slow to import, and seldom needed

    named = {"Bucket": place["Bucket"], "Key": place["Name"]}
    if "Version" in place:
        named["VersionId"] = place["Version"]
    try:
        answer = _client(str(context.s3_endpoint), caller.region).get_object(**named)
        if answer["ContentLength"] > context.settings.max_object_bytes:
            raise bad_s3_object()
        data = answer["Body"].read()
    except (BotoCoreError, ClientError) as exc:
        _log.warning("%s: s3://%s/%s: %s", context.s3_endpoint, named["Bucket"], named["Key"], exc)
        raise bad_s3_object() from exc
    new = objects.content(context.store, data)
    with context.store.transaction() as db:
        objects.put(db, _PREFIX + place["Bucket"], place["Name"], new, context.clock.now())


def fetched(context: Context, bucket: str, key: str) -> objects.Content | None:
    """Return the manifest that `fetch` has copied."""
    row = objects.find(context.store, _PREFIX + bucket, key)
    return None if row is None else objects.Content(row["body"], row["size"], row["etag"])


@cache
def _client(endpoint: str, region: str) -> Any:
    """Create a client with the credentials of this process."""
    from botocore.config import Config
    from botocore.session import Session

    config = Config(
        s3={"addressing_style": "path"}, connect_timeout=5, read_timeout=30, retries={"total_max_attempts": 2}
    )
    return Session().create_client("s3", region_name=region, endpoint_url=endpoint, config=config)
