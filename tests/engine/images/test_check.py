"""The images of a plan: known ones cost a lookup, reads are bounded, and what is unknown is never missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from reconciler.core.images.header import Header
from reconciler.core.images.judgement import CheckedImage
from reconciler.core.images.lookup import Stored
from reconciler.engine.images import check
from reconciler.errors import Denied, NoCredentials, NotFound, Unavailable
from reconciler.ports import ImagePage, Silence
from reconciler.state import State

STORED = Stored("e", 9)
SOUND = CheckedImage(*STORED, Header("PNG", 70, 80))


class Bucket:
    """`ports.Images`: every image of it is sound, unless the test says otherwise."""

    region = "us-east-1"
    requests: Mapping[str, int] = MappingProxyType({})

    def __init__(self, *names: str, listing: Exception | None = None, **answers: object) -> None:
        self._names, self._listing, self._answers = names, listing, answers
        self.read_keys: list[str] = []

    def page(self, _bucket: str, _prefix: str, _after: str) -> ImagePage:
        if self._listing is not None:
            raise self._listing
        return ImagePage(dict.fromkeys(self._names, STORED), False, "us-east-1")

    def head(self, _bucket: str, _key: str) -> Stored | None:
        raise Denied("HeadObject: 403")

    def read(self, _bucket: str, key: str, _stored: Stored) -> CheckedImage | None:
        self.read_keys.append(key)
        answer = self._answers.get(key, SOUND)
        if isinstance(answer, Exception):
            raise answer
        return answer  # type: ignore[return-value]


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    with State(tmp_path / "state") as opened:
        yield opened


def found(state: State, bucket: Bucket, names: str, sizes: tuple[tuple[float, float], ...] = ()) -> dict:
    """Return the codes and messages by the name of the image."""
    refs = [f"s3://b/{name}" for name in names]
    problems = check.check_some("d", refs, lambda _: sizes, bucket, state.images)
    return {ref[7:]: [(one.code, one.message) for one in each] for ref, each in problems.items()}


def unchecked(reason: str) -> list[tuple[str, str]]:
    return [("RKD4006", f"the image could not be checked: {reason}")]


MISSING = [("ERROR_INVALID_IMAGE", "the image is missing: there is no such object")]


def test_what_is_known_is_judged_again_without_being_read(state):
    """Also by the sizes that its line states now."""
    bucket = Bucket("a", "b")
    assert {"c": MISSING} == found(state, bucket, "abc")
    assert ["a", "b"] == sorted(bucket.read_keys)

    wrong = found(state, bucket, "a", sizes=((7, 8),))

    assert [("RKD4001", "'image_size' states 7 x 8; the image has 70 x 80")] == wrong["a"]
    assert 2 == len(bucket.read_keys)


def test_an_image_that_has_changed_since_it_was_known_is_read_again(state):
    """What is known of it is that of an object with another ETag."""
    earlier = CheckedImage("before", 9, Header("PNG", 70, 80))
    state.images.put("d", {"s3://b/a": earlier, "s3://b/b": SOUND})
    bucket = Bucket("a", "b")

    assert {} == found(state, bucket, "ab")
    assert ["a"] == bucket.read_keys


def test_an_image_that_was_known_and_is_gone_is_missing(state):
    state.images.put("d", {"s3://b/a": SOUND})
    bucket = Bucket()

    assert {"a": MISSING} == found(state, bucket, "a")
    assert [] == bucket.read_keys


def test_no_more_images_are_read_than_one_plan_may(state, monkeypatch):
    """Of the others it is said that they were not checked, and what does."""
    monkeypatch.setattr(check, "MAX_READ", 2)
    bucket = Bucket(*"abcd")

    beyond = unchecked("a plan reads no more than 2 images; run check-images")
    assert {"c": beyond, "d": beyond} == found(state, bucket, "abcd")
    assert {} == found(state, bucket, "abcd"), "the next plan reads on"


def test_eight_images_are_read_at_a_time_and_two_thousand_for_a_plan():
    """As docs/check-images.md says."""
    assert (8, 2_000) == (check.THREADS, check.MAX_READ)


def test_an_image_that_vanishes_between_listing_and_reading_is_missing(state):
    assert {"a": MISSING} == found(state, Bucket("a", a=None), "a")


def test_a_refused_image_is_not_checked_and_others_are(state):
    bucket = Bucket("a", "b", a=Denied("GetObject: AccessDenied"))
    assert {"a": unchecked("GetObject: AccessDenied")} == found(state, bucket, "ab")


def test_after_a_batch_of_refusals_the_rest_is_not_tried(state, monkeypatch):
    monkeypatch.setattr(check, "BATCH", 2)
    bucket = Bucket(*"abcd", **{name: Denied(f"GetObject: refused for {name}") for name in "abcd"})

    said = {name: unchecked(f"GetObject: refused for {by}") for name, by in zip("abcd", "abaa", strict=True)}
    assert said == found(state, bucket, "abcd")
    assert 2 == len(bucket.read_keys)


def test_after_a_failure_the_rest_is_not_tried(state, monkeypatch):
    """What was read before it is remembered, and judged."""
    monkeypatch.setattr(check, "BATCH", 1)
    bucket = Bucket(*"abc", b=Unavailable("GetObject: 503"))

    assert dict.fromkeys("bc", unchecked("GetObject: 503")) == found(state, bucket, "abc")
    assert ["a", "b"] == bucket.read_keys
    assert {"s3://b/a"} == state.images.of("d", ["s3://b/a", "s3://b/b"]).keys()


@pytest.mark.parametrize(
    ("failure", "code", "message"),
    [
        (NotFound("NoSuchBucket"), "RKD4003", "there is no bucket s3://b"),
        (Unavailable("503"), "RKD4006", "the image could not be checked: 503"),
        (Denied("403"), "RKD4006", "the image could not be checked: 403"),
    ],
)
def test_a_bucket_that_cannot_be_listed_says_so_of_each_image(state, failure, code, message):
    assert {name: [(code, message)] for name in "ab"} == found(state, Bucket(listing=failure), "ab")


def test_without_credentials_nothing_is_said_of_images(state):
    with pytest.raises(NoCredentials):
        found(state, Bucket(listing=NoCredentials("none")), "a")


def test_without_credentials_no_image_is_read(state, monkeypatch):
    """That ends the plan; a refusal of one image does not."""
    with pytest.raises(NoCredentials):
        found(state, Bucket("a", "b", a=NoCredentials("none")), "ab")


def test_a_bucket_of_another_region_is_named_for_each_of_its_images(state):
    """A training there can use none of them."""
    bucket = Bucket("a", "b")
    page = bucket.page
    bucket.page = lambda *where: page(*where)._replace(region="eu-west-1")  # type: ignore[method-assign]

    problems = found(state, bucket, "ab")

    assert ["a", "b"] == sorted(problems)
    ((_, message),) = problems["a"]
    assert problems["a"] == problems["b"]
    assert "eu-west-1" in message
    assert "us-east-1" in message


@pytest.mark.parametrize("region", [None, "us-east-1"])
def test_a_bucket_of_the_region_is_as_it_should_be(state, region):
    """Some stand-ins for S3 name no Region."""
    bucket = Bucket("a")
    page = bucket.page
    bucket.page = lambda *where: page(*where)._replace(region=region)  # type: ignore[method-assign]

    assert {} == found(state, bucket, "a")


def test_headers_are_read_batch_by_batch_and_what_has_none_says_why(state, monkeypatch):
    """Both steps are announced before they are made; what is known is not read again."""
    monkeypatch.setattr(check, "BATCH", 2)
    other = CheckedImage(*STORED, Header("GIF", 0, 0))
    bucket = Bucket(*"abcd", c=other, d=Denied("GetObject: AccessDenied"))
    announced: list[check.Forecast] = []
    steps: list[tuple[object, ...]] = []

    class Steps(Silence):
        def step(self, *step: object) -> None:
            steps.append(step)

    refs = [f"s3://b/{name}" for name in "abcde"]
    found = check.read_headers("d", refs, bucket, state.images, announced.append, Steps())

    assert [check.Forecast("d", ("s3://b",), 5, 1), check.Forecast("d", (), 4, 4)] == announced
    assert [("d", "reading", 0, 4), ("d", "reading", 2, 4)] == steps
    assert {"s3://b/a": SOUND.header, "s3://b/b": SOUND.header} == {
        ref: header for ref, header in found.items() if isinstance(header, Header)
    }
    assert {"s3://b/c": "ERROR_INVALID_IMAGE", "s3://b/d": "RKD4006", "s3://b/e": "ERROR_INVALID_IMAGE"} == {
        ref: header.code for ref, header in found.items() if not isinstance(header, Header)
    }
    assert {"s3://b/a", "s3://b/b", "s3://b/c"} == state.images.of("d", refs).keys()

    announced.clear()
    again = check.read_headers("d", refs[:2], bucket, state.images, announced.append, Steps())
    assert (found["s3://b/a"], 1, 4) == (again["s3://b/a"], len(announced), len(bucket.read_keys))


@pytest.mark.parametrize("failure", [Unavailable("503"), Denied("403")])
def test_headers_that_s3_does_not_give_at_all_end_the_command(state, failure):
    """An image without a size cannot be converted: to name each of them says less."""
    with pytest.raises(type(failure)):
        check.read_headers("d", ["s3://b/a"], Bucket(listing=failure), state.images, list, Silence())
    with pytest.raises(type(failure)):
        check.read_headers("d", ["s3://b/a"], Bucket("a", a=failure), state.images, list, Silence())


def test_headers_can_be_read_in_any_region(state):
    """Where the SDK finds the way there; else the Region is what is wrong with each image."""
    bucket = Bucket("a", "b")
    page = bucket.page
    bucket.page = lambda *where: page(*where)._replace(region="eu-west-1")  # type: ignore[method-assign]
    refs = ["s3://b/a", "s3://b/b"]

    found = check.read_headers("d", refs, bucket, state.images, list, Silence())

    assert dict.fromkeys(refs, SOUND.header) == found
    bucket.page = lambda *_: ImagePage(None, False, "eu-west-1")  # type: ignore[method-assign]
    found = check.read_headers("d", refs, bucket, state.images, list, Silence())
    assert dict.fromkeys(refs, "RKD4004") == {ref: problem.code for ref, problem in found.items()}
