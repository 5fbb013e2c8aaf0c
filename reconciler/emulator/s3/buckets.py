"""S3 operations on buckets, including listings of objects."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from typing import Final

from reconciler.emulator import xml
from reconciler.emulator.access import Caller
from reconciler.emulator.http import Answer, Request, ServiceError
from reconciler.emulator.storage import objects
from reconciler.emulator.storage.context import Context
from reconciler.emulator.xml import answer, iso, quoted

_NAME: Final = re.compile(r"(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9]")
_REGION: Final = re.compile(r"[a-z0-9\-]{2,32}")
_MAX_KEYS: Final = 1000


def own(context: Context, caller: Caller, name: str) -> sqlite3.Row:
    """
    Return a bucket of the caller.

    Raises:
        ServiceError: It does not exist, or belongs to another account.
    """
    row = context.store.one("SELECT * FROM buckets WHERE name = ?", name)
    if row is None:
        raise ServiceError("NoSuchBucket", "The specified bucket does not exist", 404)
    if row["account"] != caller.account:
        raise ServiceError("AccessDenied", "Access Denied", 403)
    return row


def list_buckets(context: Context, caller: Caller, _: Request, __: str, ___: str) -> Answer:
    rows = context.store.all(
        "SELECT name, created FROM buckets WHERE account = ? ORDER BY name", caller.account
    )
    found: list[tuple[str, xml.Content]] = [
        ("Bucket", [("Name", row["name"]), ("CreationDate", iso(row["created"]))]) for row in rows
    ]
    owner: xml.Content = [("ID", caller.account), ("DisplayName", "emulator")]
    return answer("ListAllMyBucketsResult", [("Owner", owner), ("Buckets", found)])


def create_bucket(context: Context, caller: Caller, request: Request, name: str, _: str) -> Answer:
    if not _NAME.fullmatch(name):
        raise ServiceError("InvalidBucketName", "The specified bucket is not valid.")
    known = context.store.one("SELECT account, region FROM buckets WHERE name = ?", name)
    if known and known["account"] != caller.account:
        raise ServiceError("BucketAlreadyExists", "The requested bucket name is not available.", 409)
    constraint = xml.read(request.body).findtext("{*}LocationConstraint") if request.body else None
    region = constraint or "us-east-1"
    if not _REGION.fullmatch(region):
        raise ServiceError("InvalidLocationConstraint", "The specified location-constraint is not valid")
    if known and known["region"] != "us-east-1":
        raise ServiceError("BucketAlreadyOwnedByYou", "You own the bucket already.", 409)
    context.store.db.execute(
        "INSERT OR IGNORE INTO buckets (name, account, region, created) VALUES (?, ?, ?, ?)",
        (name, caller.account, region, context.clock.now()),
    )
    return Answer(200, headers={"Location": f"/{name}"})


def head_bucket(context: Context, caller: Caller, _: Request, name: str, __: str) -> Answer:
    return Answer(200, headers={"x-amz-bucket-region": own(context, caller, name)["region"]})


def get_bucket_location(context: Context, caller: Caller, _: Request, name: str, __: str) -> Answer:
    region = own(context, caller, name)["region"]
    return answer("LocationConstraint", "" if region == "us-east-1" else region)


def get_versioning(context: Context, caller: Caller, _: Request, name: str, __: str) -> Answer:
    state = own(context, caller, name)["versioning"]
    return answer("VersioningConfiguration", [("Status", state)] if state else "")


def put_versioning(context: Context, caller: Caller, request: Request, name: str, _: str) -> Answer:
    own(context, caller, name)
    state = xml.read(request.body).findtext("{*}Status")
    if state not in ("Enabled", "Suspended"):
        raise xml.malformed()
    context.store.db.execute("UPDATE buckets SET versioning = ? WHERE name = ?", (state, name))
    return Answer(200)


def list_versions(context: Context, caller: Caller, request: Request, name: str, _: str) -> Answer:
    own(context, caller, name)
    query = request.query
    size, prefix = _size(query.get("max-keys", str(_MAX_KEYS))), query.get("prefix", "")
    rows = objects.versions(context.store, name, prefix)
    after = query.get("key-marker", ""), query.get("version-id-marker", "")
    if after[0]:
        rows = _rows_after(rows, *after)
    shown = quoted if query.get("encoding-type") == "url" else str
    content: xml.Children = [("Name", name), ("Prefix", shown(prefix)), ("MaxKeys", size)]
    if "encoding-type" in query:
        content.append(("EncodingType", query["encoding-type"]))
    content.append(("IsTruncated", len(rows) > size > 0))
    if len(rows) > size > 0:
        last = rows[size - 1]
        content += [("NextKeyMarker", shown(last["key"])), ("NextVersionIdMarker", last["version"])]
    content += [_version(row, shown) for row in rows[:size]]
    return answer("ListVersionsResult", content)


def _rows_after(rows: list[sqlite3.Row], key: str, version: str) -> list[sqlite3.Row]:
    for place, row in enumerate(rows):
        if (row["key"], row["version"]) == (key, version):
            return rows[place + 1 :]
    return [row for row in rows if row["key"] > key]


def _version(row: sqlite3.Row, shown: Callable[[str], str]) -> tuple[str, xml.Content]:
    named: xml.Children = [("Key", shown(row["key"])), ("VersionId", row["version"])]
    named += [("IsLatest", bool(row["latest"])), ("LastModified", iso(row["modified"]))]
    if row["marker"]:
        return "DeleteMarker", named
    return "Version", [
        *named,
        ("ETag", f'"{row["etag"]}"'),
        ("Size", row["size"]),
        ("StorageClass", "STANDARD"),
    ]


def delete_bucket(context: Context, caller: Caller, _: Request, name: str, __: str) -> Answer:
    own(context, caller, name)
    if context.store.one("SELECT 1 FROM objects WHERE bucket = ? LIMIT 1", name):
        raise ServiceError("BucketNotEmpty", "The bucket you tried to delete is not empty", 409)
    context.store.db.execute("DELETE FROM buckets WHERE name = ?", (name,))
    return Answer(204)


def list_objects(context: Context, caller: Caller, request: Request, name: str, _: str) -> Answer:
    """Answer ListObjectsV2, and version 1 for old clients. Both name the Region of the bucket in a header."""
    bucket = own(context, caller, name)
    query = request.query
    second = query.get("list-type") == "2"
    after = query.get("start-after", "") if second else query.get("marker", "")
    if second and "continuation-token" in query:
        after = _continued(query["continuation-token"])
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    size = _size(query.get("max-keys", str(_MAX_KEYS)))
    found = objects.page(context.store, name, prefix, delimiter, after, size)
    shown = quoted if query.get("encoding-type") == "url" else str
    content: xml.Children = [("Name", name), ("Prefix", shown(prefix)), ("MaxKeys", size)]
    for key, text in (("delimiter", "Delimiter"), ("start-after", "StartAfter"), ("marker", "Marker")):
        if query.get(key):
            content.append((text, shown(query[key])))
    if "encoding-type" in query:
        content.append(("EncodingType", query["encoding-type"]))
    if second:
        content.append(("KeyCount", len(found.objects) + len(found.prefixes)))
    content.append(("IsTruncated", found.more))
    if found.more and second:
        content.append(("NextContinuationToken", found.last.encode().hex()))
    elif found.more:
        content.append(("NextMarker", shown(found.last)))
    content += [("Contents", _listed(row, shown)) for row in found.objects]
    content += [("CommonPrefixes", [("Prefix", shown(text))]) for text in found.prefixes]
    return answer("ListBucketResult", content, {"x-amz-bucket-region": bucket["region"]})


def _size(text: str) -> int:
    if not text.isdecimal():
        raise ServiceError("InvalidArgument", "Provided max-keys not an integer or within integer range")
    return min(int(text[:9]), _MAX_KEYS)


def _continued(token: str) -> str:
    try:
        after = bytes.fromhex(token).decode()
    except ValueError:
        after = ""
    if not after:  # unlike Rekognition, S3 rejects an empty token
        raise ServiceError("InvalidArgument", "The continuation token provided is incorrect")
    return after


def _listed(row: sqlite3.Row, shown: Callable[[str], str]) -> xml.Children:
    return [
        ("Key", shown(row["key"])),
        ("LastModified", iso(row["modified"])),
        ("ETag", f'"{row["etag"]}"'),
        ("Size", row["size"]),
        ("StorageClass", "STANDARD"),
    ]
