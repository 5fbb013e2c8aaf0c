"""Hash the images of a dataset by what they look like. Reads each whole, once while it does not change."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from reconciler.core.entries.entry import bucket_and_key
from reconciler.core.images.lookup import Stored
from reconciler.ports import CheckedImages, Images

HashOf = Callable[[bytes], int | None]
"""Returns the perceptual hash of an image; None if it has none."""

# Half of those that read headers: each holds an image whole, and its pixels.
_THREADS: Final = 4
_BATCH: Final = 64


def hash_images(
    dataset: str, images: Images, memory: CheckedImages, hash_of: HashOf, step: Callable[[int, int], object]
) -> None:
    """
    Hash the images that were not hashed yet, and remember the hashes batch by batch.

    Args:
        step: Called after each batch with how many are done, of how many.

    Raises:
        GatewayError: An image could not be read.
    """

    def hashed(item: tuple[str, Stored]) -> tuple[Stored, int | None] | None:
        source_ref, stored = item
        data = images.content(*bucket_and_key(source_ref), stored)
        return None if data is None else (stored, hash_of(data))

    left = memory.unhashed(dataset)
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="hashes") as pool:
        for start in range(0, len(left), _BATCH):
            found = pool.map(hashed, left[start : start + _BATCH])
            memory.put_hashes(dict(filter(None, found)))
            step(min(start + _BATCH, len(left)), len(left))
