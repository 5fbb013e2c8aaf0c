"""What the engine reports to a tracer: the duration and the result of each step."""

from __future__ import annotations

from contextlib import AbstractContextManager
from types import TracebackType
from typing import Protocol, Self, TypeAlias

Value: TypeAlias = str | int | None


class Span(Protocol):
    """One step while it lasts. Its attributes hold names, counts and codes: never content of an entry."""

    def note(self, **attributes: Value) -> None:
        """Add attributes; those that are None are left out."""
        ...

    def fail(self, kind: str) -> None:
        """Say that the step failed, and how, by the name of an error or a code."""
        ...


class Tracer(Protocol):
    """Takes spans. Never needed for correctness: no method of it, nor of its spans, raises anything."""

    def span(self, name: str, **attributes: Value) -> AbstractContextManager[Span]:
        """
        Open a span within the one that is open in this thread, for as long as the block runs.

        An exception that ends the block is noted by the name of its type, and goes on.
        """
        ...


class Untraced:
    """A `Tracer` that does nothing, and its only span."""

    def span(self, name: str, **attributes: Value) -> Self:
        """Return what does nothing."""
        del name, attributes
        return self

    def note(self, **attributes: Value) -> None:
        """Do nothing."""

    def fail(self, kind: str) -> None:
        """Do nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let everything pass."""
