"""Look up the images of one bucket, by the requests that `core.images.lookup` asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from reconciler.core.images.lookup import Decided, HeadRequests, Lookup
from reconciler.errors import Denied, NoCredentials
from reconciler.ports import Images


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
    region = images.region
    while request := lookup.ask():
        if isinstance(request, HeadRequests):
            yield list(
                lookup.decide_heads(list(pool.map(lambda key: images.head(bucket, key), request.keys)))
            )
            continue
        try:
            page = images.page(bucket, request.prefix, request.after)
        except NoCredentials:
            raise
        except Denied as exc:
            yield from _without_listing(images, pool, bucket, keys[lookup.decided :], exc)
            return
        if page.region not in (None, region):
            region = str(page.region)
            elsewhere(region)
        if page.objects is None:
            return
        yield list(lookup.decide_page(page.objects, more=page.more))


def _without_listing(
    images: Images, pool: ThreadPoolExecutor, bucket: str, keys: Sequence[str], reason: Denied
) -> Iterator[Sequence[Decided]]:
    """Ask for each key. To a client that may not list a bucket, S3 reports missing objects as denied."""
    lookup = Lookup(keys, lists=False)
    while isinstance(request := lookup.ask(), HeadRequests):
        try:
            yield list(
                lookup.decide_heads(list(pool.map(lambda key: images.head(bucket, key), request.keys)))
            )
        except Denied as exc:
            raise reason from exc
