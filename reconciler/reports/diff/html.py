"""What changes between two revisions as one HTML page that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Final

from reconciler.core.revision_diff import RevisionDiff
from reconciler.reports.diff.text import SIGILS, heading, sentence, total
from reconciler.reports.sentences import DRIFTED, changes, field_name, setting_name
from reconciler.reports.visible import ELLIPSIS, MINUS, counted, side
from reconciler.reports.webpage import rendered, style, templates

if TYPE_CHECKING:
    import jinja2

    from reconciler.reports.registry import Options

LIMIT: Final = 1_000
"""Most images of one dataset in a page. The rest is in the JSON."""


def render(diff: RevisionDiff, options: Options) -> Iterator[bytes]:
    """Give the page in UTF-8; where the screen has no limit, the page has none."""
    limit = None if options.screen.limit is None else LIMIT
    css = style("reconciler.reports.plan", "page", "plan.css")
    return rendered(_environment().get_template("diff.html"), css, diff=diff, limit=limit)


@cache
def _environment() -> jinja2.Environment:
    environment = templates("reconciler.reports.diff", "page")
    environment.globals |= {
        "ELLIPSIS": ELLIPSIS,
        "MINUS": MINUS,
        "counted": counted,
        "changes": lambda change: changes(change.fields, change.view, DRIFTED),
        "field_name": field_name,
        "setting_name": setting_name,
        "heading": heading,
        "sentence": sentence,
        "side": side,
        "sigil": lambda action: SIGILS[action].text,
        "total": total,
    }
    return environment
