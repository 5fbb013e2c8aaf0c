"""
A plan as a comment on a pull request.

Never longer than `LIMIT`, by construction: a `Page` takes a piece only where there is room for it and for all
that must still follow. Whatever was read from outside stands in a code block, whose lines cannot end it, or
is escaped character by character; so no label becomes markup, a mention, or a link.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from reconciler.core.plan import DatasetPlan, Plan
from reconciler.reports import words
from reconciler.reports.text.plan import change_lines, error_lines, errored_lines, guard_line
from reconciler.reports.text.screen import Line, Screen
from reconciler.reports.visible import counted, shortened, visible

MARKER: Final = "<!-- reconciler-plan -->"
"""By its first line the comment is found again, and replaced instead of repeated."""

LIMIT: Final = 65_000
"""Characters. GitHub refuses more than 65,536."""

# Kept free for the last lines, which are bounded themselves: numbers, a digest, part of a revision.
_RESERVED: Final = 500

_NOTES: Final = Screen(width=120, limit=10)
_LONGEST_NOTE: Final = 400
_LONGEST_NAME: Final = 63
_ROWS: Final = 100
_OPEN: Final = "```text"
_CLOSE: Final = "```"


class Page:
    """
    Text that never gets longer than it may.

    Attributes:
        room: How much more it takes, by `_length`.
    """

    def __init__(self, room: int) -> None:
        self.room = room
        self.lines: list[str] = []

    def take(self, lines: Sequence[str]) -> bool:
        """Add all the lines, or none where there is no room for them; tell which."""
        needed = _length(lines)
        if needed > self.room:
            return False
        self.room -= needed
        self.lines += lines
        return True

    def __str__(self) -> str:
        return "".join(f"{text}\n" for text in self.lines)


def render_markdown(plan: Plan) -> str:
    """Return a plan as GitHub-flavoured Markdown of at most `LIMIT` characters."""
    page = Page(LIMIT - _RESERVED)
    page.take([MARKER, f"### {words.title(plan.datasets)}", "", *_table(plan.datasets)])
    notes = [found for dataset in plan.datasets if (found := _notes(dataset))]
    untold = sum(not page.take(found) for found in notes)
    changed = [dataset for dataset in plan.datasets if dataset.changes]
    hidden = 0
    for number, dataset in enumerate(changed):
        shown = _details(dataset, page, page.room // (len(changed) - number))
        hidden += len(dataset.changes) - shown
    page.room += _RESERVED
    page.take(["", *_footer(plan, hidden, untold)])
    return str(page)


def _table(plans: Sequence[DatasetPlan]) -> Iterator[str]:
    if plans:
        yield "| dataset | add | update | not sent | orphans | unchanged | |"
        yield "|:--|--:|--:|--:|--:|--:|:--|"
    for plan in plans[:_ROWS]:
        found = words.tally(plan)
        numbers = (found.add, found.update, found.held, found.orphan, found.unchanged)
        cells = (_code(plan.name), *(f"{number:,}" for number in numbers), words.standing(plan))
        yield f"| {' | '.join(cells)} |"
    if len(plans) > _ROWS:
        yield ""
        yield f"and {counted(len(plans) - _ROWS, 'more dataset')}"


def _notes(plan: DatasetPlan) -> list[str]:
    """Say, in sight, what stands in the way of this plan."""
    found = [
        *map(guard_line, plan.guards),
        *error_lines(plan.errors, _NOTES),
        *errored_lines(plan, _NOTES),
    ]
    texts = [shortened(text, _LONGEST_NOTE) for text in _NOTES.draw(found)]
    return ["", f"**{_code(plan.name)}**", "", _OPEN, *texts, _CLOSE] if texts else []


def _details(plan: DatasetPlan, page: Page, room: int) -> int:
    """Show as many changes as fit into *room*, and return how many those are."""
    summary = f"<details><summary>{_code(plan.name)}: {words.tally(plan)}</summary>"
    closing = [_CLOSE, "", "</details>"]
    own = Page(room - _length(closing))
    own.take(["", summary, "", _OPEN])
    shown = sum(_group(group, own) for group in words.groups(plan)) if own.lines else 0
    if shown:
        page.take([*own.lines, *closing])
    return shown


def _group(group: words.Group, page: Page) -> int:
    """Show as many changes of a group as fit, and return how many those are."""
    heading = [f"# {group.heading}"]
    for number, item in enumerate(group.items):
        texts = _texts(change_lines(item, _NOTES.width))
        if not page.take(texts if number else heading + texts):
            return number
    return len(group.items)


def _footer(plan: Plan, hidden: int, untold: int) -> Iterator[str]:
    if hidden:
        many = counted(hidden, "change is", "changes are")
        yield f"**{many} not shown here**; `reconciler plan --all` shows them."
        yield ""
    if untold:
        yield f"**What stands in the way of {counted(untold, 'more dataset')} is not shown here.**"
        yield ""
    revision = f", specs of {_code(plan.revision[:12])}" if plan.revision else ""
    yield f"<sub>plan {_code(plan.digest)}{revision}</sub>"


def _texts(lines: Iterable[Line]) -> list[str]:
    return list(_NOTES.draw(lines))


def _code(text: str) -> str:
    """Return a short text as inline code; what could be markup becomes a reference, and is none."""
    plain = shortened(visible(text), _LONGEST_NAME)
    return f"<code>{''.join(c if c.isalnum() or c == '-' else f'&#{ord(c)};' for c in plain)}</code>"


def _length(lines: Iterable[str]) -> int:
    """Count lines and their ends in UTF-16 units: never fewer than characters, whoever counts those."""
    return sum(len(text.encode("utf-16-le")) // 2 + 1 for text in lines)
