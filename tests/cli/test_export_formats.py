"""``reconciler export --format``: the datasets of a project in the formats of others, from git and from AWS."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from reconciler.core.entries.entry import canonical
from tests.builders import boxed, classified, ref
from tests.cli.ended import ended
from tests.cli.specs import dataset
from tests.convert.exports import document, images
from tests.waiting import until

TRAIN = (
    boxed("a", ("queen", 1, 2, 30, 40), ("bee", 5, 6, 70, 80)),
    boxed("b", ("bee", 5, 6, 70, 80)),
    classified("c", "bee"),
)
TEST = (boxed("d", ("wasp", 1, 2, 30, 40)),)

pytestmark = pytest.mark.usefixtures("quick_sessions")


@pytest.fixture(autouse=True)
def _datasets(place: Path) -> None:
    specs("bees-train", "TRAIN", TRAIN)
    specs("bees-test", "TEST", TEST)


def specs(name: str, kind: str, lines: tuple[bytes, ...], project: str = "bees") -> None:
    Path("specs").mkdir(exist_ok=True)
    Path(f"specs/{name}.yaml").write_text(
        dataset(name=name, project=project, kind=kind, file=f"{name}.jsonl")
    )
    Path(f"specs/{name}.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))


def coco(split: str) -> Any:
    return document(Path(f"out/annotations/instances_{split}.json"))


def test_train_and_test_are_splits_of_one_ontology(capsys: pytest.CaptureFixture[str]) -> None:
    """Categories are numbered over all lines of both datasets, sorted by name: maps of lines are local to them."""
    assert 0 == ended("export", "--from-specs", "--format", "coco", "-d", "out")

    for split in ("train", "test"):
        assert [(1, "bee"), (2, "queen"), (3, "wasp")] == [
            (category["id"], category["name"]) for category in coco(split)["categories"]
        ]
    assert [(1, 2), (1, 1), (2, 1)] == [
        (note["image_id"], note["category_id"]) for note in coco("train")["annotations"]
    ]
    assert [3] == [note["category_id"] for note in coco("test")["annotations"]]
    assert "train: 2 images with 3 boxes, of 3 entries, below s3://b/\n" in capsys.readouterr().out


def test_aws_gives_the_same_files_as_git() -> None:
    """What was applied and is exported from AWS differs in nothing from what specs desire."""
    assert 0 == ended("apply", "specs", "--local", "--yes")
    assert 0 == ended("export", "--project", "bees", "--local", "--format", "coco", "-d", "aws")
    assert 0 == ended("export", "--from-specs", "--format", "coco", "-d", "git")

    names = ["images.tsv", "annotations/instances_train.json", "annotations/instances_test.json"]
    assert [Path("git", name).read_bytes() for name in names] == [
        Path("aws", name).read_bytes() for name in names
    ]
    report = document(Path("aws/export.json"))
    assert ["train", "test"] == [split["name"] for split in report["splits"]]
    assert all(split["source"].startswith("arn:aws:rekognition:") for split in report["splits"])


def test_jsonl_of_specs_is_the_lines_alone_sorted_and_whole() -> None:
    """Shorthand or not, each entry is one line of its split, equal to what is desired."""
    assert 0 == ended("export", "--from-specs", "-d", "out")

    lines = Path("out/train.jsonl").read_bytes().splitlines()
    assert [canonical(json.loads(line)) for line in TRAIN] == [canonical(json.loads(line)) for line in lines]
    assert [] == document(Path("out/export.json"))["losses"]


def test_the_report_names_what_is_lost(capsys: pytest.CaptureFixture[str]) -> None:
    """By kind, with a count, names and images; the file beside the labels is the document on stdout."""
    assert 0 == ended("export", "--from-specs", "--format", "coco", "-d", "out", "-o", "json")

    text = capsys.readouterr().out
    assert text.encode() == Path("out/export.json").read_bytes()
    losses = {loss["kind"]: loss for loss in json.loads(text)["losses"]}
    assert {"unlabelled", "label", "attribute", "job-name", "class-id"} == losses.keys()
    assert (1, [ref("c")], True) == (
        losses["unlabelled"]["count"], losses["unlabelled"]["source_refs"], losses["unlabelled"]["images_left_out"]
    )  # fmt: skip
    assert {"bee": 1} == losses["label"]["names"]
    assert ({"boxes": 3}, False) == (losses["attribute"]["names"], losses["attribute"]["images_left_out"])


def test_images_are_named_by_where_they_are() -> None:
    """`--images-at` gives the path of a prefix; the list tells `aws s3 cp` from where to where."""
    specs("bees-train", "TRAIN", (boxed("x=1/a", ("bee", 1, 2, 30, 40)), boxed("y/b", ("bee", 1, 2, 30, 40))))
    rules = ["--images-at", "s3://b/x=1=one", "--images-at", "s3://b/=."]

    assert 0 == ended("export", "--from-specs", "--type", "train", "--format", "coco", "-d", "out", *rules)

    assert ["one/a.jpg", "y/b.jpg"] == [image["file_name"] for image in coco("train")["images"]]
    assert {"s3://b/x=1/a.jpg": "train/one/a.jpg", "s3://b/y/b.jpg": "train/y/b.jpg"} == images(Path("out"))
    assert [None] == [split["base"] for split in document(Path("out/export.json"))["splits"]]


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        (["s3://other/=."], "no --images-at says where s3://b/a.jpg is"),
        (["s3://b/x/=.", "s3://b/=."], "s3://b/a.jpg and s3://b/x/a.jpg would both be a.jpg"),
    ],
)
def test_images_without_a_place_of_their_own_are_refused(
    rules: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    specs("bees-train", "TRAIN", (boxed("a", ("bee", 1, 2, 30, 40)), boxed("x/a", ("bee", 1, 2, 30, 40))))
    flags = [word for rule in rules for word in ("--images-at", rule)]

    assert 64 == ended("export", "--from-specs", "--format", "coco", "-d", "out", *flags)

    assert said in capsys.readouterr().err
    assert not Path("out").exists()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("--format coco", 64, "--from-specs from git"),
        ("--project bees", 64, "--type TRAIN or TEST is needed"),
        ("--from-specs --format coco --force", 64, "--force replaces a spec"),
        (
            "--from-specs --format croissant --about url=x",
            64,
            "needs --about license=…, creator=…, published=…",
        ),
        ("--from-specs --format hf --about url=x", 64, "--about url: --format hf knows none"),
        ("--from-specs --images-at s3://b/=.", 64, "takes no --images-at"),
        ("--from-specs --format coco --project nosuch", 64, "select none"),
        ("--project bees --dataset bees-train --local --format coco", 64, "they need --from-specs"),
        ("--project nosuch --local --format coco", 3, "there is no project 'nosuch'"),
    ],
)
def test_a_request_that_cannot_be_met_writes_nothing(
    words: str, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code == ended("export", "-d", "out", *words.split())

    assert said in capsys.readouterr().err
    assert not Path("out").exists()


def test_datasets_of_two_projects_are_no_export(capsys: pytest.CaptureFixture[str]) -> None:
    specs("more", "TRAIN", TEST, project="apis")

    assert 64 == ended("export", "--from-specs", "--format", "coco", "-d", "out")
    assert (
        "choose with --dataset: bees-train (bees/TRAIN), more (apis/TRAIN), bees-test (bees/TEST)"
        in capsys.readouterr().err
    )
    assert 0 == ended("export", "--from-specs", "--format", "coco", "-d", "out", "--dataset", "more")


def test_specs_with_an_error_are_not_exported(capsys: pytest.CaptureFixture[str]) -> None:
    """A line that is wrong might be the one that matters: nothing is written, and the exit code is 5."""
    specs("bees-test", "TEST", (*TEST, b'{"source-ref":"nowhere"}'))

    assert 5 == ended("export", "--from-specs", "--format", "coco", "-d", "out")

    assert "bees-test cannot be exported" in capsys.readouterr().err
    assert not Path("out").exists()


def test_a_spec_that_cannot_be_read_stops_the_export(capsys: pytest.CaptureFixture[str]) -> None:
    """It might be the dataset that is asked for, whatever others there are."""
    Path("specs/wasps.yaml").write_text(dataset(name="wasps").replace("spec:", "spec: {}\nmore:"))

    for words in ([], ["--project", "nosuch"]):
        assert 5 == ended("export", "--from-specs", "--format", "coco", "-d", "out", *words)
        assert "wasps cannot be exported" in capsys.readouterr().err


def test_a_dataset_that_is_meant_to_be_empty_has_files_without_images() -> None:
    Path("specs/empty.yaml").write_text(
        dataset("allowEmpty: true", name="empty", project="empty", file="empty.jsonl")
    )
    Path("specs/empty.jsonl").touch()

    assert 0 == ended("export", "--from-specs", "--project", "empty", "--format", "coco", "-d", "out")

    assert [] == coco("train")["images"]
    assert [None] == [split["base"] for split in document(Path("out/export.json"))["splits"]]


def test_a_directory_with_anything_in_it_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    Path("out").mkdir()
    Path("out/.keep").write_text("mine")

    assert 64 == ended("export", "--from-specs", "--format", "coco", "-d", "out")

    assert "out is not empty (.keep is there)" in capsys.readouterr().err
    assert ["mine"] == [path.read_text() for path in Path("out").iterdir()]
    Path("out/.keep").unlink()
    assert 0 == ended("export", "--from-specs", "--format", "coco", "-d", "out")


def test_a_killed_export_leaves_nothing_that_looks_whole(place: Path) -> None:
    """Whatever was written until then is in a hidden directory; neither the files nor the report are there."""
    os.mkfifo("pipe")
    script = (
        "import sys, reconciler.convert.writers.coco as coco\n"
        "def wait(*_): open('pipe').read()\n"
        "coco.shutil.copyfileobj = wait\n"  # after the images, and before the annotations
        "from reconciler.cli.main import main\n"
        "sys.exit(main(['export', '--from-specs', '--format', 'coco', '-d', 'out']))\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], cwd=place, env={**os.environ}) as export:
        until(lambda: next(Path("out").glob(".export-*/annotations/*.json"), None) is not None)
        export.send_signal(signal.SIGKILL)

    assert -signal.SIGKILL == export.returncode
    (left,) = Path("out").iterdir()
    assert left.name.startswith(".export-")
    assert not (left / "export.json").exists()


@pytest.mark.parametrize("lines", [TRAIN[:2], TRAIN[2:], TRAIN], ids=["boxes", "labels", "both"])
def test_classes_are_those_of_the_lines_however_they_are_known(lines: tuple[bytes, ...]) -> None:
    """Validation knows the labels of specs of one kind; the files are those for which every line was read."""
    specs("bees-train", "TRAIN", lines)
    assert 0 == ended("apply", "specs", "--local", "--yes")

    flags = ["--format", "augmented", "-d"]
    assert 0 == ended("export", "--from-specs", *flags, "git")
    assert 0 == ended("export", "--project", "bees", "--local", *flags, "aws")

    found = [
        {path.name: path.read_bytes() for path in Path(name).glob("*.manifest")} for name in ("git", "aws")
    ]
    assert found[0] == found[1] != {}
