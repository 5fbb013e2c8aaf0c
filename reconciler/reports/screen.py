"""
Lines for a terminal, and those that several reports show alike.

A line is made of spans, and only `Screen.draw` turns them into text. What it draws is visible and stays on
its line, whatever the spans hold, so that no label can move the cursor, hide a change, or invent one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from msgspec import Struct

from reconciler.core.validation.problem import Origin
from reconciler.reports.visible import ELLIPSIS, visible

if TYPE_CHECKING:
    from reconciler.core.planning.plan import PlanError

T = TypeVar("T")


class Ink(StrEnum):
    """How a span stands out: parameters of the terminal's SGR sequence (ECMA-48, 8.3.117)."""

    PLAIN = ""
    BOLD = "1"
    DIM = "2"
    RED = "31"
    GREEN = "32"
    YELLOW = "33"
    CYAN = "36"
    ALARM = "1;31"


class Span(NamedTuple):
    """A piece of a line, raw."""

    text: str
    ink: Ink = Ink.PLAIN


class More(NamedTuple):
    """The end of a shortened list: how many items are not shown."""

    number: int


Line = tuple[Span | More, ...]
NOTHING: Line = ()

# Longer than an S3 address can be: what is cut was never one.
LONGEST_NAME: Final = 1_200

_HANGING: Final = 4
_PIECES: Final = re.compile(r" +[^ ]*|[^ ]+")


class Screen(Struct, frozen=True):
    """
    The place where text is shown, and how much of it fits.

    Attributes:
        width: Columns. Values are shortened to it; names never are, for they are there to be copied.
        colour: Whether to colour. The caller knows the terminal and NO_COLOR.
        limit: Most items of one kind that are listed; None for all.
        wraps: Whether longer lines are continued below, at their spaces: on a terminal, which breaks words.
        all_flag: The flag of the command that lists all; empty if it has none.
    """

    width: int = 100
    colour: bool = False
    limit: int | None = 20
    all_flag: str = ""
    wraps: bool = False

    def draw(self, lines: Iterable[Line]) -> Iterator[str]:
        """Yield each line as text, without its line end."""
        shown = (part for content in lines for part in self._wrapped(content)) if self.wraps else lines
        return ("".join(map(self._span, content)) for content in shown)

    def _wrapped(self, content: Line) -> Iterator[Line]:
        """Split a line at its spaces into lines of the screen; continued lines are indented by four more."""
        spans = [span if isinstance(span, Span) else self._more(span) for span in content]
        text = "".join(visible(span.text) for span in spans)
        if len(text) <= self.width:
            yield tuple(spans)
            return
        indent = Span(" " * (len(text) - len(text.lstrip()) + _HANGING))
        row: list[Span] = []
        taken = 0
        for word in _words(spans):
            size = sum(len(span.text) for span in word)
            if taken + size > self.width and any(span.text.strip() for span in row):
                yield tuple(row)
                row = [indent, word[0]._replace(text=word[0].text.lstrip()), *word[1:]]
                taken = sum(len(span.text) for span in row)
            else:
                row += word
                taken += size
        yield tuple(row)

    def _more(self, more: More) -> Span:
        hint = f": {self.all_flag}" if self.all_flag else ""
        return Span(f"{ELLIPSIS} and {more.number:,} more{hint}", Ink.DIM)

    def _span(self, span: Span | More) -> str:
        if isinstance(span, More):
            span = self._more(span)
        text = visible(span.text)
        return f"\x1b[{span.ink}m{text}\x1b[0m" if self.colour and span.ink and text else text


PLAIN = Screen()


def _words(spans: Iterable[Span]) -> Iterator[list[Span]]:
    """Yield the words of a line, each with the spaces before it and in the inks of its parts."""
    word: list[Span] = []
    for span in spans:
        for piece in _PIECES.findall(visible(span.text)):
            if piece[0] == " " and any(part.text.strip() for part in word):
                yield word
                word = []
            word.append(Span(piece, span.ink))
    if word:
        yield word


def line(*parts: str | Span | More) -> Line:
    """Make a line; plain text needs no span."""
    return tuple(Span(part) if isinstance(part, str) else part for part in parts)


def indented(lines: Iterable[Line], by: int = 2) -> Iterator[Line]:
    return ((Span(" " * by), *content) if content else content for content in lines)


def stacked(blocks: Iterable[Iterable[Line]]) -> Iterator[Line]:
    """Put blocks under one another with an empty line between; a block without lines leaves no gap."""
    started = False
    for block in blocks:
        for number, content in enumerate(block):
            if started and number == 0:
                yield NOTHING
            started = True
            yield content


def first_of(items: Sequence[T], limit: int | None, show: Callable[[T], Iterable[Line]]) -> Iterator[Line]:
    """Show the first *limit* items, and count the rest."""
    shown = items if limit is None else items[:limit]
    for item in shown:
        yield from show(item)
    if left := len(items) - len(shown):
        yield line(More(left))


def error_lines(errors: Sequence[PlanError], screen: Screen) -> Iterator[Line]:
    """Yield each error: its place, its message and its code."""

    def show(error: PlanError) -> Iterable[Line]:
        where = f"{error.origin}: " if error.origin else ""
        yield line(where, Span("error", Ink.RED), f": {error.message} ", Span(f"({error.code})", Ink.DIM))

    return first_of(errors, screen.limit, show)


def gap_lines(gap: str | None) -> Iterator[Line]:
    """Warn that there may be more than was observed."""
    if gap is not None:
        yield line(Span("Incomplete", Ink.YELLOW), f": {gap}: there may be more")


def place_span(origin: Origin | None) -> Span:
    """Return the place of an entry, for the end of a line; without a column."""
    return Span(f"  {origin.file}:{origin.line}" if origin else "", Ink.DIM)
