"""A plan as one HTML page that needs nothing else: no network, no script, no other file."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator, Sized
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from reconciler.core.plan import Plan
from reconciler.reports import words
from reconciler.reports.visible import ELLIPSIS, counted, moment, value, visible

if TYPE_CHECKING:
    import jinja2

LIMIT: Final = 1_000
"""Most changes of one kind in a page: some 300 kB of it. The rest is in the JSON."""

_LONGEST_VALUE: Final = 300


def render_html(plan: Plan, limit: int | None = LIMIT) -> Iterator[str]:
    """
    Give the page, piece by piece.

    Args:
        limit: Most items of one kind that are listed; None for all.
    """
    css = files("reconciler.reports").joinpath("page", "plan.css").read_text("utf-8")
    yield from (
        _environment()
        .get_template("plan.html")
        .generate(
            plan=plan,
            title=words.title(plan.datasets),
            css=_ours(css),
            policy=f"default-src 'none'; style-src 'sha256-{_hash(css)}'; base-uri 'none'; form-action 'none'",
            limit=limit,
            more=_more(limit),
        )
    )


@cache
def _environment() -> jinja2.Environment:
    import jinja2  # 40 ms, for one of many formats

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("reconciler.reports", "page"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_in_sight,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "SIGILS": words.SIGILS,
        "counted": counted,
        "groups": words.groups,
        "moment": moment,
        "side": _side,
        "standing": words.standing,
        "summary": words.summary,
        "whereabouts": words.whereabouts,
    }
    return environment


def _in_sight(content: Any) -> Any:
    """Let no text from outside turn or hide what stands beside it; escaping comes after this."""
    return visible(content) if type(content) is str else content


def _side(content: object) -> str:
    return "(none)" if content is None else value(content, _LONGEST_VALUE)


def _more(limit: int | None) -> Callable[[Sized], str]:
    """Return what says, below a list, how much of it is not shown."""

    def more(items: Sized) -> str:
        left = len(items) - (len(items) if limit is None else limit)
        return (
            _ours(f'\n<p class="dim">{ELLIPSIS} and {left:,} more; --all shows them</p>') if left > 0 else ""
        )

    return more


def _ours(text: str) -> Any:
    """Return text of our own that may stand in the page as it is."""
    from markupsafe import Markup

    return Markup(text)  # noqa: S704  nothing from outside is in it


def _hash(text: str) -> str:
    return b64encode(sha256(text.encode()).digest()).decode()
