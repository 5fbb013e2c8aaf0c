"""Drift as a comment on a pull request, or as an issue; `reports.comment` bounds its length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from reconciler.core.drift.report import DatasetDrift, Drift, DriftItem
from reconciler.core.spec.choices import DriftClass
from reconciler.reports.comment import SCREEN, Page, code, ended, folded, table, texts
from reconciler.reports.drift import words
from reconciler.reports.drift.text import balance, by_class, caller_lines, item_lines
from reconciler.reports.registry import RenderOptions
from reconciler.reports.screen import error_lines, gap_lines
from reconciler.reports.visible import counted, visible

MARKER: Final = "<!-- reconciler-drift -->"
"""By its first line the comment is found again, and replaced instead of repeated."""

_LABELS: Final = 20


def render(drift: Drift, _options: RenderOptions) -> Iterator[str]:
    """Yield drift as GitHub-flavoured Markdown of at most `LIMIT` characters."""
    page = Page()
    page.take([MARKER, f"### {_title(drift)}", "", *_table(drift)])
    reported = [dataset for dataset in drift.datasets if dataset.items or dataset.errors or dataset.gap]
    if hidden := sum(len(dataset.items) for dataset in reported) - page.take_details(reported, _details):
        many = counted(hidden, "image is", "images are")
        page.take(["", f"**{many} not shown here**; `reconciler drift --report drift.html` shows them."])
    if drift.revision:
        page.take(["", f"<sub>specs of `{drift.revision[:12]}`</sub>"])
    yield str(page)


def _title(drift: Drift) -> str:
    strays = sum(dataset.strays for dataset in drift.datasets)
    number = sum(dataset.drifted for dataset in drift.datasets) - strays
    if number:
        more = f", {strays:,} more {'is' if strays == 1 else 'are'} not in git" if strays else ""
        return f"Drift: {counted(number, 'image')} changed outside git{more}"
    if strays:
        return f"Drift: {counted(strays, 'image is', 'images are')} not in git"
    if any(dataset.error_code or not dataset.complete for dataset in drift.datasets):
        return "Drift: not everything could be observed"
    return "No drift"


def _table(drift: Drift) -> Iterator[str]:
    kinds = [kind for kind in DriftClass if any(dataset.counts[kind] for dataset in drift.datasets)]
    names = "".join(f"{words.CLASSES[kind]} | " for kind in kinds)

    def row(dataset: DatasetDrift) -> str:
        numbers = "".join(f" {dataset.counts[kind]:,} |" for kind in kinds)
        return f"| {code(dataset.name)} | {words.VERDICTS[dataset.verdict]} |{numbers}"

    head = (f"| dataset | verdict | {names}".rstrip(), f"|:--|:--|{'--:|' * len(kinds)}")
    return table(head, drift.datasets, row)


def _details(dataset: DatasetDrift, page: Page, room: int) -> int:
    """Show as much of a dataset as fits into *room*, and return how many images that is."""
    own = folded(f"{code(dataset.name)}: {words.headline(dataset)}", room)
    if not own.lines:
        return 0
    own.take(texts(caller_lines(dataset)))
    own.take(texts([*error_lines(dataset.errors, SCREEN), *gap_lines(dataset.gap)]))
    shown = sum(_group(heading, items, own) for heading, items in by_class(dataset))
    if dataset.labels:
        own.take(["", "# by label", *(f"  {visible(balance(row))}" for row in dataset.labels[:_LABELS])])
    page.take(ended(own))
    return shown


def _group(heading: str, items: Sequence[DriftItem], page: Page) -> int:
    """Show as many images of a class as fit, and return how many those are."""
    return page.take_group(f"# {heading}", (texts(item_lines(item)) for item in items))
