"""Assign datasets to replicas, with the same answer on every machine and in every version."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b


@dataclass(frozen=True, slots=True)
class Shard:
    """
    One of *count* shards of all datasets.

    Attributes:
        index: From 0.
    """

    index: int
    count: int

    def __post_init__(self) -> None:
        if not 0 <= self.index < self.count:
            raise ValueError(f"shard {self.index} of {self.count}: the first is 0, the last {self.count - 1}")

    def __contains__(self, name: str) -> bool:
        """
        Return whether the dataset of that name belongs to this shard.

        Rendezvous hashing: the shard with the highest bid gets the dataset, so that an added shard takes its
        share from all others and moves nothing between them.
        """
        return max(range(self.count), key=lambda index: _bid(index, name)) == self.index

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"


def _bid(index: int, name: str) -> bytes:
    return blake2b(name.encode(), digest_size=16, salt=index.to_bytes(8, "big")).digest()
