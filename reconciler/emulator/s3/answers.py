"""Build S3 answers: XML, dates, errors."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final
from urllib.parse import quote

from reconciler.emulator import xml
from reconciler.emulator.errors import ServiceError
from reconciler.emulator.http import Answer

NAMESPACE: Final = "http://s3.amazonaws.com/doc/2006-03-01/"


def answer(root: str, content: xml.Content) -> Answer:
    return Answer(200, xml.document(root, NAMESPACE, content), {"Content-Type": "application/xml"})


def error(exc: ServiceError, bucket: str, key: str, request_id: str) -> Answer:
    details: xml.Children = [("Code", exc.code), ("Message", exc.message)]
    if bucket:
        details.append(("BucketName", bucket))
    if key:
        details.append(("Key", key))
    body = '<?xml version="1.0" encoding="UTF-8"?>\n' + xml.element(
        "Error", [*details, ("RequestId", request_id), ("HostId", "emulator")]
    )
    return Answer(exc.status, body.encode(), {"Content-Type": "application/xml"})


def iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def http_date(seconds: float) -> str:
    return format_datetime(datetime.fromtimestamp(seconds, UTC), usegmt=True)


def quoted(text: str) -> str:
    """Encode a key as for `encoding-type=url`."""
    return quote(text, safe="/~-_.*")
