"""A plan as one HTML page that needs nothing else: no network, no script, no other file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sized
from functools import cache
from typing import TYPE_CHECKING, Final

from reconciler.core.moments import moment
from reconciler.core.planning.plan import Plan
from reconciler.reports.plan import words
from reconciler.reports.visible import ELLIPSIS, counted, value
from reconciler.reports.webpage import exactly, ours, policy, style, templates

if TYPE_CHECKING:
    import jinja2

    from reconciler.reports.registry import Options

LIMIT: Final = 1_000
"""Most changes of one kind in a page: some 300 kB of it. The rest is in the JSON."""

_LONGEST_VALUE: Final = 300


def render(plan: Plan, options: Options) -> Iterator[bytes]:
    """Give the page in UTF-8; where the screen has no limit, the page has none."""
    limit = None if options.screen.limit is None else LIMIT
    return (piece.encode() for piece in render_html(plan, limit))


def render_html(plan: Plan, limit: int | None = LIMIT) -> Iterator[str]:
    """
    Give the page, piece by piece.

    Args:
        limit: Most items of one kind that are listed; None for all.
    """
    css = style("reconciler.reports.plan", "page", "plan.css")
    yield from (
        _environment()
        .get_template("plan.html")
        .generate(
            plan=plan,
            title=words.title(plan.datasets),
            css=css,
            policy=policy(f"style-src {exactly(css)}"),
            limit=limit,
            more=_more(limit),
        )
    )


@cache
def _environment() -> jinja2.Environment:
    environment = templates("reconciler.reports.plan", "page")
    environment.globals |= {
        "SIGILS": words.SIGILS,
        "counted": counted,
        "groups": words.groups,
        "moment": moment,
        "selection": words.selection,
        "side": _side,
        "headline": words.headline,
        "summary": words.summary,
        "whereabouts": words.whereabouts,
    }
    return environment


def _side(content: object) -> str:
    return "(none)" if content is None else value(content, _LONGEST_VALUE)


def _more(limit: int | None) -> Callable[[Sized], str]:
    """Return the function that counts, below a list, the items that are not shown."""

    def more(items: Sized) -> str:
        left = len(items) - (len(items) if limit is None else limit)
        return (
            ours(f'\n<p class="dim">{ELLIPSIS} and {left:,} more; --all shows them</p>') if left > 0 else ""
        )

    return more
