"""Look up the images of one bucket, by the requests that `core.images.lookup` asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

from reconciler.core.images.judgement import CheckedImage
from reconciler.core.images.lookup import Decided, HeadRequests, Lookup, Stored
from reconciler.errors import Denied, NoCredentials
from reconciler.ports import Images


class FoundImage(NamedTuple):
    """
    An image that was looked up.

    Attributes:
        stored: Its object; None if there is none.
        known: What was read of this object before; None if it must be read.
    """

    source_ref: str
    stored: Stored | None
    known: CheckedImage | None


def look_up_known(
    images: Images,
    pool: ThreadPoolExecutor,
    bucket: str,
    source_refs: Sequence[str],
    elsewhere: Callable[[str], object],
    known_of: Callable[[Iterable[str]], Mapping[str, CheckedImage]],
) -> Iterator[Sequence[FoundImage]]:
    """
    Yield the images of one bucket as they are decided, with what is known of them; otherwise as `look_up`.

    Args:
        source_refs: Sorted.
        known_of: Returns what was read of some images before.
    """
    start = len(f"s3://{bucket}/")
    for decided in look_up(images, pool, bucket, [ref[start:] for ref in source_refs], elsewhere):
        batch = {f"s3://{bucket}/{key}": stored for key, stored in decided}
        known = known_of(batch)
        yield [
            FoundImage(ref, stored, image if stored and image and image.is_still(stored) else None)
            for ref, stored in batch.items()
            for image in (known.get(ref),)
        ]


def look_up(
    images: Images,
    pool: ThreadPoolExecutor,
    bucket: str,
    keys: Sequence[str],
    elsewhere: Callable[[str], object],
) -> Iterator[Sequence[Decided]]:
    """
    Yield the keys with their objects, as they are decided; none if the bucket cannot be reached from this Region.

    Args:
        keys: Sorted.
        elsewhere: Called with the Region of the bucket, if that is not the one of the dataset.

    Raises:
        NotFound: There is no such bucket.
        Denied: It may be neither listed nor read; or there are no credentials.
    """
    lookup = Lookup(keys)
    region, head = images.region, partial(images.head, bucket)
    while request := lookup.ask():
        if isinstance(request, HeadRequests):
            yield list(lookup.decide_heads(pool.map(head, request.keys)))
            continue
        try:
            page = images.page(bucket, request.prefix, request.after)
        except NoCredentials:
            raise
        except Denied as exc:
            yield from _ask_for_each(images, pool, bucket, keys[lookup.decided :], exc)
            return
        if page.region not in (None, region):
            region = str(page.region)
            elsewhere(region)
        if page.objects is None:
            return
        yield list(lookup.decide_page(page.objects, more=page.more))


def _ask_for_each(
    images: Images, pool: ThreadPoolExecutor, bucket: str, keys: Sequence[str], reason: Denied
) -> Iterator[Sequence[Decided]]:
    """Ask for each key. To a client that may not list a bucket, S3 reports missing objects as denied."""
    lookup = Lookup(keys, lists=False)
    while isinstance(request := lookup.ask(), HeadRequests):
        try:
            yield list(lookup.decide_heads(pool.map(partial(images.head, bucket), request.keys)))
        except Denied as exc:
            raise reason from exc
