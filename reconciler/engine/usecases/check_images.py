"""
Check the images of each dataset in S3: that they exist, that Custom Labels takes them, that their lines are true.

Makes no call that writes. First every image is looked up; then those that are new or changed since the last check
are read. What was read is recorded batch by batch, so that a check that was ended goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import Final, NamedTuple

from reconciler.core.images import judgement
from reconciler.core.images.judgement import CheckedImage
from reconciler.core.images.lookup import Stored
from reconciler.core.images.near_duplicates import MAX_COMPARISONS, NearPair, near_pairs
from reconciler.core.images.report import DatasetImages, ImageCounts, Problems
from reconciler.core.planning.plan import PlanError, errors_of
from reconciler.core.validation.problem import Problem
from reconciler.engine.dataset.desired import Desired
from reconciler.engine.images.check import (
    BATCH,
    THREADS,
    Announce,
    Answer,
    Forecast,
    HashOf,
    by_bucket,
    hash_images,
    lasting,
    looking_up,
    read,
)
from reconciler.engine.images.look_up import FoundImage, look_up_known
from reconciler.engine.log import bound, log
from reconciler.engine.usecases.spec_tree import train_and_test
from reconciler.errors import Denied, Exit, Interrupted, NoCredentials, NotFound, SpecError, named
from reconciler.ports import BrokenDataset, CheckedImages, Images, Progress

# Refusals in a row after which the other images are not tried.
_MAX_DENIED: Final = 20


class Tools(NamedTuple):
    """
    What the check of every dataset uses.

    Attributes:
        full: Read every image, whatever is known of it.
        hash_of: Also look for test images that look like training images, by their hashes; None does not.
    """

    images_of: Callable[[Desired], Images]
    memory: CheckedImages
    progress: Progress
    announce: Announce
    full: bool = False
    hash_of: HashOf | None = None


def check_each(datasets: Iterable[Desired], tools: Tools) -> tuple[DatasetImages, ...]:
    """
    Check the images of every dataset; one that cannot be checked gives a result that says why.

    Raises:
        NoCredentials, Interrupted: For all datasets.
    """
    checks = [_DatasetCheck(desired, tools) for desired in datasets]
    for check in checks:
        with bound(dataset=check.desired.name):
            check.run()
    for train, test in train_and_test(checks, lambda check: check.desired):
        test.compare(train)
        if tools.hash_of is not None:
            test.compare_looks(train, tools.hash_of)
    return tuple(check.result() for check in checks)


def broken(dataset: BrokenDataset) -> DatasetImages:
    """Return the result of a dataset whose document could not be read."""
    return DatasetImages(dataset.name, errors=errors_of(dataset.problems), error_codes=(SpecError.exit_code,))


def _nothing_known(_: Iterable[str]) -> Mapping[str, CheckedImage]:
    return {}


class _DatasetCheck:
    """The check of one dataset, while it lasts."""

    def __init__(self, desired: Desired, tools: Tools) -> None:
        self.desired = desired
        self._tools = tools
        self._refs = sorted(desired.index.source_refs)
        self._places = tuple(f"s3://{bucket}" for bucket in by_bucket(self._refs))
        self._problems = Problems()
        self._errors: list[PlanError] = []
        self._codes: list[Exit] = []
        self._present: set[str] = set()
        self._missing = self._unchanged = self._read = 0
        self._denied: list[str] = []
        self._denied_in_a_row = 0
        self._images: Images | None = None
        self._near: tuple[NearPair, ...] | None = None

    def run(self) -> None:
        """Look up all images, and read those that are new or changed."""
        if specs := errors_of(self.desired.errors):
            self._errors += specs
            self._codes.append(self.desired.exit_code)
        pool = ThreadPoolExecutor(THREADS, thread_name_prefix="images")
        try:
            self._images = self._tools.images_of(self.desired)
            if self._refs:
                self._run(self._images, pool)
            self._tools.memory.retain(self.desired.name, self._present)
        except (Interrupted, NoCredentials):
            raise
        except Exception as exc:  # noqa: BLE001  where a dataset's failure becomes a value
            self._fail(exc)
        finally:
            pool.shutdown(cancel_futures=True)

    def _run(self, images: Images, pool: ThreadPoolExecutor) -> None:
        announce = self._tools.announce
        announce(looking_up(self.desired.name, self._refs))
        buckets = by_bucket(self._refs).items()
        changed = [item for bucket, refs in buckets for item in self._look_up(images, pool, bucket, refs)]
        if changed:
            announce(Forecast(self.desired.name, (), len(changed), len(changed)))
            self._read_all(images, pool, changed)
        if self._denied:
            first = f"{self._denied[0]}; {len(self._denied)} of the images may not be read"
            self._errors.append(PlanError(Denied.code, first))
            self._codes.append(Denied.exit_code)

    def _fail(self, exc: Exception) -> None:
        reason = named(exc)
        log.warning("dataset.failed", error=type(exc).__name__, reason=str(exc))
        self._errors.append(PlanError(reason.code, str(reason)))
        self._codes.append(reason.exit_code)

    def _look_up(
        self, images: Images, pool: ThreadPoolExecutor, bucket: str, refs: Sequence[str]
    ) -> Iterator[tuple[str, Stored]]:
        """Yield the images that must be read; judge those that are missing or unchanged."""
        known_of = partial(self._tools.memory.of, self.desired.name)

        def elsewhere(region: str) -> None:
            problem = judgement.other_region(bucket, region, images.region)
            self._problems.add(problem.at(self.desired.loaded.origin, None))

        try:
            for batch in look_up_known(
                images, pool, bucket, refs, elsewhere, _nothing_known if self._tools.full else known_of
            ):
                yield from self._changed(batch)
                done = self._missing + len(self._present)
                self._tools.progress.step(self.desired.name, "looking up", done, len(self._refs))
        except NotFound:
            self._missing += len(refs)
            self._problems.add(judgement.no_bucket(bucket).at(self.desired.loaded.origin, None))

    def _changed(self, batch: Sequence[FoundImage]) -> Iterator[tuple[str, Stored]]:
        for source_ref, stored, known in batch:
            if stored is None:
                self._lost(source_ref)
                continue
            self._present.add(source_ref)
            if known is None:
                yield source_ref, stored
            else:
                self._unchanged += 1
                self._judge(source_ref, known)

    def _read_all(
        self, images: Images, pool: ThreadPoolExecutor, changed: Sequence[tuple[str, Stored]]
    ) -> None:
        rest = iter(changed)
        while batch := list(islice(rest, BATCH)):
            self._record([ref for ref, _ in batch], pool.map(lambda item: read(images, *item), batch))
            self._tools.progress.step(self.desired.name, "reading", self._read, len(changed))

    def _record(self, refs: Sequence[str], answers: Iterable[Answer]) -> None:
        found: dict[str, CheckedImage] = {}
        for source_ref, answer in zip(refs, answers, strict=True):
            if isinstance(answer, Denied):
                self._refused(source_ref, answer)
            elif answer is None:
                self._present.discard(source_ref)
                self._lost(source_ref)
            else:
                self._denied_in_a_row = 0
                self._read += 1
                self._judge(source_ref, answer)
                found[source_ref] = answer
        self._tools.memory.put(self.desired.name, lasting(found.items()))

    def _refused(self, source_ref: str, exc: Denied) -> None:
        self._denied.append(f"{exc} [{source_ref}]")
        self._denied_in_a_row += 1
        if self._denied_in_a_row == _MAX_DENIED:
            text = f"{self._denied[-_MAX_DENIED]}; {_MAX_DENIED} images in a row may not be read"
            raise Denied(f"{text}: the others were not tried")

    def _lost(self, source_ref: str) -> None:
        self._missing += 1
        self._add(judgement.missing(), source_ref)

    def _judge(self, source_ref: str, image: CheckedImage) -> None:
        for problem in judgement.judge(image, self.desired.stated_sizes(source_ref)):
            self._add(problem, source_ref)

    def _add(self, problem: Problem, source_ref: str) -> None:
        origin = self.desired.origin_of_ref(source_ref)
        self._problems.add(problem if origin is None else problem.at(origin, source_ref))

    def compare(self, train: _DatasetCheck) -> None:
        """Find images of this test dataset with the content of a training image."""
        for trained, tested in self._tools.memory.same_content(train.desired.name, self.desired.name):
            if trained in train.desired.index and tested in self.desired.index:
                self._add(judgement.same_content(trained), tested)

    def compare_looks(self, train: _DatasetCheck, hash_of: HashOf) -> None:
        """Find images of this test dataset that look like a training image."""
        memory, known = self._tools.memory, []
        for check in (train, self):
            check.hash(hash_of)
            hashes, index = memory.hashes(check.desired.name), check.desired.index
            known.append({ref: value for ref, value in hashes.items() if ref in index})
        copies = {tested for _, tested in memory.same_content(train.desired.name, self.desired.name)}
        found = near_pairs(*known)
        pairs = [pair for pair in found.pairs if pair.test_ref not in copies]
        for pair in pairs:
            self._add(judgement.near_duplicate(pair.train_ref, pair.distance), pair.test_ref)
        if not found.complete:
            problem = judgement.not_all_compared(MAX_COMPARISONS)
            self._problems.add(problem.at(self.desired.loaded.origin, None))
        self._near = (*(self._near or ()), *pairs)

    def hash(self, hash_of: HashOf) -> None:
        """Hash the images that were not hashed yet; what cannot be read is an error of the dataset."""
        name, progress = self.desired.name, self._tools.progress
        try:
            if self._images is not None:
                hash_images(
                    name,
                    self._images,
                    self._tools.memory,
                    hash_of,
                    lambda done, of: progress.step(name, "hashing", done, of),
                )
        except (Interrupted, NoCredentials):
            raise
        except Exception as exc:  # noqa: BLE001  as in `run`
            self._fail(exc)

    def result(self) -> DatasetImages:
        """Return the result so far."""
        desired = len(self._refs)
        checked = self._missing + self._unchanged + self._read
        return DatasetImages(
            name=self.desired.name,
            counts=ImageCounts(desired, self._missing, self._unchanged, self._read, desired - checked),
            places=self._places,
            problems=tuple(self._problems.kept),
            by_code=dict(sorted(self._problems.by_code.items())),
            has_errors=self._problems.errors > 0,
            errors=tuple(self._errors),
            error_codes=tuple(self._codes),
            requests=dict(self._images.requests) if self._images else {},
            near=self._near,
        )
