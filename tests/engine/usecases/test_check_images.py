"""The check of images where S3 refuses: what is known is told, and what is not is never called missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Event

import pytest
from structlog.testing import capture_logs

from reconciler.core.images.header import Header
from reconciler.core.images.judgement import ARCHIVED, CheckedImage
from reconciler.core.images.lookup import Stored
from reconciler.core.images.report import DatasetImages
from reconciler.core.validation.problem import Origin, Problem, Severity
from reconciler.engine.images.check import Forecast
from reconciler.engine.usecases import check_images
from reconciler.engine.usecases.check_images import Tools, check_each
from reconciler.engine.usecases.spec_tree import read
from reconciler.errors import Denied, Exit, Interrupted, NoCredentials, Unavailable
from reconciler.ports import BrokenDataset, ImagePage, Progress, Silence
from reconciler.sources.directory import open_path
from reconciler.sources.load import load
from reconciler.state import State
from tests.builders import classified, ref

STORED = Stored("e", 9)
NAMES = "abcdef"


class Bucket:
    """`ports.Images` of one bucket, in which every image exists; what it refuses is up to the test."""

    region = "us-east-1"

    def __init__(
        self, *, lists: bool = True, refused: str = "", absent: str = "", deleted: str = "", form: str = "PNG"
    ) -> None:
        self._lists, self._refused, self._absent, self._form = lists, refused, absent, form
        self._deleted = deleted  # between the listing and the reading
        self.requests: Counter[str] = Counter()

    def page(self, _bucket: str, _prefix: str, _after: str) -> ImagePage:
        self.requests["ListObjectsV2"] += 1
        if not self._lists:
            raise Denied("ListObjectsV2: AccessDenied")
        return ImagePage({f"{name}.jpg": STORED for name in NAMES if name not in self._absent}, False, None)

    def head(self, _bucket: str, key: str) -> Stored | None:
        self.requests["HeadObject"] += 1
        if key[0] in self._absent:  # as S3 answers a client that may not list
            raise Denied("HeadObject: 403")
        return STORED

    def read(self, _bucket: str, key: str, stored: Stored) -> CheckedImage | None:
        self.requests["GetObject"] += 1
        if key[0] in self._refused:
            raise Denied("GetObject: AccessDenied")
        if key[0] in self._deleted:
            return None
        return CheckedImage(*stored, Header(self._form, 70, 80))


def raising(exc: Exception) -> Callable[..., object]:
    """Return a method that raises."""

    def fail(*_: object) -> object:
        raise exc

    return fail


@pytest.fixture
def check(tmp_path: Path) -> Iterator[Callable[..., DatasetImages]]:
    """Check six images in a bucket."""
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs/a.jsonl").write_bytes(b"".join(classified(name, "x") + b"\n" for name in NAMES))
    (tmp_path / "specs/a.yaml").write_text(
        "apiVersion: reconciler/v1\nkind: Dataset\nmetadata: {name: a}\n"
        "spec:\n  target: {project: p, type: TRAIN}\n  entries: [{file: a.jsonl}]\n"
    )
    with State(tmp_path / "state") as state, capture_logs():

        def run(bucket: Bucket, progress: Progress = Silence()) -> DatasetImages:  # noqa: B008
            announced: list[Forecast] = []
            tools = Tools(lambda _: bucket, state.images, progress, announced.append)
            with closing(read(load(open_path(tmp_path / "specs").tree))) as found:
                (result,) = check_each(found.datasets, tools)
            assert all(forecast.requests > 0 for forecast in announced)
            return result

        yield run


def test_images_that_may_not_be_read_are_counted_and_the_first_is_named(check):
    """Exit 8; the others are checked."""
    found = check(Bucket(refused="bd"))

    (error,) = found.errors
    assert "GetObject: AccessDenied [s3://b/b.jpg]; 2 of the images may not be read" == error.message
    assert (4, 2, False) == (found.counts.read, found.counts.unread, found.complete)
    assert (Exit.DENIED,) == tuple(found.exit_codes)


def test_after_many_refusals_in_a_row_the_others_are_not_tried(check, monkeypatch):
    """A policy that lacks a permission is not found out by 250,000 requests."""
    monkeypatch.setattr(check_images, "_MAX_DENIED", 2)
    monkeypatch.setattr(check_images, "BATCH", 1)

    bucket = Bucket(refused="cdef")
    found = check(bucket)

    assert 4 == bucket.requests["GetObject"]
    assert "2 images in a row may not be read: the others were not tried" in found.errors[0].message


def test_what_is_still_queued_when_the_check_ends_is_not_read(check, monkeypatch):
    """Of a batch of 256, hundreds of requests would follow that are refused as well."""
    monkeypatch.setattr(check_images, "_MAX_DENIED", 2)
    monkeypatch.setattr(check_images, "THREADS", 1)
    ended = Event()

    class Pool(ThreadPoolExecutor):
        def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
            super().shutdown(wait=False, cancel_futures=cancel_futures)
            ended.set()
            super().shutdown()

    class Slow(Bucket):
        def read(self, bucket: str, key: str, stored: Stored) -> CheckedImage | None:
            assert key[0] in "ab" or ended.wait(60)
            return super().read(bucket, key, stored)

    monkeypatch.setattr(check_images, "ThreadPoolExecutor", Pool)
    bucket = Slow(refused=NAMES)
    check(bucket)

    assert 3 == bucket.requests["GetObject"], "the third was begun already"


def test_without_the_permission_to_list_each_image_is_asked_for(check):
    """One HEAD each, after one listing that was refused."""
    bucket = Bucket(lists=False)

    found = check(bucket)

    assert ((), 6, True) == (found.errors, found.counts.read, found.complete)
    assert {"ListObjectsV2": 1, "HeadObject": 6, "GetObject": 6} == bucket.requests == found.requests


def test_without_the_permission_to_list_an_absent_image_is_unknown(check):
    """S3 calls it denied; the error is that of the listing, which is what to permit."""
    found = check(Bucket(lists=False, absent="c"))

    assert ["ListObjectsV2: AccessDenied"] == [error.message for error in found.errors]
    assert (0, 6, {}) == (found.counts.missing, found.counts.unread, found.by_code)


def test_a_check_that_fails_forgets_nothing(check, monkeypatch):
    """What is remembered of images that were not looked up is still true."""
    check(Bucket())
    failing = Bucket()
    monkeypatch.setattr(failing, "page", raising(Unavailable("no answer")))
    assert (Exit.UNKNOWN,) == tuple(check(failing).exit_codes)

    assert (6, 0) == ((found := check(Bucket())).counts.unchanged, found.counts.read)


@pytest.mark.parametrize("call", ["page", "read"])
def test_without_credentials_there_is_one_error_for_all(check, monkeypatch, call):
    """Not one for each dataset."""
    bucket = Bucket()
    monkeypatch.setattr(bucket, call, raising(NoCredentials("none")))

    with pytest.raises(NoCredentials):
        check(bucket)


def test_an_image_that_is_gone_is_forgotten(check, tmp_path):
    """The state grows with the images of the specs, not with those of the past."""
    check(Bucket())
    check(Bucket(absent="c"))

    with State(tmp_path / "state", read_only=True) as state:
        known = state.images.of("a", [ref(name) for name in NAMES])

    assert {ref(name) for name in "abdef"} == set(known)


def test_an_archived_image_is_read_again_at_the_next_check(check):
    """When it is restored, its ETag stays."""
    check(Bucket(form=ARCHIVED))

    found = check(Bucket())

    assert (6, {}) == (found.counts.read, found.by_code)


def test_an_image_that_is_deleted_while_it_is_checked_is_missing(check):
    """Between the listing and the reading; it is not remembered as one that exists."""
    found = check(Bucket(deleted="c"))

    assert (1, 5, 0, True) == (found.counts.missing, found.counts.read, found.counts.unread, found.complete)
    assert {"ERROR_INVALID_IMAGE": 1} == found.by_code
    assert (5, 1) == ((again := check(Bucket())).counts.unchanged, again.counts.read)


def test_refusals_between_images_that_can_be_read_do_not_end_the_check(check, monkeypatch):
    """Some images may be protected by a policy of their own."""
    monkeypatch.setattr(check_images, "_MAX_DENIED", 2)

    found = check(Bucket(refused="bdf"))

    assert (3, 3) == (found.counts.read, found.counts.unread)
    assert "3 of the images may not be read" in found.errors[0].message


def test_the_first_of_the_refusals_in_a_row_is_named(check, monkeypatch):
    """Not one before it, which may have been refused for another reason."""
    monkeypatch.setattr(check_images, "_MAX_DENIED", 2)

    found = check(Bucket(refused="adef"))

    assert "GetObject: AccessDenied [s3://b/d.jpg]; 2 images in a row" in found.errors[0].message


def test_by_default_twenty_refusals_in_a_row_end_the_check():
    """As docs/check-images.md says."""
    assert 20 == check_images._MAX_DENIED


def test_progress_ends_where_all_is_done(check, monkeypatch):
    """Both steps count up to their total: missing images are looked up as well, and are not read."""
    monkeypatch.setattr(check_images, "BATCH", 2)
    steps = []

    class Steps(Silence):
        def step(self, *step: object) -> None:
            steps.append(step)

    check(Bucket(absent="b"), Steps())

    assert [
        ("a", "looking up", 6, 6),
        ("a", "reading", 2, 5),
        ("a", "reading", 4, 5),
        ("a", "reading", 5, 5),
    ] == steps


def test_a_bucket_that_cannot_be_reached_from_the_region_leaves_its_images_unknown(check, monkeypatch):
    """S3 answers with the other Region alone: the images are not called missing."""
    bucket = Bucket()
    monkeypatch.setattr(bucket, "page", lambda *_: ImagePage(None, False, "eu-west-1"))

    found = check(bucket)

    assert (0, 6, False) == (found.counts.missing, found.counts.unread, found.complete)
    assert {"RKD4004": 1} == found.by_code


def test_what_the_specs_say_wrongly_is_an_error_of_the_check():
    """A dataset whose document cannot be read has a result, with the exit code of invalid specs."""
    origin = Origin("a.yaml", 3)
    problem = Problem(Severity.ERROR, "RKD5001", "unknown field", origin)

    found = check_images.broken(BrokenDataset("a", origin, (problem,)))

    assert ("a", [5], ["unknown field"]) == (
        found.name,
        list(found.exit_codes),
        [error.message for error in found.errors],
    )


@pytest.mark.parametrize(
    ("failure", "ends"),
    [(NoCredentials("none"), True), (Interrupted("asked to stop"), True), (Unavailable("no answer"), False)],
)
def test_images_that_cannot_be_hashed_are_an_error_of_their_dataset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: Exception, ends: bool
):
    """Without credentials, and when the process must stop, there is no result at all."""
    monkeypatch.setattr(check_images, "hash_images", raising(failure))
    for kind in ("TRAIN", "TEST"):
        (tmp_path / f"{kind}.jsonl").write_bytes(classified(kind, "x") + b"\n")
        (tmp_path / f"{kind}.yaml").write_text(
            f"apiVersion: reconciler/v1\nkind: Dataset\nmetadata: {{name: {kind.lower()}}}\n"
            f"spec: {{target: {{project: p, type: {kind}}}, entries: [{{file: {kind}.jsonl}}]}}\n"
        )
    bucket = Bucket(absent=NAMES)
    with (
        State(tmp_path / "state") as state,
        capture_logs(),
        closing(read(load(open_path(tmp_path).tree))) as found,
    ):
        tools = Tools(lambda _: bucket, state.images, Silence(), lambda _: None, hash_of=lambda _: 0)
        if ends:
            with pytest.raises(type(failure)):
                check_each(found.datasets, tools)
            return
        results = check_each(found.datasets, tools)

    for result in results:
        assert ["no answer"] == [error.message for error in result.errors]
        assert (Exit.UNKNOWN,) == result.error_codes
