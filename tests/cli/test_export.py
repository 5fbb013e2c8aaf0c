"""``reconciler export`` of a dataset with entries that a spec cannot hold."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import boto3
import pytest

from reconciler.cli.main import main
from reconciler.core.entries.training_view import CLASSIFICATION
from reconciler.emulator.behaviour.switches import Switches
from reconciler.emulator.server import Emulator
from tests.account import serve
from tests.builders import classified, ref

GOOD = (classified("b", "rose"), classified("d", "tulip"))
WRONG = tuple(
    line.replace(CLASSIFICATION.encode(), b"groundtruth/wrongtype")
    for line in (classified("a", "rose"), classified("c", "rose"))
)
CODES = ["ERROR_NO_VALID_LABEL_ATTRIBUTES", "ERROR_UNSUPPORTED_USE_CASE_TYPE"]

Hold = Callable[..., None]

pytestmark = pytest.mark.usefixtures("quick_sessions")


@pytest.fixture
def aws(place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """Yield an emulator that every command of the test talks to."""
    for name, value in {
        "ACCESS_KEY_ID": "111122223333",
        "SECRET_ACCESS_KEY": "secret",
        "REGION": "us-east-1",
        "CONFIG_FILE": os.devnull,
        "SHARED_CREDENTIALS_FILE": os.devnull,
    }.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    with closing(Emulator()) as emulator, serve(emulator) as running:
        monkeypatch.setenv("AWS_ENDPOINT_URL_REKOGNITION", running.url)

        yield emulator


@pytest.fixture
def hold(aws: Emulator) -> Hold:
    """Fill the dataset with these lines."""

    def fill(*lines: bytes) -> None:
        client = boto3.client("rekognition", region_name="us-east-1")
        project = client.create_project(ProjectName="flowers")["ProjectArn"]
        arn = client.create_dataset(ProjectArn=project, DatasetType="TRAIN")["DatasetArn"]
        client.update_dataset_entries(DatasetArn=arn, Changes={"GroundTruth": b"\n".join(lines)})

    return fill


def export(*more: str) -> int:
    return main(["export", "--project", "flowers", "--type", "TRAIN", "-d", "out", *more])


def refs(path: str) -> list[str]:
    return [json.loads(line)["source-ref"] for line in Path(path).read_bytes().splitlines()]


def test_what_validation_refuses_is_left_out_and_kept_beside(
    hold: Hold, capsys: pytest.CaptureFixture[str]
) -> None:
    """Entries that validation refuses are named with their codes and kept in a file beside the spec."""
    hold(*GOOD, *WRONG)

    assert 0 == export("-o", "json")

    said = capsys.readouterr()
    document = json.loads(said.out)
    assert [{"source_ref": ref(name), "codes": CODES} for name in "ac"] == document["left_out"]
    assert 2 == document["entries"]
    assert f"2 entries are left out, the first is {ref('a')}" in said.err
    assert [
        "out/flowers-train.yaml",
        "out/flowers-train.jsonl",
        "out/flowers-train.refused.jsonl",
    ] == document["files"]
    assert [ref("b"), ref("d")] == refs("out/flowers-train.jsonl")
    assert [ref("a"), ref("c")] == refs("out/flowers-train.refused.jsonl")
    assert b"cl-" not in Path("out/flowers-train.refused.jsonl").read_bytes()
    assert 0 == main(["validate", "out"])
    assert 0 == main(["plan", "out", "--detailed-exitcode"])


def test_a_dataset_of_which_nothing_can_be_desired(hold: Hold) -> None:
    """A spec exported without usable entries allows an empty dataset, which would be an error otherwise."""
    hold(*WRONG)

    assert 0 == export()

    assert b"" == Path("out/flowers-train.jsonl").read_bytes()
    assert 0 == main(["validate", "out"])
    assert 0 == main(["plan", "out", "--detailed-exitcode"])


def test_nothing_is_left_out_of_a_sound_dataset(hold: Hold, capsys: pytest.CaptureFixture[str]) -> None:
    hold(*GOOD)

    assert 0 == export("-o", "json")

    said = capsys.readouterr()
    assert ([], "") == (json.loads(said.out)["left_out"], said.err)
    assert {"flowers-train.jsonl", "flowers-train.yaml"} == {path.name for path in Path("out").iterdir()}


def test_what_validation_refuses_is_reported_in_every_format(hold: Hold) -> None:
    """Entries that AWS would refuse are in no file of labels, and in the report with their codes."""
    hold(*GOOD, *WRONG)

    assert 0 == export("--format", "coco", "-o", "json")

    report = json.loads(Path("out/export.json").read_text())
    assert [{"source_ref": ref(name), "codes": CODES} for name in "ac"] == report["left_out"]
    assert ["train"] == [split["name"] for split in report["splits"]]


def test_an_incomplete_listing_is_no_export(
    aws: Emulator, hold: Hold, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A dataset that counts more entries than it lists is not exported, unless the listing is trusted."""
    monkeypatch.setattr("reconciler.engine.dataset.observe.LIST_AGAIN_SECONDS", 0)
    hold(*GOOD)
    aws.settings = replace(aws.settings, switches=Switches().with_changes({"count_excess": 1}))

    assert 3 == export("--format", "coco")
    assert not Path("out").exists()
    assert 0 == export("--format", "coco", "--trust-listing")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (
            [b'{"cl-errors": [{"code": "E", "message": "m"}]}'],
            "a listed line names no image; exporting it would lose it",
        ),
        ([GOOD[0], GOOD[1], GOOD[0]], f"{ref('b')} is listed twice"),
    ],
    ids=["without an image", "twice"],
)
def test_a_listing_that_cannot_be_kept_is_no_export(
    hold: Hold,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    lines: list[bytes],
    reason: str,
) -> None:
    """Exit 3, and no file: what was written would not be the dataset."""
    hold(*GOOD)
    pages = [[line.decode() for line in lines]]
    monkeypatch.setattr("reconciler.rekognition.gateway.Rekognition.pages", lambda *_: iter(pages))

    assert 3 == export()

    assert reason in capsys.readouterr().err
    assert not Path("out").exists()


def test_a_line_that_is_no_json_is_left_out_with_its_code(
    hold: Hold, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its image is known from the text; the others are exported."""
    hold(*GOOD)
    pages = [[GOOD[0].decode(), classified("d", "x").decode()[:-1]]]
    monkeypatch.setattr("reconciler.rekognition.gateway.Rekognition.pages", lambda *_: iter(pages))

    assert 0 == export("-o", "json")

    document = json.loads(capsys.readouterr().out)
    assert (1, [{"source_ref": ref("d"), "codes": ["ERROR_INVALID_JSON_LINE"]}]) == (
        document["entries"],
        document["left_out"],
    )
