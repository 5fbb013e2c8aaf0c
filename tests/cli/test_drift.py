"""``reconciler drift`` as a user runs it."""

import io
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import boto3
import pytest

from reconciler.cli.main import main
from reconciler.emulator.server import Emulator
from reconciler.errors import StateError
from tests.account import serve

SPEC = """\
apiVersion: reconciler/v1
kind: Dataset
metadata: {name: train}
spec:
  target: {project: flowers, type: TRAIN, create: true}
  entries: [{file: entries.yaml}]
  policy: {mode: upsert}
---
apiVersion: reconciler/v1
kind: Entries
base: s3://acme-flowers/train/
createdAt: 2026-03-01T12:00:00
images:
  - image: rose.png
    labels: [rose, with_leaves]
  - image: desk.png
    size: [640, 480]
    boxes:
      - {label: Echo, left: 86, top: 65, width: 220, height: 334}
"""
BUCKET = "acme-flowers"


@pytest.fixture
def account(place: Path, monkeypatch) -> Iterator[Emulator]:
    """An emulated account with console edits, and a spec directory beside it."""
    first, rest = SPEC.split("---\n")
    specs = place / "specs"
    specs.mkdir()
    (specs / "train.yaml").write_text(first)
    (specs / "entries.yaml").write_text(rest)
    with closing(Emulator()) as emulator, serve(emulator) as running:
        for service in ("REKOGNITION", "STS", "S3"):
            monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", running.url)
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "111122223333")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        assert 0 == main(["apply", "specs"])
        yield emulator


def console_edits(emulator: Emulator) -> None:
    (arn,) = {call.resource for call in emulator.calls.of("ListDatasetEntries")}
    emulator.console.move_box(arn, f"s3://{BUCKET}/train/desk.png", dx=5)
    emulator.console.relabel(arn, f"s3://{BUCKET}/train/rose.png", "with_leaves", "no_leaves")
    emulator.console.add_image(arn, f"s3://{BUCKET}/train/new.png")


def files(root: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_drift_is_reported_and_alarms(account, capsys):
    """Three console edits are reported as exactly their three classes, with exit code 4."""
    console_edits(account)
    capsys.readouterr()

    assert 4 == main(["drift", "specs", "-o", "json"])

    (found,) = json.loads(capsys.readouterr().out)["datasets"]
    assert {"desk.png": "box_moved", "rose.png": "relabelled", "new.png": "unmanaged"} == {
        item["source_ref"].rpartition("/")[2]: item["class"] for item in found["items"]
    }


def test_a_dataset_as_applied_is_no_alarm(account):
    """Without a difference the exit code is 0."""
    assert 0 == main(["drift", "specs"])


def test_only_the_report_is_written(account, tmp_path):
    """The command makes no call that writes, and writes no file but the report."""
    console_edits(account)
    account.calls.clear()
    before = files(tmp_path)

    main(["drift", "specs", "--report", "drift.html"])

    assert [] == account.calls.writes()
    after = files(tmp_path)
    assert {str(tmp_path / "drift.html")} == after.keys() - before.keys()
    assert before == {path: after[path] for path in before}


def test_an_observation_makes_no_state_directory(account, tmp_path):
    """The state directory is created only if the command is to record what it observes."""
    main(["--state-dir", "fresh", "drift", "specs"])
    assert not (tmp_path / "fresh").exists()

    main(["--state-dir", "fresh", "drift", "specs", "--remember"])
    assert (tmp_path / "fresh").exists()


def _full(*_: object) -> None:
    raise StateError("database or disk is full")


@pytest.mark.parametrize(
    "where", ["reconciler.state.tables.Sightings.replace", "reconciler.state.database._prepared"]
)
def test_a_full_disk_costs_the_memory_and_not_the_report(account, capsys, monkeypatch, where):
    """With a full disk nothing is recorded, one warning says so, and the report is still printed."""
    console_edits(account)
    capsys.readouterr()
    monkeypatch.setattr(where, _full)

    warned: list[str] = []
    log = SimpleNamespace(warning=lambda name, **_: warned.append(name))
    for module in ("reconciler.cli.handlers.drift", "reconciler.engine.usecases.drift"):
        monkeypatch.setattr(f"{module}.log", log)

    code = main(["--state-dir", "fresh", "drift", "specs", "--remember"])

    assert (4, True) == (code, "moved 1" in capsys.readouterr().out)
    assert ["status.unsaved"] == warned


def test_what_is_acknowledged_is_reported_without_an_alarm(account, tmp_path, capsys):
    """An acknowledgement in the specs changes the exit code to 0, and not the report."""
    console_edits(account)
    (tmp_path / "specs" / "known.yaml").write_text(
        "apiVersion: reconciler/v1\nkind: Acknowledgement\ndataset: train\nuntil: 9999-12-30\n"
        "reason: labelling party\n"
    )
    capsys.readouterr()

    assert 0 == main(["drift", "specs"])

    text = capsys.readouterr().out
    assert "drifted" in text
    assert "acknowledged: labelling party" in text


@pytest.mark.parametrize("suffix", ["html", "json", "md", "xml", "sarif", "txt"])
def test_the_name_of_a_report_says_its_format(account, tmp_path, suffix):
    """The format of a report follows from its file name, also without drift."""
    main(["drift", "specs", "--report", f"out.{suffix}"])

    starts = {"html": "<!doctype html>", "json": '{"format"', "md": "<!--", "xml": "<?xml", "sarif": "{"}
    assert (tmp_path / f"out.{suffix}").read_text().startswith(starts.get(suffix, "train"))


def test_a_report_of_no_known_format_is_refused(account, tmp_path):
    """An unknown report format is refused before any call to AWS."""
    account.calls.clear()

    assert 64 == main(["drift", "specs", "--report", "out.pdf"])
    assert [] == account.calls.names()


def pictures(account, tmp_path: Path, *words: str) -> dict[str, dict]:
    """Return the images of the page by their names; of two of three the picture can be read."""
    image = pytest.importorskip("PIL.Image")
    console_edits(account)
    data = io.BytesIO()
    image.new("RGB", (640, 480), "olive").save(data, "PNG")
    with closing(boto3.client("s3")) as s3:
        s3.create_bucket(Bucket=BUCKET)
        for name in ("desk.png", "rose.png"):
            s3.put_object(Bucket=BUCKET, Key=f"train/{name}", Body=data.getvalue())
    main(["drift", "specs", "--report", "drift.html", *words])
    page = (tmp_path / "drift.html").read_text()
    found = json.loads(page.partition('id="data">')[2].partition("</script>")[0])["images"]
    return {one["ref"].rpartition("/")[2]: one for one in found}


def test_the_most_severe_images_have_pictures(account, tmp_path):
    """Of one picture, a relabelled image has it, and not one whose box moved."""
    found = pictures(account, tmp_path, "--thumbnails", "1")

    assert {"rose.png"} == {name for name, one in found.items() if "picture" in one}


def test_the_pictures_of_a_page_have_a_limit(account, tmp_path, monkeypatch):
    """First the enlarged parts are left out, then whole pictures."""
    monkeypatch.setattr("reconciler.cli.pictures._DETAIL_BYTES", 0)
    found = pictures(account, tmp_path)
    assert {"desk.png", "rose.png"} == {name for name, one in found.items() if "picture" in one}
    assert not any("detail" in one for one in found.values())

    monkeypatch.setattr("reconciler.cli.pictures._PAGE_BYTES", len(found["rose.png"]["picture"]) + 1)
    main(["drift", "specs", "--report", "drift.html"])
    assert 1 == (tmp_path / "drift.html").read_text().count("data:image/webp")


def test_pictures_stand_in_the_page_where_they_can_be_read(account, tmp_path):
    """Images that can be read are embedded in the page; a missing one is drawn without its picture."""
    image = pytest.importorskip("PIL.Image")
    console_edits(account)
    data = io.BytesIO()
    image.new("RGB", (640, 480), "olive").save(data, "PNG")
    with closing(boto3.client("s3")) as s3:
        s3.create_bucket(Bucket=BUCKET)
        s3.put_object(Bucket=BUCKET, Key="train/desk.png", Body=data.getvalue())

    main(["drift", "specs", "--report", "drift.html"])

    page = (tmp_path / "drift.html").read_text()
    images = json.loads(page.partition('id="data">')[2].partition("</script>")[0])["images"]
    assert {"desk.png": True, "new.png": False, "rose.png": False} == {
        one["ref"].rpartition("/")[2]: one.get("picture", "").startswith("data:image/webp;base64,")
        for one in images
    }


def test_a_dataset_that_is_not_there_is_unknown(account, tmp_path, capsys):
    """A missing dataset exits with 3 and still prints a document."""
    spec = tmp_path / "specs" / "train.yaml"
    spec.write_text(spec.read_text().replace("flowers", "elsewhere").replace(", create: true", ""))
    capsys.readouterr()

    assert 3 == main(["drift", "specs", "-o", "json"])
    assert "unknown" == json.loads(capsys.readouterr().out)["datasets"][0]["verdict"]


def test_an_acknowledgement_that_cannot_be_read_is_reported(account, tmp_path, capsys):
    """An invalid acknowledgement silences nothing and is reported: exit code 5, as for any invalid spec."""
    (tmp_path / "specs" / "known.yaml").write_text(
        "apiVersion: reconciler/v1\nkind: Acknowledgement\ndataset: train\nuntil: 9999-12-30\n"
    )

    assert 5 == main(["drift", "specs"])
    assert "specs/known.yaml:1:1: error: reason is missing (RKD1204)\n" == capsys.readouterr().err


def test_a_program_gets_its_document_also_when_the_specs_cannot_be_read(account, capsys):
    """With unreadable specs the command prints JSON without datasets and exits with 3."""
    capsys.readouterr()

    assert 3 == main(["drift", "nowhere", "-o", "json"])
    error = {"code": "RKD5003", "message": "nowhere: No such file or directory"}
    assert {"format": "drift/v1", "datasets": [], "errors": [error]} == json.loads(capsys.readouterr().out)
