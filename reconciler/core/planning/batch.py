"""Packing lines into the fewest updates. An empty batch and an oversize one cannot be built."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

NEWLINE = b"\n"


@dataclass(frozen=True, slots=True)
class Batch(Generic[T]):
    """
    What travels in one update.

    Attributes:
        items: At least one, in the order in which they are sent.
        size: Bytes of the payload: every line and the newline that ends it.
        limit: Most bytes that the payload may have.
    """

    items: tuple[T, ...]
    size: int
    limit: int

    def __post_init__(self) -> None:
        if not self.items:
            raise ValueError("a batch holds at least one line")
        if self.size > self.limit:
            raise ValueError(f"a batch of {self.size} bytes is over its limit of {self.limit}")

    def __len__(self) -> int:
        return len(self.items)


def pack(items: Iterable[tuple[T, int]], limit: int) -> tuple[Batch[T], ...]:
    """
    Fill batches in the given order.

    Each batch but the last is full to within the next line, so that there are at most
    ``ceil(total / (limit - longest + 1))`` of them, and never fewer than ``ceil(total / limit)`` could do.

    Args:
        items: What is sent, each with the bytes of its line, newline excluded.
        limit: Most bytes of one payload.

    Raises:
        ValueError: One line alone is over the limit.
    """
    batches: list[Batch[T]] = []
    pending: list[T] = []
    used = 0
    for item, length in items:
        size = length + len(NEWLINE)
        if pending and used + size > limit:
            batches.append(Batch(tuple(pending), used, limit))
            pending, used = [], 0
        pending.append(item)
        used += size
    if pending:
        batches.append(Batch(tuple(pending), used, limit))
    return tuple(batches)


def payload(lines: Iterable[bytes]) -> bytes:
    """Return the lines as one update carries them, each ended by a newline."""
    return b"".join(line + NEWLINE for line in lines)
