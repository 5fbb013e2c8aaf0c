"""Write XML for answers of S3 and STS, and read it from S3 requests."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeAlias
from xml.sax.saxutils import escape

from reconciler.emulator.errors import ServiceError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

Children: TypeAlias = "list[tuple[str, Content]]"
Content: TypeAlias = "str | int | bool | Children"

# Characters that XML 1.0 does not permit.
_FORBIDDEN: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")

# The largest request completes an upload of 10,000 parts with their checksums.
_MOST_BYTES: Final = 4 * 1024 * 1024


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
        if len(body) <= _MOST_BYTES and b"<!" not in body:
            return fromstring(body.decode())  # noqa: S314
    except (ParseError, UnicodeDecodeError):
        pass
    raise ServiceError("MalformedXML", "The XML you provided was not well-formed.")
