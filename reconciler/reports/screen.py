"""
Lines for a terminal.

A line is made of spans, and only `Screen.draw` turns them into text. What it draws is visible and stays on
its line, whatever the spans hold, so that no label can move the cursor, hide a change, or invent one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, TypeVar

from reconciler.reports.visible import ELLIPSIS, visible

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


@dataclass(frozen=True, slots=True)
class Screen:
    """
    The place where text is shown, and how much of it fits.

    Attributes:
        width: Columns. Values are shortened to it; names never are, for they are there to be copied.
        colour: Whether to colour. The caller knows the terminal and NO_COLOR.
        limit: Most items of one kind that are listed; None for all.
        all_flag: The flag of the command that lists all; empty if it has none.
    """

    width: int = 100
    colour: bool = False
    limit: int | None = 20
    all_flag: str = ""

    def draw(self, lines: Iterable[Line]) -> Iterator[str]:
        """Give each line as text, without its line end."""
        return ("".join(map(self._span, content)) for content in lines)

    def _span(self, span: Span | More) -> str:
        if isinstance(span, More):
            hint = f": {self.all_flag}" if self.all_flag else ""
            span = Span(f"{ELLIPSIS} and {span.number:,} more{hint}", Ink.DIM)
        text = visible(span.text)
        return f"\x1b[{span.ink}m{text}\x1b[0m" if self.colour and span.ink and text else text


PLAIN = Screen()


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


def listed(items: Sequence[T], limit: int | None, show: Callable[[T], Iterable[Line]]) -> Iterator[Line]:
    """Show the first *limit* items, and count the rest."""
    shown = items if limit is None else items[:limit]
    for item in shown:
        yield from show(item)
    if left := len(items) - len(shown):
        yield line(More(left))
