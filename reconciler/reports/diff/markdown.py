"""What changes between two revisions as a comment on a pull request; `reports.comment` bounds and escapes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from reconciler.core.revision_diff import DatasetDiff, RevisionDiff
from reconciler.reports.comment import RESERVED, ROWS, SCREEN, Page, code, ended, folded
from reconciler.reports.diff.text import heading, image_lines, label_line, setting_line, total
from reconciler.reports.plan.text import error_lines
from reconciler.reports.screen import Line, first_of, line
from reconciler.reports.visible import counted

if TYPE_CHECKING:
    from reconciler.reports.registry import Options

MARKER: Final = "<!-- reconciler-diff -->"
"""By its first line the comment is found again, and replaced instead of repeated."""

_LABELS: Final = 20


def render(diff: RevisionDiff, _options: Options) -> Iterator[str]:
    """Give the changes as GitHub-flavoured Markdown of at most `LIMIT` characters."""
    page = Page()
    page.take([MARKER, f"### {total(diff)}", "", *_table(diff)])
    shown = [dataset for dataset in diff.datasets if dataset.differs or dataset.errors]
    hidden = 0
    for number, dataset in enumerate(shown):
        hidden += len(dataset.changes) - _details(dataset, page, page.room // (len(shown) - number))
    page.room += RESERVED
    if hidden:
        many = counted(hidden, "image is", "images are")
        page.take(["", f"**{many} not shown here**; `reconciler diff --all` shows them."])
    if diff.problems:
        page.take(["", f"**{counted(len(diff.problems), 'more error')}**; `reconciler validate` names them."])
    page.take(["", f"<sub>{code(heading(diff))}</sub>"])
    yield str(page)


def _table(diff: RevisionDiff) -> Iterator[str]:
    if diff.datasets:
        yield "| dataset | | added | changed | removed | unchanged |"
        yield "|:--|:--|--:|--:|--:|--:|"
    for dataset in diff.datasets[:ROWS]:
        found = dataset.numbers
        numbers = (found.added, found.changed, found.removed, found.unchanged)
        cells = (code(dataset.name), dataset.state.value, *(f"{number:,}" for number in numbers))
        yield f"| {' | '.join(cells)} |"
    if len(diff.datasets) > ROWS:
        yield ""
        yield f"and {counted(len(diff.datasets) - ROWS, 'more dataset')}"


def _details(diff: DatasetDiff, page: Page, room: int) -> int:
    """Show as much of a dataset as fits into *room*, and return how many images that is."""
    was = f", was {code(diff.was)}" if diff.was else ""
    own = folded(f"{code(diff.name)}: {diff.state.value}{was}", room)
    if not own.lines:
        return 0
    own.take(_texts(error_lines(diff.errors, SCREEN)))
    if diff.labels:
        own.take(
            [
                "# by label",
                *_texts(first_of(diff.labels, _LABELS, lambda row: [line("  ", *label_line(row))])),
            ]
        )
    if diff.settings:
        own.take(["# settings", *_texts(setting_line(field, SCREEN.width) for field in diff.settings)])
    shown = own.take_group("# images", (_texts(image_lines(change, SCREEN.width)) for change in diff.changes))
    page.take(ended(own))
    return shown


def _texts(lines: Iterable[Line]) -> list[str]:
    return list(SCREEN.draw(lines))
