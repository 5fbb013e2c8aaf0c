"""Which images are hashed, and what is remembered of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.core.images.lookup import Stored
from reconciler.engine.images import check
from reconciler.engine.images.check import hash_images

STORED = Stored("e", 9)


class Memory:
    """`CheckedImages` that knows which images were not hashed yet."""

    def __init__(self, count: int) -> None:
        self.left = [(f"s3://b/{number:03}.jpg", STORED) for number in range(count)]
        self.batches: list[Mapping[Stored, int | None]] = []

    def unhashed(self, dataset: str) -> list[tuple[str, Stored]]:
        assert "roses" == dataset
        return self.left

    def put_hashes(self, hashes: Mapping[Stored, int | None]) -> None:
        self.batches.append(hashes)


class Images:
    """`ports.Images` whose content is the number of the image; one was deleted meanwhile."""

    def content(self, bucket: str, key: str, stored: Stored) -> bytes | None:
        assert ("b", STORED) == (bucket, stored)
        return None if key == "001.jpg" else key[:3].encode()


def hashed(count: int) -> tuple[Memory, list[tuple[int, int]]]:
    memory: Any = Memory(count)
    images: Any = Images()
    steps: list[tuple[int, int]] = []
    hash_images("roses", images, memory, lambda data: int(data), lambda *step: steps.append(step))
    return memory, steps


def test_what_was_found_is_kept_batch_by_batch():
    """So that an interrupted command begins where it ended."""
    memory, steps = hashed(130)

    assert [(64, 130), (128, 130), (130, 130)] == steps
    assert 3 == len(memory.batches)


def test_an_image_that_is_gone_has_no_hash():
    """One that cannot be decoded has none either, and is not tried again."""
    (batch,) = hashed(2)[0].batches
    assert {STORED: 0} == batch
    assert ([], []) == (hashed(0)[0].batches, hashed(0)[1])


def test_no_more_than_four_images_are_held_at_a_time():
    """Each whole, and its pixels beside it: twice as many need twice the memory."""
    assert 4 == check._HASHING_THREADS
