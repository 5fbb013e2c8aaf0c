"""``reconciler check-images`` as a user runs it, against the S3 of the emulator."""

from __future__ import annotations

import io
import json
import random
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from PIL import Image

from reconciler.cli.main import main
from reconciler.engine.usecases import check_images
from reconciler.state.database import FILE_NAME
from tests.builders import boxed, classified
from tests.convert.inputs import jpeg, png

BUCKET = "acme"
TURNED = 6

pytestmark = pytest.mark.usefixtures("quick_sessions", "rekognition_env")


class Office:
    """A directory with specs, a bucket, and the command."""

    def __init__(self, root: Path, s3: Any, emulator: Any, read: Callable[[], Any]) -> None:
        self.root, self.s3, self.emulator, self._read = root, s3, emulator, read
        s3.create_bucket(Bucket=BUCKET)
        (root / "specs").mkdir()

    def spec(self, *lines: bytes, kind: str = "TRAIN", target: str = "") -> None:
        name = kind.lower()
        (self.root / "specs" / f"{name}.jsonl").write_bytes(
            b"".join(line.replace(b"s3://b/", b"s3://acme/") + b"\n" for line in lines)
        )
        (self.root / "specs" / f"{name}.yaml").write_text(
            f"apiVersion: reconciler/v1\nkind: Dataset\nmetadata: {{name: {name}}}\n"
            f"spec:\n  target: {{project: flowers, type: {kind}{target}}}\n  entries: [{{file: {name}.jsonl}}]\n"
        )

    def put(self, **images: bytes) -> None:
        for name, content in images.items():
            self.s3.put_object(Bucket=BUCKET, Key=f"{name}.jpg", Body=content)

    def check(self, *words: str, code: int = 0) -> list[dict[str, Any]]:
        """Return the datasets of check-images/v1, after asserting the exit code and that nothing was written."""
        self.emulator.calls.clear()
        assert code == main(["check-images", *words, "-o", "json"])
        found = self._read()
        self.err = found.err
        assert [] == self.emulator.calls.writes()
        datasets: list[dict[str, Any]] = json.loads(found.out)["datasets"]
        return datasets

    def only(self, *words: str, code: int = 0) -> dict[str, Any]:
        (dataset,) = self.check(*words, code=code)
        return dataset

    def out(self) -> str:
        return str(self._read().out)

    def text(self, code: int = 0) -> str:
        assert code == main(["check-images"])
        return self.out()


@pytest.fixture
def office(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    rekognition_emulator: Any,
    rekognition_s3_client: Any,
    capfdbinary: Any,
) -> Office:
    monkeypatch.chdir(tmp_path)

    def read() -> Any:
        found = capfdbinary.readouterr()
        return type(found)(found.out.decode(), found.err.decode())

    return Office(tmp_path, rekognition_s3_client, rekognition_emulator.emulator, read)


def test_images_that_are_as_they_should_be(office):
    """Two requests read two images, after one that lists them."""
    office.spec(classified("a", "rose"), boxed("c", ("rose", 0, 0, 9, 9)))
    office.put(a=png(70, 80), c=jpeg())

    found = office.only()

    assert {"desired": 2, "missing": 0, "unchanged": 0, "read": 2, "unread": 0} == found["counts"]
    assert {"ListObjectsV2": 1, "GetObject": 2} == found["requests"]
    assert ([], [], True) == (found["problems"], found["errors"], found["complete"])


def test_the_requests_are_named_before_they_are_made(office):
    """On stderr; the second step knows exactly what is new."""
    office.spec(classified("a", "rose"), classified("c", "rose"))
    office.put(a=jpeg(), c=jpeg())

    office.only()

    assert [
        "train: looking up 2 images in s3://acme: 1 request or more",
        "train: reading 2 images that are new or changed: 2 requests, and more for long headers",
    ] == office.err.splitlines()


def test_every_fault_is_named_with_its_line_and_code(office):
    """AWS's code where it has one, else one of this project."""
    names = "missing", "webp", "small", "long", "scaled", "turned", "cut", "empty", "good"
    office.spec(*(boxed(name, ("rose", 0, 0, 9, 9)) for name in names))
    webp = io.BytesIO()
    Image.new("RGB", (640, 480)).save(webp, "WEBP")
    office.put(
        webp=webp.getvalue(),
        small=png(63, 70),
        long=png(64, 1_300),
        scaled=jpeg(320, 240),
        turned=jpeg(orientation=TURNED),
        cut=jpeg()[:30],
        empty=b"",
        good=jpeg(),
    )

    found = office.only(code=5)

    told = {
        (p["line"], p["severity"], p["code"], p["message"].partition(";")[0].partition(",")[0])
        for p in found["problems"]
    }
    assert told == {
        (1, "error", "ERROR_INVALID_IMAGE", "the image is missing: there is no such object"),
        (2, "error", "ERROR_INVALID_IMAGE", "the image is WebP"),
        (3, "error", "ERROR_INVALID_IMAGE_DIMENSION", "the image has 63 x 70 pixels"),
        (3, "error", "RKD4001", "'image_size' states 640 x 480"),
        (4, "error", "ERROR_INVALID_IMAGE", "the image has 64 x 1300 pixels"),
        (4, "error", "RKD4001", "'image_size' states 640 x 480"),
        (5, "error", "RKD4001", "'image_size' states 640 x 480"),
        (6, "warning", "RKD4002", "'image_size' states 640 x 480"),
        (7, "error", "ERROR_INVALID_IMAGE", "the image is cut or broken: its header states no size"),
        (8, "error", "ERROR_INVALID_IMAGE", "the image is empty: it has 0 bytes"),
    }
    assert {
        "ERROR_INVALID_IMAGE": 5,
        "ERROR_INVALID_IMAGE_DIMENSION": 1,
        "RKD4001": 3,
        "RKD4002": 1,
    } == found["codes"]
    assert all(p["file"] == "specs/train.jsonl" and p["source_ref"] for p in found["problems"])


def test_only_new_and_changed_images_are_read_again(office):
    """What is known of the others is judged again, without a request."""
    office.spec(classified("a", "rose"), boxed("c", ("rose", 0, 0, 9, 9)), boxed("d", ("rose", 0, 0, 9, 9)))
    office.put(a=jpeg(), c=jpeg(), d=png(70, 80))
    office.only(code=5)
    office.put(a=jpeg(641))
    office.s3.delete_object(Bucket=BUCKET, Key="c.jpg")

    found = office.only(code=5)

    assert {"desired": 3, "missing": 1, "unchanged": 1, "read": 1, "unread": 0} == found["counts"]
    assert {"ListObjectsV2": 1, "GetObject": 1} == found["requests"]
    assert [(2, "ERROR_INVALID_IMAGE"), (3, "RKD4001")] == [(p["line"], p["code"]) for p in found["problems"]]


def test_full_reads_every_image_again(office):
    """What is remembered is left aside."""
    office.spec(classified("a", "rose"))
    office.put(a=jpeg())
    office.only()

    assert {"ListObjectsV2": 1, "GetObject": 1} == office.only("--full")["requests"]


def test_a_line_that_changes_is_judged_without_reading_its_image(office):
    """Its image is remembered, not the verdict."""
    office.spec(boxed("a", ("rose", 0, 0, 9, 9)))
    office.put(a=jpeg())
    office.only()
    office.spec(boxed("a", ("rose", 0, 0, 9, 9), size=(1_280, 960)))

    found = office.only(code=5)

    assert (["RKD4001"], {"ListObjectsV2": 1}) == ([p["code"] for p in found["problems"]], found["requests"])


def test_a_large_colour_profile_costs_a_second_request(office):
    """560 kB in nine segments: the second range begins behind the first, and is long enough."""
    office.spec(boxed("a", ("rose", 0, 0, 9, 9)))
    office.put(a=jpeg(icc_profile=b"x" * 560_000))

    found = office.only()

    assert ([], {"ListObjectsV2": 1, "GetObject": 2}) == (found["problems"], found["requests"])


def test_the_same_bytes_in_both_datasets_are_named(office):
    """Under two names, which `validate` cannot see."""
    office.spec(classified("a", "rose"), classified("c", "rose"))
    office.spec(classified("d", "rose"), classified("e", "rose"), kind="TEST")
    office.put(a=jpeg(), c=jpeg(700), d=jpeg(800), e=jpeg())

    test, train = office.check()

    assert [] == train["problems"]
    (problem,) = test["problems"]
    assert ("warning", "RKD4005", 2) == (problem["severity"], problem["code"], problem["line"])
    assert problem["message"].startswith("the image has the same bytes as s3://acme/a.jpg")


def blobs(seed: int) -> Image.Image:
    """Return soft blobs of grey, other ones for each seed."""
    draw = random.Random(seed)
    pixels = bytes(draw.randrange(256) for _ in range(24 * 16))
    return Image.frombytes("L", (24, 16), pixels).resize((640, 480), Image.Resampling.BICUBIC)


def saved(image: Image.Image, form: str) -> bytes:
    stream = io.BytesIO()
    image.save(stream, form)
    return stream.getvalue()


def test_a_test_image_that_looks_like_a_training_image_is_named(office):
    """A copy in another size and format; each image is read whole once, as long as it does not change."""
    office.spec(classified("a", "rose"), classified("c", "rose"), classified("e", "rose"))
    office.spec(classified("d", "rose"), classified("f", "rose"), classified("g", "rose"), kind="TEST")
    office.put(a=saved(blobs(1), "PNG"), c=saved(blobs(2), "PNG"), e=saved(blobs(3), "PNG"))
    office.put(
        d=saved(blobs(9), "PNG"), f=saved(blobs(2).resize((320, 240)), "JPEG"), g=saved(blobs(3), "PNG")
    )

    test, train = office.check("--near-duplicates")

    assert ([], None) == (train["problems"], train.get("near_duplicates"))
    (pair,) = test["near_duplicates"]
    assert ("s3://acme/c.jpg", "s3://acme/f.jpg") == (pair["train_ref"], pair["test_ref"])
    assert 0 <= pair["distance"] <= 16
    found = [(p["severity"], p["code"], p["line"]) for p in test["problems"]]
    assert [("warning", "RKD4007", 2), ("warning", "RKD4005", 3)] == found, "g has the very bytes of e"
    assert (6, 5) == (train["requests"]["GetObject"], test["requests"]["GetObject"]), (
        "e was read in place of g"
    )

    again, _ = office.check("--near-duplicates")
    assert (test["near_duplicates"], {"ListObjectsV2": 1}) == (again["near_duplicates"], again["requests"])
    assert "near_duplicates" not in office.check()[0]


def test_images_that_look_alike_stand_side_by_side_on_a_page(office):
    """Both are in it; it asks for nothing else."""
    office.spec(classified("a", "rose"))
    office.spec(classified("f", "rose"), kind="TEST")
    office.put(a=saved(blobs(2), "PNG"), f=saved(blobs(2), "JPEG"))

    assert 0 == main(["check-images", "--near-duplicates", "-o", "html"])
    page = office.out()

    assert 2 == page.count('<img src="data:image/webp;base64,')
    assert "1 test image looks like a training image" in page
    assert page.index('alt="training image s3://acme/a.jpg"') < page.index('alt="test image s3://acme/f.jpg"')
    assert "img-src data:" in page
    assert "http" not in page.replace("http-equiv", "")


def test_without_pillow_near_duplicates_are_refused_before_anything_is_read(office, monkeypatch):
    monkeypatch.setattr("reconciler.reports.pictures.find_spec", lambda _: None)

    assert 64 == main(["check-images", "--near-duplicates"])

    assert "needs Pillow: pip install 'rekognition-dataset-reconciler[images]'" in office._read().err


def test_a_bucket_that_does_not_exist_is_one_error(office):
    """Not one for each of its images."""
    office.spec(b'{"source-ref":"s3://acme-2/a.jpg"}', b'{"source-ref":"s3://acme-2/c.jpg"}')

    found = office.only(code=5)

    assert [("RKD4003", "there is no bucket s3://acme-2")] == [
        (p["code"], p["message"]) for p in found["problems"]
    ]
    assert 2 == found["counts"]["missing"]


def test_a_bucket_of_another_account_may_not_be_read(office):
    """Exit 8; whether its images exist is not known."""
    boto3.client("s3", aws_access_key_id="999988887777", aws_secret_access_key="x").create_bucket(
        Bucket="theirs"
    )
    office.spec(b'{"source-ref":"s3://theirs/a.jpg"}')

    found = office.only(code=8)

    assert [("RKD5019", "ListObjectsV2: AccessDenied: Access Denied")] == [
        (error["code"], error["message"]) for error in found["errors"]
    ]
    assert (1, False) == (found["counts"]["unread"], found["complete"])


def test_a_bucket_in_another_region_is_an_error(office):
    """Rekognition does not read from it; that its images are there is told all the same."""
    place = {"LocationConstraint": "eu-west-1"}
    office.s3.create_bucket(Bucket="far", CreateBucketConfiguration=place)
    office.s3.put_object(Bucket="far", Key="a.jpg", Body=jpeg())
    office.spec(b'{"source-ref":"s3://far/a.jpg"}')

    found = office.only(code=5)

    assert [("RKD4004", "the bucket s3://far is in eu-west-1, and the dataset in us-east-1")] == [
        (problem["code"], problem["message"]) for problem in found["problems"]
    ]
    assert 1 == found["counts"]["read"]


def test_a_check_that_was_ended_goes_on_where_it_was(office, monkeypatch):
    """What was read is recorded batch by batch."""
    monkeypatch.setattr("reconciler.engine.usecases.check_images.BATCH", 2)
    office.spec(*(classified(name, "rose") for name in "abcdef"))
    office.put(**{name: jpeg(640 + number) for number, name in enumerate("abcdef")})
    record = check_images._DatasetCheck._record
    batches = iter([None, None, KeyboardInterrupt()])

    def stopped(self, refs, answers):
        if (exc := next(batches)) is not None:
            raise exc
        record(self, refs, answers)

    with monkeypatch.context() as patched:
        patched.setattr(check_images._DatasetCheck, "_record", stopped)
        assert [] == office.check(code=130)

    counts = office.only()["counts"]
    assert (4, 2) == (counts["unchanged"], counts["read"])


def test_the_policy_for_this_command_names_the_directory_of_the_images(office):
    """Listing needs the bucket, reading what is in it."""
    office.spec(b'{"source-ref":"s3://acme/a/b/c.jpg"}', b'{"source-ref":"s3://acme/a/b/d/e.jpg"}')

    assert 0 == main(["iam", "check-images"])

    statements = json.loads(office.out())["Statement"]
    assert [["arn:aws:s3:::acme"], ["arn:aws:s3:::acme/a/b/*"]] == [each["Resource"] for each in statements]


@pytest.mark.slow
def test_an_s3_that_does_not_answer_is_unknown(office, monkeypatch):
    """Exit 3."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    office.spec(classified("a", "rose"))

    found = office.only(code=3)

    assert ["RKD5012"] == [error["code"] for error in found["errors"]]


def test_a_dataset_that_cannot_be_used_stops_no_other(office):
    """Its images are checked as far as its lines can be read."""
    office.spec(classified("a", "rose"), b"{}")
    office.spec(classified("c", "rose"), kind="TEST")
    office.put(a=jpeg(), c=jpeg(700))

    test, train = office.check(code=5)

    assert ([], True) == (test["errors"], test["complete"])
    assert "ERROR_MISSING_SOURCE_REF" in [error["code"] for error in train["errors"]]
    assert 1 == train["counts"]["read"]


def test_a_damaged_row_of_the_state_costs_one_request(office):
    """It is as if the image had never been checked."""
    office.spec(classified("a", "rose"))
    office.put(a=jpeg())
    office.only()
    with sqlite3.connect(office.root / ".reconciler" / FILE_NAME) as connection:
        connection.execute("UPDATE image SET width = 7")

    found = office.only()
    assert (1, []) == (found["counts"]["read"], found["problems"])


def test_people_read_one_line_a_dataset_and_one_a_problem(office):
    """Errors first."""
    office.spec(boxed("turned", ("rose", 0, 0, 9, 9)), classified("missing", "rose"))
    office.put(turned=jpeg(orientation=TURNED))

    head, missing, turned = office.text(code=5).splitlines()

    assert head == "✗ train  2 images: 1 read, 1 missing; 2 problems; 2 requests"
    assert missing == (
        "    specs/train.jsonl:2: error: the image is missing: there is no such object (ERROR_INVALID_IMAGE) "
        "[s3://acme/missing.jpg]"
    )
    assert turned == (
        "    specs/train.jsonl:1: warning: 'image_size' states 640 x 480, as stored; the image has 640 x 480 as "
        "stored and 480 x 640 as shown (EXIF orientation 6) (RKD4002) [s3://acme/turned.jpg]"
    )
