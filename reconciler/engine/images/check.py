"""
Read images in S3: check them for a plan, read their headers for `convert`, hash their pixels for near duplicates.

What is known costs lookups only. Makes no call that writes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, NamedTuple

from reconciler.core.entries.entry import bucket_and_key
from reconciler.core.images import judgement
from reconciler.core.images.header import TAKEN, Header
from reconciler.core.images.judgement import ARCHIVED, CheckedImage
from reconciler.core.images.lookup import Stored, fewest_requests
from reconciler.core.validation.problem import Problem
from reconciler.engine.images.look_up import look_up_known
from reconciler.errors import Denied, GatewayError, NoCredentials, NotFound
from reconciler.ports import CheckedImages, Images, Progress

THREADS: Final = 8
"""Fewer than the connections that the SDK keeps open."""

BATCH: Final = 256
"""Images that are read before what was found is stored."""

MAX_READ: Final = 2_000
"""Images that are read for one plan. Reading one takes some 30 ms, and eight are read at a time."""


class Forecast(NamedTuple):
    """
    The requests that a step of a check takes.

    Attributes:
        places: The buckets of the images that are looked up; empty once images are read.
        images: How many are looked up, or read.
        requests: The fewest that it takes; rarely more than one for each image.
    """

    dataset: str
    places: tuple[str, ...]
    images: int
    requests: int


def looking_up(name: str, source_refs: Collection[str]) -> Forecast:
    """Return the forecast of looking up these images."""
    count = len(source_refs)
    places = tuple(f"s3://{bucket}" for bucket in by_bucket(source_refs))
    return Forecast(name, places, count, fewest_requests(count))


Announce = Callable[[Forecast], object]
"""Called before the requests of each step."""

Answer = CheckedImage | Denied | None
"""An image that was read; why it may not be; None if it does not exist any more."""


def by_bucket(refs: Iterable[str]) -> dict[str, list[str]]:
    """Return the source-refs of each bucket, in their order."""
    found: dict[str, list[str]] = {}
    for ref in refs:
        found.setdefault(bucket_and_key(ref)[0], []).append(ref)
    return found


def read(images: Images, source_ref: str, stored: Stored) -> Answer:
    """Read the header of one image; errors but a refusal as `ports.Images.read`."""
    bucket, key = bucket_and_key(source_ref)
    try:
        return images.read(bucket, key, stored)
    except NoCredentials:
        raise
    except Denied as exc:
        return exc


def lasting(answers: Iterable[tuple[str, Answer]]) -> dict[str, CheckedImage]:
    """Return the images that may be remembered: an archived one keeps its ETag when it is restored."""
    return {
        ref: image
        for ref, image in answers
        if isinstance(image, CheckedImage) and image.header.form != ARCHIVED
    }


Stated = Callable[[str], Collection[tuple[float, float]]]
"""Returns width and height of an image as its line states them, by source-ref."""


def check_some(
    dataset: str, source_refs: Iterable[str], stated: Stated, images: Images, memory: CheckedImages
) -> dict[str, tuple[Problem, ...]]:
    """
    Return the problems of each of these images; images without a problem are absent.

    At most `MAX_READ` new or changed images are read. An image that could not be checked has a problem that says
    so; it is never called missing.

    Raises:
        NoCredentials: There are none for S3.
    """
    with ThreadPoolExecutor(THREADS, thread_name_prefix="images") as pool:
        check = _Check(dataset, lambda ref, image: judgement.judge(image, stated(ref)), images, memory, pool)
        changed = check.look_up_all(source_refs)
        check.read(changed[:MAX_READ])
    beyond = judgement.unchecked(f"a plan reads no more than {MAX_READ:,} images; run check-images")
    check.note((ref for ref, _ in changed[MAX_READ:]), beyond)
    return {ref: tuple(problems) for ref, problems in check.found.items()}


def read_headers(
    name: str,
    source_refs: Collection[str],
    images: Images,
    memory: CheckedImages,
    announce: Announce,
    progress: Progress,
) -> Mapping[str, Header | Problem]:
    """
    Return the header of each image, or why it has none that Custom Labels takes.

    What was read is remembered under *name*, batch by batch. Memory is bounded except for the result.

    Raises:
        GatewayError: S3 does not answer, or refuses more than single images.
    """
    headers: dict[str, Header | Problem] = {}
    shared: dict[Header, Header] = {}

    def take(ref: str, image: CheckedImage) -> Iterable[Problem]:
        if image.header.form not in TAKEN:
            return judgement.judge(image, ())
        headers[ref] = shared.setdefault(image.header, image.header)
        return ()

    announce(looking_up(name, source_refs))
    with ThreadPoolExecutor(THREADS, thread_name_prefix="images") as pool:
        check = _Check(name, take, images, memory, pool, raises=True)
        if changed := check.look_up_all(source_refs):
            announce(Forecast(name, (), len(changed), len(changed)))
        for start in range(0, len(changed), BATCH):
            progress.step(name, "reading", start, len(changed))
            check.read(changed[start : start + BATCH])
    return headers | {ref: problems[0] for ref, problems in check.found.items()}


class _Check:
    """
    The check of some images, while it lasts.

    Args:
        take: Called with each image that exists; returns its problems.
        raises: Whether a failure that concerns more than one image is raised; else each image has it as a problem.
    """

    def __init__(
        self,
        dataset: str,
        take: Callable[[str, CheckedImage], Iterable[Problem]],
        images: Images,
        memory: CheckedImages,
        pool: ThreadPoolExecutor,
        *,
        raises: bool = False,
    ) -> None:
        self.found: defaultdict[str, list[Problem]] = defaultdict(list)
        self._dataset = dataset
        self._take = take
        self._images = images
        self._memory = memory
        self._pool = pool
        self._raises = raises

    def note(self, refs: Iterable[str], problem: Problem) -> None:
        for ref in refs:
            self.found[ref].append(problem)

    def look_up_all(self, source_refs: Iterable[str]) -> list[tuple[str, Stored]]:
        """Return the images that must be read; judge those that are missing or known."""
        buckets = by_bucket(sorted(source_refs)).items()
        return [item for bucket, refs in buckets for item in self._look_up(bucket, refs)]

    def _look_up(self, bucket: str, refs: Sequence[str]) -> list[tuple[str, Stored]]:
        changed, regions, open_refs = list[tuple[str, Stored]](), list[str](), set(refs)
        known_of = partial(self._memory.of, self._dataset)
        try:
            for batch in look_up_known(self._images, self._pool, bucket, refs, regions.append, known_of):
                for ref, stored, known in batch:
                    open_refs.discard(ref)
                    if stored is not None and known is None:
                        changed.append((ref, stored))
                    else:
                        self._judge(ref, known)
        except NotFound:
            self.note(open_refs, judgement.no_bucket(bucket))
        except NoCredentials:
            raise
        except GatewayError as exc:
            if self._raises:
                raise
            self.note(open_refs, judgement.unchecked(str(exc)))
        for region in regions:  # sizes can be read in any, if the SDK finds the way there
            outside = open_refs if self._raises else refs
            self.note(outside, judgement.other_region(bucket, region, self._images.region))
        return changed

    def read(self, changed: Sequence[tuple[str, Stored]]) -> None:
        """Read and judge images; after a failure, or a batch of refusals alone, the rest is not tried."""
        for start in range(0, len(changed), BATCH):
            batch, rest = changed[start : start + BATCH], changed[start + BATCH :]
            try:
                answers = list(self._pool.map(lambda item: read(self._images, *item), batch))
            except NoCredentials:
                raise
            except GatewayError as exc:
                if self._raises:
                    raise
                self.note((ref for ref, _ in (*batch, *rest)), judgement.unchecked(str(exc)))
                return
            for (ref, _), answer in zip(batch, answers, strict=True):
                self._judge(ref, answer)
            read_now = zip((ref for ref, _ in batch), answers, strict=True)
            self._memory.put(self._dataset, lasting(read_now))
            if all(isinstance(answer, Denied) for answer in answers):
                if self._raises:
                    raise next(answer for answer in answers if isinstance(answer, Denied))
                self.note((ref for ref, _ in rest), judgement.unchecked(str(answers[0])))
                return

    def _judge(self, ref: str, answer: Answer) -> None:
        if answer is None:
            self.note([ref], judgement.missing())
        elif isinstance(answer, Denied):
            self.note([ref], judgement.unchecked(str(answer)))
        else:
            for problem in self._take(ref, answer):
                self.note([ref], problem)


HashOf = Callable[[bytes], int | None]
"""Returns the perceptual hash of an image; None if it has none."""

# Half of those that read headers: each holds an image whole, and its pixels.
_HASHING_THREADS: Final = 4
_HASHED_BATCH: Final = 64


def hash_images(
    dataset: str, images: Images, memory: CheckedImages, hash_of: HashOf, step: Callable[[int, int], object]
) -> None:
    """
    Hash the images that were not hashed yet, each read whole, and remember the hashes batch by batch.

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
    with ThreadPoolExecutor(_HASHING_THREADS, thread_name_prefix="hashes") as pool:
        for start in range(0, len(left), _HASHED_BATCH):
            found = pool.map(hashed, left[start : start + _HASHED_BATCH])
            memory.put_hashes(dict(filter(None, found)))
            step(min(start + _HASHED_BATCH, len(left)), len(left))
