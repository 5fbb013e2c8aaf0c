"""
What every page is made with: templates, the colours and rules that all begin with, and a policy.

A page asks for nothing that is not in it. Its style and its script are ours and stand in it whole; its policy
allows these, by their digests, and nothing else: text from outside could not act even if it were not escaped.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from reconciler.reports.visible import visible

if TYPE_CHECKING:
    import jinja2
    from markupsafe import Markup

_BEGINNING: Final = ("palette.css", "ground.css")


@cache
def templates(package: str, place: str) -> jinja2.Environment:
    """
    Return the templates in a folder of *package*, by which no text from outside is more than text.

    ``head.html``, which they share, begins a page up to its body; it needs title, policy and css.
    """
    import jinja2  # 40 ms, for some of many formats

    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader(
            [jinja2.PackageLoader(package, place), jinja2.PackageLoader("reconciler.reports", "page")]
        ),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_in_sight,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["amount"] = "{:,}".format
    return environment


@cache
def style(package: str, folder: str, *names: str, beginning: bool = True) -> Markup:
    """
    Return the style of a page, from files of *package* in order.

    Args:
        beginning: Whether it begins with what all pages begin with.
    """
    first = (_text("reconciler.reports", "page", part) for part in _BEGINNING if beginning)
    return ours("".join((*first, *(_text(package, folder, name) for name in names))))


@cache
def script(package: str, folder: str, *names: str) -> Markup:
    """Return the script of a page, from files of *package* in order."""
    return ours("".join(_text(package, folder, name) for name in names))


def ours(text: str) -> Markup:
    """Return text of our own, in which nothing is from outside, that may stand in a page as it is."""
    from markupsafe import Markup

    return Markup(text)  # noqa: S704  what the caller promises


def policy(*allowed: str, forms: str = "'none'") -> str:
    """
    Return a Content-Security-Policy: what is *allowed*, and no more.

    Args:
        forms: Where forms of the page may be sent.
    """
    return "; ".join(("default-src 'none'", *allowed, "base-uri 'none'", f"form-action {forms}"))


def rendered(document: str, css: Markup, *allowed: str, **content: object) -> Iterator[bytes]:
    """
    Yield the page of a document in UTF-8, piece by piece; its policy allows its style and what is *allowed*.

    Its template is ``DOCUMENT.html``, in ``page`` of the folder of the document or of all reports.
    """
    page = templates(f"reconciler.reports.{document}", "page").get_template(f"{document}.html")
    for piece in page.generate(css=css, policy=policy(*allowed, f"style-src {hash_source(css)}"), **content):
        yield piece.encode()


def hash_source(text: str) -> str:
    """Return the hash source of a style or a script, by which a Content-Security-Policy allows it alone."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _text(package: str, *name: str) -> str:
    return files(package).joinpath(*name).read_text("utf-8")


def _in_sight(content: Any) -> Any:
    """Escape characters that would turn or hide their neighbours; HTML is escaped afterwards."""
    return visible(content) if type(content) is str else content
