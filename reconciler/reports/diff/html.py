"""What changes between two revisions as one HTML page that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.core.revision_diff import RevisionDiff
from reconciler.reports.diff.text import SIGILS, heading, sentence, total
from reconciler.reports.registry import Options
from reconciler.reports.sentences import DRIFTED, changes, field_name, setting_name
from reconciler.reports.visible import ELLIPSIS, MINUS, counted, side
from reconciler.reports.webpage import rendered, style


def render(diff: RevisionDiff, options: Options) -> Iterator[bytes]:
    """Give the page in UTF-8."""
    return rendered(
        "diff",
        style("reconciler.reports.plan", "page", "plan.css"),
        diff=diff,
        limit=options.page_limit,
        ELLIPSIS=ELLIPSIS,
        MINUS=MINUS,
        counted=counted,
        changes=lambda change: changes(change.fields, change.view, DRIFTED),
        field_name=field_name,
        setting_name=setting_name,
        heading=heading,
        sentence=sentence,
        side=side,
        sigil=lambda action: SIGILS[action].text,
        total=total,
    )
