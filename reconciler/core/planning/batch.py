"""Pack lines into updates. An empty or oversize batch cannot be built."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

NEWLINE = b"\n"


@dataclass(frozen=True, slots=True)
class Batch(Generic[T]):
    """
    The lines of one update.

    Attributes:
        items: At least one, in the order in which they are sent.
        size: Payload bytes, including the newline that ends each line.
        limit: Maximum payload bytes.
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
    Pack items into batches in the given order.

    A batch is closed only when the next line does not fit, so there are at least ``ceil(total / limit)``
    batches and at most ``ceil(total / (limit - longest + 1))``.

    Args:
        items: Items to send, each with the bytes of its line, newline excluded.
        limit: Maximum bytes of one payload.

    Raises:
        ValueError: A single line exceeds the limit.
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
    """Join lines into the payload of one update, each ended by a newline."""
    return b"".join(line + NEWLINE for line in lines)
