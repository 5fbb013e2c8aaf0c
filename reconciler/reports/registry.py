"""
The formats of each report.

The renderer of a document in a format is the function `render(report, options)` of the module
``reports/DOCUMENT/FORMAT.py``, with ``_`` for ``-``; or `render_FORMAT` of ``reports/DOCUMENT.py``, where one
module holds all formats. It gives bytes, text, or lines that the screen draws, and says where a listing was
incomplete (`gap`). To add a format, write it and name it here: the command line offers it. Beside the renderer as
JSON stands the type of the document, as ``DOCUMENT``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from reconciler.core.planning.plan import PlanError
    from reconciler.reports.pictures import Thumbnail
    from reconciler.reports.screen import Line, Screen

FORMATS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "plan": ("text", "json", "markdown", "html"),
        "apply": ("text", "json"),
        "drift": ("text", "json", "markdown", "html", "junit", "sarif"),
        "diff": ("text", "json", "markdown"),
        "status": ("text", "json"),
        "validate": ("text", "json"),
        "propose": ("text", "json"),
        "explain": ("text", "json"),
        "doctor": ("text", "json"),
        "check-images": ("text", "json", "html"),
        "stats": ("text", "json", "html"),
        "control": ("text", "json"),
    }
)

SUFFIXES: Final[Mapping[str, str]] = MappingProxyType(
    {
        ".html": "html",
        ".json": "json",
        ".md": "markdown",
        ".xml": "junit",
        ".sarif": "sarif",
        ".txt": "text",
    }
)
"""The format that the name of a file asks for."""


PAGE_LIMIT: Final = 1_000


class RenderOptions(NamedTuple):
    """
    How a report is rendered; a renderer reads what concerns it.

    Attributes:
        screen: Where text is shown.
        encoding: Of text and Markdown. All other formats are UTF-8.
        failure: Why the command as a whole failed, for JSON; people read it on stderr.
        summary: Whether a plan is shown in short.
        thumbnails: Images by source-ref, for the pages of drift and of check-images.
        patch: The file that a proposal's patch was written to.
    """

    screen: Screen
    encoding: str = "utf-8"
    failure: PlanError | None = None
    summary: bool = False
    thumbnails: Mapping[str, Thumbnail] = MappingProxyType({})
    patch: str | None = None

    @property
    def page_limit(self) -> int | None:
        """Most items of one kind in a page, some 300 kB of it; None for all, where the screen has no limit."""
        return None if self.screen.limit is None else PAGE_LIMIT


def render(document: str, form: str, report: object, options: RenderOptions) -> Iterator[bytes]:
    """
    Return a report in one of the `FORMATS` of its document, in pieces; what the encoding lacks is escaped.

    Raises:
        KeyError: The document does not have this format.
    """
    if form not in FORMATS[document]:
        raise KeyError(form)
    pieces: Iterable[bytes | str | Line] = renderer(document, form)(report, options)
    return (piece if isinstance(piece, bytes) else _encoded(piece, options) for piece in pieces)


def _encoded(piece: str | Line, options: RenderOptions) -> bytes:
    text = piece if isinstance(piece, str) else "".join(f"{row}\n" for row in options.screen.draw([piece]))
    return text.encode(options.encoding, "backslashreplace")


def renderer(document: str, form: str) -> Any:
    """Return the renderer of a document in a format."""
    name = f"reconciler.reports.{document.replace('-', '_')}"
    return getattr(import_module(name), f"render_{form}", None) or import_module(f"{name}.{form}").render


def document_type(document: str) -> Any:
    """Return the type of a document as JSON, for `pydantic.TypeAdapter`."""
    return import_module(renderer(document, "json").__module__).DOCUMENT


def json_schema(document: str) -> dict[str, Any]:
    """Return the JSON Schema of one document. Further keys are allowed: a later version may add some."""
    from pydantic import TypeAdapter  # 80 ms, for one of many commands

    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **TypeAdapter(document_type(document)).json_schema(),
    }
