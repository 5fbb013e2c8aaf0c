"""Write XML for answers of S3 and STS, whole answers of S3, and read it from S3 requests."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import quote
from xml.sax.saxutils import escape

from reconciler.emulator.http import Answer, ServiceError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

Children: TypeAlias = "list[tuple[str, Content]]"
Content: TypeAlias = "str | int | bool | Children"

S3_NAMESPACE: Final = "http://s3.amazonaws.com/doc/2006-03-01/"

# Characters that XML 1.0 does not permit.
_FORBIDDEN: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")

# The largest request completes an upload of 10,000 parts with their checksums.
_MAX_BYTES: Final = 4 * 1024 * 1024


def document(name: str, namespace: str, content: Content) -> bytes:
    """Return a document with the root element *name*."""
    root = element(name, content).replace(f"<{name}>", f'<{name} xmlns="{namespace}">', 1)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{root}'.encode()


def element(name: str, content: Content) -> str:
    """Return an element; a list is its children, in order."""
    match content:
        case list():
            inner = "".join(element(child, value) for child, value in content)
        case bool():
            inner = str(content).lower()
        case _:
            inner = escape(_FORBIDDEN.sub("\ufffd", str(content)))
    return f"<{name}>{inner}</{name}>"


def read(body: bytes) -> Element:
    """
    Return the root of a document.

    Raises:
        ServiceError: It is not XML, is larger than S3 requires, or has declarations: entities could expand to
            gigabytes.
    """
    from xml.etree.ElementTree import ParseError, fromstring  # imported here, as few requests need it

    try:
        if len(body) <= _MAX_BYTES and b"<!" not in body:
            return fromstring(body.decode())  # noqa: S314
    except (ParseError, UnicodeDecodeError):
        pass
    raise malformed()


def malformed() -> ServiceError:
    return ServiceError("MalformedXML", "The XML you provided was not well-formed.")


def answer(root: str, content: Content, headers: Mapping[str, str] = MappingProxyType({})) -> Answer:
    return Answer(200, document(root, S3_NAMESPACE, content), {"Content-Type": "application/xml", **headers})


def error(exc: ServiceError, bucket: str, key: str, request_id: str) -> Answer:
    details: Children = [("Code", exc.code), ("Message", exc.message)]
    if bucket:
        details.append(("BucketName", bucket))
    if key:
        details.append(("Key", key))
    body = '<?xml version="1.0" encoding="UTF-8"?>\n' + element(
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
