"""
Front end of S3: the operations that manifests and images need.

Requests may be path-style or virtual-host (``bucket.localhost``), signed by header or by query.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from types import MappingProxyType
from typing import Final
from uuid import uuid4

from reconciler.emulator import xml
from reconciler.emulator.access import Caller, identify
from reconciler.emulator.behaviour.calls import READS
from reconciler.emulator.http import Answer, Request, ServiceError
from reconciler.emulator.s3 import buckets, copies, requests, uploads
from reconciler.emulator.storage.context import Context

Operation = Callable[[Context, Caller, Request, str, str], Answer]

_UPLOAD: Final = frozenset(["uploadId"])
_VERSION: Final = frozenset(["versionId"])

# Operations on buckets and on objects, by method and the query parameters that select an operation.
_BUCKET: Final[Mapping[tuple[str, frozenset[str]], tuple[str, Operation]]] = MappingProxyType(
    {
        ("GET", frozenset()): ("ListObjects", buckets.list_objects),
        ("PUT", frozenset()): ("CreateBucket", buckets.create_bucket),
        ("HEAD", frozenset()): ("HeadBucket", buckets.head_bucket),
        ("DELETE", frozenset()): ("DeleteBucket", buckets.delete_bucket),
        ("GET", frozenset(["location"])): ("GetBucketLocation", buckets.get_bucket_location),
        ("GET", frozenset(["versioning"])): ("GetBucketVersioning", buckets.get_versioning),
        ("PUT", frozenset(["versioning"])): ("PutBucketVersioning", buckets.put_versioning),
        ("GET", frozenset(["versions"])): ("ListObjectVersions", buckets.list_versions),
        ("POST", frozenset(["delete"])): ("DeleteObjects", requests.delete_objects),
    }
)
_OBJECT: Final[Mapping[tuple[str, frozenset[str]], tuple[str, Operation]]] = MappingProxyType(
    {
        ("GET", frozenset()): ("GetObject", requests.get_object),
        ("HEAD", frozenset()): ("HeadObject", requests.get_object),
        ("GET", _VERSION): ("GetObject", requests.get_object),
        ("HEAD", _VERSION): ("HeadObject", requests.get_object),
        ("PUT", frozenset()): ("PutObject", requests.put_object),
        ("DELETE", frozenset()): ("DeleteObject", requests.delete_object),
        ("DELETE", _VERSION): ("DeleteObject", requests.delete_object),
        ("POST", frozenset(["uploads"])): ("CreateMultipartUpload", uploads.create_upload),
        ("PUT", _UPLOAD | {"partNumber"}): ("UploadPart", uploads.upload_part),
        ("POST", _UPLOAD): ("CompleteMultipartUpload", uploads.complete_upload),
        ("DELETE", _UPLOAD): ("AbortMultipartUpload", uploads.abort_upload),
    }
)

# The same with the header that names a source.
_COPY: Final[Mapping[tuple[str, frozenset[str]], tuple[str, Operation]]] = MappingProxyType(
    {
        ("PUT", frozenset()): ("CopyObject", copies.copy_object),
        ("PUT", _UPLOAD | {"partNumber"}): ("UploadPartCopy", uploads.upload_part_copy),
    }
)

# These store a body in short transactions before the one that makes it visible.
_STORING: Final = frozenset(["PutObject", "UploadPart", "UploadPartCopy"])

# Query parameters that do not select another operation. Any other is rejected as not emulated: if ignored,
# DELETE ?publicAccessBlock would delete the bucket, and PUT ?legal-hold would overwrite the object.
_PARAMETERS: Final = frozenset(
    [
        "list-type",
        "prefix",
        "delimiter",
        "marker",
        "max-keys",
        "start-after",
        "key-marker",
        "version-id-marker",
        "continuation-token",
        "encoding-type",
        "fetch-owner",
        "x-id",
        "AWSAccessKeyId",
        "Signature",
        "Expires",
    ]
)
_VIRTUAL_HOST: Final = re.compile(r"(?P<bucket>.+)\.(localhost|s3[a-z0-9.\-]*)(:\d+)?")

# Common AWS errors for which S3 has another code or status.
_OWN_ERRORS: Final = MappingProxyType(
    {
        "MissingAuthenticationTokenException": ("AccessDenied", 403),
        "IncompleteSignatureException": ("AuthorizationHeaderMalformed", 400),
        "ExpiredTokenException": ("ExpiredToken", 400),
    }
)


class S3:
    """Answers S3 requests and logs each call."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def handle(self, request: Request) -> Answer:
        """Answer one request. Never raises, whatever a client sends."""
        name, key = _place(request)
        request_id = uuid4().hex[:16].upper()
        operation, code, caller = request.method, None, None
        try:
            operation, act = _operation(request, name, key)
            caller = self._caller(request)
            with self._turn(operation):
                answer = act(self._context, caller, request, name, key)
        except ServiceError as exc:
            code = exc.code
            answer = xml.error(exc, name, key, request_id)
        owner = caller.owner if caller else None
        self._context.log("s3", operation, owner, f"s3://{name}/{key}", error=code)
        headers = {"x-amz-request-id": request_id, "x-amz-id-2": "emulator", **answer.headers}
        if request.method == "HEAD":
            headers.setdefault("Content-Length", "0")
            return Answer(answer.status, b"", headers)
        return Answer(answer.status, answer.body, headers)

    def _turn(self, operation: str) -> AbstractContextManager[object]:
        if operation in _STORING:
            return nullcontext()
        store = self._context.store
        return store.snapshot() if ("s3", operation) in READS else store.transaction()

    def _caller(self, request: Request) -> Caller:
        try:
            return identify(self._context, request.headers, request.query)
        except ServiceError as exc:
            code, status = _OWN_ERRORS.get(exc.code, (exc.code, exc.status))
            raise ServiceError(code, exc.message, status) from exc


def _place(request: Request) -> tuple[str, str]:
    """Return the bucket and key of a request; either may be empty."""
    path = request.path.removeprefix("/")
    host = _VIRTUAL_HOST.fullmatch(request.headers.get("host", ""))
    if host is not None:
        return host.group("bucket"), path
    name, _, key = path.partition("/")
    return name, key


def _operation(request: Request, name: str, key: str) -> tuple[str, Operation]:
    if not name and request.method == "GET":
        return "ListBuckets", buckets.list_buckets
    marks = frozenset(
        mark for mark in request.query.keys() - _PARAMETERS if not mark.lower().startswith("x-amz-")
    )
    table = _BUCKET if not key else _COPY if copies.SOURCE in request.headers else _OBJECT
    known = table.get((request.method, marks)) if name else None
    if known is None:
        raise ServiceError("NotImplemented", "This part of S3 is not emulated.", 501)
    return known
