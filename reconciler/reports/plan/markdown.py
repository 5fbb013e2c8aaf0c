"""A plan as a comment on a pull request; `reports.comment` bounds its length and escapes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from reconciler.core.planning.plan import DatasetPlan, Plan
from reconciler.reports.comment import CLOSE, OPEN, ROWS, SCREEN, Page, code, ended, folded, table, texts
from reconciler.reports.plan import words
from reconciler.reports.plan.text import (
    change_lines,
    errored_lines,
    guard_line,
    images,
    label_summaries,
    title,
)
from reconciler.reports.registry import RenderOptions
from reconciler.reports.screen import error_lines, gap_lines, line
from reconciler.reports.visible import counted

_HEAD: Final = (
    "| dataset | add | update | not sent | orphans | unchanged | |",
    "|:--|--:|--:|--:|--:|--:|:--|",
)
_LONGEST_SUMMARY: Final = 5_000
"""More than the labels of a summary can take."""

MARKER: Final = "<!-- reconciler-plan -->"
"""By its first line the comment is found again, and replaced instead of repeated."""


def render(plan: Plan, _options: RenderOptions) -> Iterator[str]:
    """Yield a plan as GitHub-flavoured Markdown of at most `LIMIT` characters."""
    page = Page()
    selected = [f"Selected: {code(words.selection(plan.selection))}", ""] if plan.selection else []
    page.take([MARKER, f"### {title(plan.datasets)}", "", *selected, *table(_HEAD, plan.datasets, _row)])
    page.take([text for dataset in plan.datasets[:ROWS] for text in _by_label(dataset)])
    notes = [found for dataset in plan.datasets if (found := _notes(dataset))]
    omitted = sum(not page.take(found) for found in notes)
    changed = [dataset for dataset in plan.datasets if dataset.changes]
    hidden = sum(not item.is_not_selected for dataset in changed for item in dataset.changes)
    hidden -= page.take_details(changed, _details)
    page.take(["", *_footer(plan, hidden, omitted)])
    yield str(page)


def _row(plan: DatasetPlan) -> str:
    found = words.tally(plan)
    left = found.withheld + found.not_selected
    numbers = (found.add, found.update, left, found.orphan, found.unchanged)
    cells = (code(plan.name), *(f"{number:,}" for number in numbers), words.headline(plan))
    return f"| {' | '.join(cells)} |"


def _by_label(plan: DatasetPlan) -> Iterator[str]:
    for name, text in label_summaries(plan):
        yield from ("", f"{code(plan.name)} {name.lower()}: {code(text, _LONGEST_SUMMARY)}")


def _notes(plan: DatasetPlan) -> list[str]:
    """Return the obstacles to this plan, for the visible part of the comment."""
    found = [
        *map(guard_line, plan.guards),
        *error_lines(plan.errors, SCREEN),
        *gap_lines(plan.gap),
        *(line(text) for text in (words.closed(plan), images(plan)) if text),
        *errored_lines(plan, SCREEN),
    ]
    rows = texts(found)
    return ["", f"**{code(plan.name)}**", "", OPEN, *rows, CLOSE] if rows else []


def _details(plan: DatasetPlan, page: Page, room: int) -> int:
    """Show as many changes as fit into *room*, and return how many those are."""
    own = folded(f"{code(plan.name)}: {words.tally(plan)}", room)
    shown = sum(_group(group, own) for group in words.groups(plan)) if own.lines else 0
    if shown:
        page.take(ended(own))
    return shown


def _group(group: words.Group, page: Page) -> int:
    return page.take_group(
        f"# {group.heading}", (texts(change_lines(item, SCREEN.width)) for item in group.selected)
    )


def _footer(plan: Plan, hidden: int, omitted: int) -> Iterator[str]:
    if hidden:
        many = counted(hidden, "change is", "changes are")
        yield f"**{many} not shown here**; `reconciler plan --all` shows them."
        yield ""
    if omitted:
        yield f"**What stands in the way of {counted(omitted, 'more dataset')} is not shown here.**"
        yield ""
    revision = f", specs of {code(plan.revision[:12])}" if plan.revision else ""
    yield f"<sub>plan {code(plan.digest)}{revision}</sub>"
