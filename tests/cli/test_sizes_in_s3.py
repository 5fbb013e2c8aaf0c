"""``reconciler convert --images s3://…``: sizes that labels do not state come from the headers of images in S3."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli.main import main
from reconciler.errors import Denied
from reconciler.rekognition.image_store import ImageStore
from tests.convert.inputs import Drawn, boxes, jpeg, png

TURNED = 6

pytestmark = pytest.mark.usefixtures("quick_sessions", "rekognition_env")

Convert = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def s3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rekognition_s3_client: Any) -> Any:
    monkeypatch.chdir(tmp_path)
    rekognition_s3_client.create_bucket(Bucket="acme")
    return rekognition_s3_client


@pytest.fixture
def put(s3: Any) -> Callable[..., None]:
    def put(**images: bytes) -> None:
        for name, content in images.items():
            s3.put_object(Bucket="acme", Key=f"bees/{name}.jpg", Body=content)

    return put


@pytest.fixture
def requests(s3: Any, rekognition_emulator: Any) -> Callable[[], list[str]]:
    """Return the images, or parts of them, that the emulator's S3 served since the last call."""
    calls = rekognition_emulator.emulator.calls

    def requests() -> list[str]:
        found = [call.operation for call in calls if call.service == "s3" and call.operation != "PutObject"]
        calls.clear()
        return found

    calls.clear()
    return requests


def convert(form: str, source: str, *words: str, code: int = 0, base: str = "s3://acme/bees/") -> list[Any]:
    """Return the lines that are written."""
    Path("out.jsonl").unlink(missing_ok=True)
    where = ("--base", base, "--created-at", "2026-03-01T12:00:00", "--images", "s3://acme/bees/")
    assert code == main(["convert", form, source, *where, *words, "-o", "out.jsonl"])
    return [json.loads(line) for line in Path("out.jsonl").read_text().splitlines()] if not code else []


def shares(*names: str) -> str:
    """Write an Open Images table with one box, from 10 % to 50 % and 20 % to 60 %, in each image."""
    head = "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax\n"
    Path("boxes.csv").write_text(head + "".join(f"{name},x,bee,1,0.1,0.5,0.2,0.6\n" for name in names))
    return "boxes.csv"


def test_sizes_come_from_s3(put, capfd):
    """Of a JPEG with a large colour profile, of a PNG, and of a photograph as it is shown."""
    put(a=jpeg(640, 480, icc_profile=bytes(200_000)), b=png(1000, 100), c=jpeg(640, 480, TURNED))

    a, b, c = convert("csv", shares("a", "b", "c"))

    assert [{"width": 640, "height": 480, "depth": 3}] == a["bounding-box"]["image_size"]
    assert [Drawn("bee", 64, 96, 256, 192)] == boxes(a)
    assert [Drawn("bee", 100, 20, 400, 40)] == boxes(b)
    assert [Drawn("bee", 48, 128, 192, 256)] == boxes(c)
    said = capfd.readouterr().err
    assert "convert --images: looking up 3 images in s3://acme: 1 request or more\n" in said
    assert "reading 3 images that are new or changed: 3 requests, and more for long headers\n" in said
    assert "stored turned (EXIF orientation)" in said


def test_images_may_be_elsewhere_than_the_base(put):
    """The source-ref has the base."""
    put(a=jpeg(640, 480))

    (line,) = convert("csv", shares("a"), base="s3://other/2026/")

    assert "s3://other/2026/a.jpg" == line["source-ref"]


def test_what_has_a_size_is_not_asked_for(put, requests):
    """Neither are images without boxes."""
    Path("boxes.csv").write_text(
        "filename,width,height,class,xmin,ymin,xmax,ymax\na.jpg,640,480,bee,1,2,30,40\n"
    )
    convert("csv", "boxes.csv")
    Path("labels.csv").write_text("a.jpg,bee\n")
    convert("csv", "labels.csv")

    assert [] == requests()


def test_an_image_without_a_size_is_an_error_that_names_it(put, capfd):
    """Missing, of another format, or cut; the others can be written."""
    put(good=jpeg(640, 480), gif=b"GIF89a" + bytes(20), cut=jpeg(640, 480)[:30])

    convert("csv", shares("good", "gif", "cut", "gone"), code=5)
    said = capfd.readouterr().err

    for place, what, name in (
        ("boxes.csv:3", "the image is GIF, by its bytes; Custom Labels takes PNG and JPEG", "gif"),
        ("boxes.csv:4", "the image is cut or broken: its header states no size", "cut"),
        ("boxes.csv:5", "the image is missing: there is no such object", "gone"),
    ):
        assert f"{place}: error: {what} (ERROR_INVALID_IMAGE) [s3://acme/bees/{name}.jpg]\n" in said
    assert ["s3://acme/bees/good.jpg"] == [
        line["source-ref"] for line in convert("csv", "boxes.csv", "--skip-invalid")
    ]


def test_an_image_is_read_once_while_it_does_not_change(put, requests, capfd):
    """Where there is a state directory; none is made."""
    put(a=jpeg(640, 480), b=jpeg(640, 480))
    convert("csv", shares("a", "b"))
    assert 2 == requests().count("GetObject")
    assert not Path(".reconciler").exists()

    Path(".reconciler").mkdir(mode=0o700)
    convert("csv", "boxes.csv")
    put(b=jpeg(600, 400))
    requests()
    first, second = convert("csv", "boxes.csv")

    assert 1 == requests().count("GetObject")
    assert [640, 600] == [line["bounding-box"]["image_size"][0]["width"] for line in (first, second)]


def test_label_files_of_yolo_need_no_image_here(put, s3):
    """Their names lack an ending, which --extension gives; an empty file is an image without objects."""
    put(a=jpeg(640, 480))
    s3.put_object(Bucket="acme", Key="bees/night/b.jpg", Body=jpeg(100, 100))
    for name, text in {"a": "0 0.5 0.5 0.25 0.5\n", "night/b": ""}.items():
        file = Path("labels", f"{name}.txt")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    Path("classes.txt").write_text("bee\n")

    a, b = convert("yolo", ".", "--extension", ".jpg")

    assert [Drawn("bee", 240, 120, 160, 240)] == boxes(a)
    assert ("s3://acme/bees/night/b.jpg", []) == (b["source-ref"], boxes(b))


def test_init_reads_sizes_too(put, capfd):
    """And the spec is usable at once."""
    put(a=jpeg(640, 480))
    words = ("init", "specs", "--from", "csv", shares("a"), "--base", "s3://acme/bees/")

    assert 0 == main([*words, "--images", "s3://acme/bees/"])
    assert 0 == main(["validate", "specs"])
    assert "1 image with 1 box" in capfd.readouterr().out


@pytest.mark.parametrize("bucket", ["acme", "nowhere"])
def test_what_s3_does_not_answer_is_no_size(bucket, s3, capfd):
    """A bucket that does not exist is an error of its images."""
    Path("out.jsonl").write_text("mine")
    words = ("--base", "s3://b/", "--created-at", "2026-03-01T12:00:00", "--images", f"s3://{bucket}/x/")

    assert 5 == main(["convert", "csv", shares("a"), *words, "-o", "out.jsonl", "--force"])
    assert "mine" == Path("out.jsonl").read_text()
    expected = "there is no such object" if bucket == "acme" else "there is no bucket s3://nowhere"
    assert expected in capfd.readouterr().err


def test_a_pipe_cannot_be_read_twice(s3, capfd):
    os.mkfifo("pipe")

    convert("csv", "pipe", code=64)

    assert "pipe: is read twice" in capfd.readouterr().err


def test_an_image_that_may_not_be_read_is_a_matter_of_permissions(put, requests, monkeypatch, capfd):
    """Nothing is written, and the exit code says why."""
    monkeypatch.setattr(ImageStore, "read", lambda *_: (_ for _ in ()).throw(Denied("GetObject: 403")))
    put(a=jpeg(640, 480))

    convert("csv", shares("a"), code=8)

    assert "GetObject: 403" in capfd.readouterr().err
    assert not Path("out.jsonl").exists()
