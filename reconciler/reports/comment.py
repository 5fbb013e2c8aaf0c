"""
A comment on a pull request, or an issue: what every one of them is made with.

Never longer than `LIMIT`, by construction: a `Page` takes a piece only where there is room for it and for all
that must still follow. A piece is whole lines: no sentence is cut. Whatever was read from outside stands in a
code block, whose lines cannot end it, or is escaped character by character; so no label becomes markup, a
mention, or a link.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, TypeVar

from reconciler.reports.screen import Line, Screen
from reconciler.reports.visible import counted, shortened, visible

T = TypeVar("T")

LIMIT: Final = 65_000
"""Characters. GitHub refuses more than 65,536."""

RESERVED: Final = 500
"""Reserved for the last lines, which are bounded themselves: numbers, a digest, part of a revision."""

ROWS: Final = 100
"""Most datasets in a table."""

SCREEN: Final = Screen(width=120, limit=10)
OPEN: Final = "```text"
CLOSE: Final = "```"

_LONGEST_NAME: Final = 63
_ENDING: Final = (CLOSE, "", "</details>")


class Page:
    """
    Text that never gets longer than it may.

    Attributes:
        room: How much more it takes, by `_length`.
    """

    def __init__(self, room: int = LIMIT - RESERVED) -> None:
        self.room = room
        self.lines: list[str] = []

    def take(self, lines: Sequence[str]) -> bool:
        """Add all lines, or none if they do not fit; return whether they were added."""
        needed = _length(lines)
        if needed > self.room:
            return False
        self.room -= needed
        self.lines += lines
        return True

    def take_group(self, heading: str, items: Iterable[Sequence[str]]) -> int:
        """Add the items that fit, below their heading, and return their number."""
        taken = 0
        for texts in items:
            if not self.take(texts if taken else [heading, *texts]):
                break
            taken += 1
        return taken

    def __str__(self) -> str:
        return "".join(f"{text}\n" for text in self.lines)

    def take_details(self, items: Sequence[T], show: Callable[[T, Page, int], int]) -> int:
        """
        Add the details of items, and then free the room for the last lines; return how much is shown.

        Args:
            show: Adds those of one item, in its share of the room that is left, and returns how much it shows.
        """
        shown = 0
        for number, item in enumerate(items):
            shown += show(item, self, self.room // (len(items) - number))
        self.room += RESERVED
        return shown


def table(head: Sequence[str], items: Sequence[T], row: Callable[[T], str]) -> Iterator[str]:
    """Yield a row for each of the first datasets, below the lines of the head, and how many more there are."""
    if items:
        yield from head
    yield from map(row, items[:ROWS])
    if len(items) > ROWS:
        yield ""
        yield f"and {counted(len(items) - ROWS, 'more dataset')}"


def texts(lines: Iterable[Line]) -> list[str]:
    """Draw lines for a code block."""
    return list(SCREEN.draw(lines))


def folded(summary: str, room: int) -> Page:
    """Begin a section that a reader can unfold; it stays empty if not even its summary fits."""
    page = Page(room - _length(_ENDING))
    page.take(["", f"<details><summary>{summary}</summary>", "", OPEN])
    return page


def ended(page: Page) -> Sequence[str]:
    """Return the lines of a section that `folded` began, with its end."""
    return [*page.lines, *_ENDING]


def code(text: str, most: int = _LONGEST_NAME) -> str:
    """Return a short text as inline code; what could be markup becomes a character reference."""
    plain = shortened(visible(text), most)
    return f"<code>{''.join(c if c.isalnum() or c == '-' else f'&#{ord(c)};' for c in plain)}</code>"


def _length(lines: Iterable[str]) -> int:
    """Count lines and their ends in UTF-16 units: never fewer than its characters."""
    return sum(len(text.encode("utf-16-le")) // 2 + 1 for text in lines)
