"""What changes between two revisions as a comment on a pull request; `reports.comment` bounds and escapes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from reconciler.core.revision_diff import DatasetDiff, RevisionDiff
from reconciler.reports.comment import SCREEN, Page, code, ended, folded, table, texts
from reconciler.reports.diff.text import heading, image_lines, label_line, setting_line, total
from reconciler.reports.registry import RenderOptions
from reconciler.reports.screen import error_lines, first_of, line
from reconciler.reports.visible import counted

MARKER: Final = "<!-- reconciler-diff -->"
"""By its first line the comment is found again, and replaced instead of repeated."""

_LABELS: Final = 20


def render(diff: RevisionDiff, _options: RenderOptions) -> Iterator[str]:
    """Yield the changes as GitHub-flavoured Markdown of at most `LIMIT` characters."""
    page = Page()
    head = ("| dataset | | added | changed | removed | unchanged |", "|:--|:--|--:|--:|--:|--:|")
    page.take([MARKER, f"### {total(diff)}", "", *table(head, diff.datasets, _row)])
    shown = [dataset for dataset in diff.datasets if dataset.differs or dataset.errors]
    if hidden := sum(len(dataset.changes) for dataset in shown) - page.take_details(shown, _details):
        many = counted(hidden, "image is", "images are")
        page.take(["", f"**{many} not shown here**; `reconciler diff --all` shows them."])
    if diff.problems:
        page.take(["", f"**{counted(len(diff.problems), 'more error')}**; `reconciler validate` names them."])
    page.take(["", f"<sub>{code(heading(diff))}</sub>"])
    yield str(page)


def _row(dataset: DatasetDiff) -> str:
    found = dataset.numbers
    numbers = (found.added, found.changed, found.removed, found.unchanged)
    cells = (code(dataset.name), dataset.state.value, *(f"{number:,}" for number in numbers))
    return f"| {' | '.join(cells)} |"


def _details(diff: DatasetDiff, page: Page, room: int) -> int:
    """Show as much of a dataset as fits into *room*, and return how many images that is."""
    was = f", was {code(diff.was)}" if diff.was else ""
    own = folded(f"{code(diff.name)}: {diff.state.value}{was}", room)
    if not own.lines:
        return 0
    own.take(texts(error_lines(diff.errors, SCREEN)))
    if diff.labels:
        own.take(
            ["# by label", *texts(first_of(diff.labels, _LABELS, lambda row: [line("  ", *label_line(row))]))]
        )
    if diff.settings:
        own.take(["# settings", *texts(setting_line(field, SCREEN.width) for field in diff.settings)])
    shown = own.take_group("# images", (texts(image_lines(change, SCREEN.width)) for change in diff.changes))
    page.take(ended(own))
    return shown
