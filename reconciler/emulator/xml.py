"""The little XML that S3 and STS answer with."""

from __future__ import annotations

import re
from typing import Final, TypeAlias
from xml.sax.saxutils import escape

Children: TypeAlias = "list[tuple[str, Content]]"
Content: TypeAlias = "str | int | bool | Children"

# What XML 1.0 cannot hold at all.
_FORBIDDEN: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def document(name: str, namespace: str, content: Content) -> bytes:
    """Return a whole document whose root is *name*."""
    root = element(name, content).replace(f"<{name}>", f'<{name} xmlns="{namespace}">', 1)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{root}'.encode()


def element(name: str, content: Content) -> str:
    """Write an element; a list is its children, in order."""
    match content:
        case list():
            inner = "".join(element(child, value) for child, value in content)
        case bool():
            inner = str(content).lower()
        case _:
            inner = escape(_FORBIDDEN.sub("\ufffd", str(content)))
    return f"<{name}>{inner}</{name}>"
