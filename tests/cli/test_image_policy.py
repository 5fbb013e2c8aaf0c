"""``policy.images`` as users meet it: what plans say of images in S3, and which entries an apply withholds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest

from reconciler.cli.main import main
from tests.cli import specs
from tests.convert.inputs import png

MISSING = ("error", "ERROR_INVALID_IMAGE", "the image is missing: there is no such object")
BUCKET = "acme-bees"

pytestmark = pytest.mark.usefixtures("quick_sessions", "rekognition_env")


class Place:
    """A spec tree of one dataset, the bucket of its images, and the commands."""

    def __init__(self, s3: Any, emulator: Any, capture: Any) -> None:
        self.s3, self.emulator, self._capture = s3, emulator.emulator, capture
        s3.create_bucket(Bucket=BUCKET)
        Path("specs").mkdir()

    def spec(self, policy: str, *names: str) -> None:
        Path("specs/dataset.yaml").write_text(
            specs.dataset(f"mode: upsert, images: {policy}", file="images.jsonl")
        )
        lines = (json.dumps({"source-ref": f"s3://{BUCKET}/{name}"}) for name in names)
        Path("specs/images.jsonl").write_text("".join(f"{line}\n" for line in lines))

    def put(self, *names: str, body: bytes = png(70, 80)) -> None:
        for name in names:
            self.s3.put_object(Bucket=BUCKET, Key=name, Body=body)

    def run(self, *words: str) -> tuple[int, dict[str, Any]]:
        self.emulator.calls.clear()
        code = main([*words, "-o", "json"])
        (dataset,) = json.loads(self._capture.readouterr().out)["datasets"]
        return code, dataset

    def text(self, *words: str) -> str:
        main([*words])
        return str(self._capture.readouterr().out)


@pytest.fixture
def place(place: Path, rekognition_emulator: Any, rekognition_s3_client: Any, capsys: Any) -> Place:
    return Place(rekognition_s3_client, rekognition_emulator, capsys)


def problems(dataset: dict[str, Any]) -> dict[str, list[tuple[str, str, str]]]:
    """Return the problems of images by the name of the image."""
    return {
        change["source_ref"].rpartition("/")[2]: [tuple(one.values()) for one in change["image_problems"]]
        for change in dataset["changes"]
        if "image_problems" in change
    }


def test_by_default_no_image_is_looked_at(place, monkeypatch):
    """Zero cost: not even a client of S3 is made."""
    monkeypatch.setattr("reconciler.cli.wiring.ImageStore", None)
    place.spec("ignore", "a.png")

    code, dataset = place.run("apply", "--yes")

    assert (0, "converged", 1) == (code, dataset["verdict"], dataset["counts"]["added"])


def test_warn_names_what_is_wrong_and_sends_everything(place):
    """A missing image and a WebP are warnings on the plan, with codes; the apply is not held up."""
    place.spec("warn", "a.png", "b.png", "c.png")
    place.put("a.png")
    place.put("c.png", body=b"RIFF\0\0\0\0WEBPVP8 ")

    code, dataset = place.run("plan")

    form = "the image is WebP, by its bytes; Custom Labels takes PNG and JPEG"
    assert {"b.png": [MISSING], "c.png": [("error", "ERROR_INVALID_IMAGE", form)]} == problems(dataset)
    assert (0, 3, [3]) == (code, len(dataset["changes"]), [batch["entries"] for batch in dataset["batches"]])
    text = place.text("plan")
    assert "Images: 2 have problems (ERROR_INVALID_IMAGE 2)." in text
    assert "error: the image is missing: there is no such object (ERROR_INVALID_IMAGE)" in text
    assert "3 to add" in text
    for form in ("html", "markdown"):
        assert "Images: 2 have problems" in place.text("plan", "-o", form)
    main(["plan", "--out", "saved.json"])
    place.text("plan")
    assert "Images: 2 have problems (ERROR_INVALID_IMAGE 2)." in place.text("show", "saved.json")
    assert "converged" == place.run("apply", "--yes")[1]["verdict"]


def test_require_withholds_the_entry_and_counts_add_up(place):
    """Verdict withheld, exit 0; with --detailed-exitcode 2, since git asks for it."""
    place.spec("require", "a.png", "b.png", "c.png")
    place.put("a.png", "c.png")

    code, dataset = place.run("plan")
    assert {"b.png": [MISSING]} == problems(dataset)
    assert (0, [2]) == (code, [batch["entries"] for batch in dataset["batches"]])
    assert "1 not sent: new in git (policy images: require)" in place.text("plan")

    code, dataset = place.run("apply", "--yes", "--detailed-exitcode")
    assert (2, "withheld") == (code, dataset["verdict"])
    assert (2, 1) == (dataset["counts"]["added"], dataset["counts"]["withheld"])
    (entry,) = dataset["withheld"]
    assert f"s3://{BUCKET}/b.png" == entry["source_ref"]
    assert "new in git, images: require (ERROR_INVALID_IMAGE)" == entry["reason"]
    listed = place.emulator.calls.of("UpdateDatasetEntries")
    assert all(f"s3://{BUCKET}/b.png" not in call.source_refs for call in listed)


def test_a_warning_withholds_nothing(place):
    """An image of 15,000,001 bytes may be within AWS's limit."""
    place.spec("require", "a.png")
    place.put("a.png", body=png(70, 80) + bytes(15_000_001))

    _, dataset = place.run("apply", "--yes")

    assert "converged" == dataset["verdict"]


def test_the_controller_sends_an_entry_as_soon_as_its_image_is_there(place):
    """Neither git nor AWS changed: a cycle that withheld an entry for its image is never a quiet one."""
    place.spec("require", "a.png", "b.png")
    place.put("a.png")
    assert "withheld" == place.run("run", "--once")[1]["verdict"]
    assert "withheld" == place.run("run", "--once")[1]["verdict"]

    place.put("b.png")
    _, dataset = place.run("run", "--once")

    assert ("converged", 1) == (dataset["verdict"], dataset["counts"]["added"])


def test_an_image_is_read_once_by_applies_and_what_check_images_knows_is_not_read_again(place):
    """The memory is that of check-images, in both directions; a plan reads it and writes nothing."""
    place.spec("require", "a.png", "b.png")
    place.put("a.png")
    gets = []
    for words in (["plan"], ["plan"], ["apply", "--yes"], ["apply", "--yes"], ["check-images"]):
        place.run(*words)
        gets.append(len(place.emulator.calls.of("GetObject")))

    assert [1, 1, 1, 0, 0] == gets


def test_s3_that_refuses_is_no_missing_image(place):
    """RKD4006: with require nothing is sent of which nothing is known."""
    boto3.client("s3", aws_access_key_id="999988887777", aws_secret_access_key="x").create_bucket(
        Bucket="theirs"
    )
    place.spec("require", "a.png")
    Path("specs/images.jsonl").write_text('{"source-ref":"s3://theirs/a.png"}\n')

    _, dataset = place.run("apply", "--yes")

    assert "withheld" == dataset["verdict"]
    assert "RKD4006" in dataset["withheld"][0]["reason"]


def test_the_policy_of_a_controller_allows_looking_at_the_images(place, capsys):
    """Only where the spec asks to look."""
    place.spec("warn", "train/a.png", "train/b.png")
    main(["iam", "write"])
    statements = {one["Sid"]: one for one in json.loads(capsys.readouterr().out)["Statement"]}
    assert [f"arn:aws:s3:::{BUCKET}/train/*"] == statements["ReadImages"]["Resource"]
    assert ["s3:ListBucket"] == statements["ListImages"]["Action"]

    place.spec("ignore", "train/a.png")
    main(["iam", "write"])
    assert "s3:" not in capsys.readouterr().out
