"""``reconciler init``: a first spec tree that validates, from an example, from labels, or from AWS."""

import json
from pathlib import Path

import pytest

from tests.cli.ended import ended

BOX = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 20, 30, 40]}
COCO = {
    "images": [{"id": 1, "file_name": "a.jpg", "width": 640, "height": 480}],
    "categories": [{"id": 1, "name": "screw"}],
    "annotations": [BOX],
}
LABELS = ["--from", "coco", "boards.json", "--base", "s3://acme-boards/train/"]


@pytest.fixture(autouse=True)
def _labels(place: Path) -> None:
    (place / "boards.json").write_text(json.dumps(COCO))


@pytest.mark.parametrize("flags", [[], LABELS], ids=["example", "labels"])
def test_the_tree_validates_without_a_warning(flags, capsys):
    """What `init` writes can be applied as it is, and the commands it prints are the ones to type."""
    assert 0 == ended("init", "tree", *flags)
    *_, validate, plan, apply = capsys.readouterr().out.splitlines()

    assert 0 == ended(*validate.split()[1:])
    assert "no problems found" in capsys.readouterr().out
    assert 0 == ended(*plan.split()[1:])
    assert 0 == ended(*apply.split()[1:])


def test_labels_become_a_dataset_of_the_named_project(place):
    """The project, the type and the name of the dataset follow the flags; the date is recorded in the lines."""
    assert 0 == ended("init", *LABELS, "--project", "Boards.2", "--type", "test")

    assert {"boards-2-test.yaml", "boards-2-test.jsonl"} == {
        path.name for path in (place / "specs").iterdir()
    }
    spec = (place / "specs" / "boards-2-test.yaml").read_text()
    assert 'project: "Boards.2"' in spec
    assert "type: TEST" in spec
    (line,) = (place / "specs" / "boards-2-test.jsonl").read_text().splitlines()
    assert json.loads(line)["bounding-box-metadata"]["creation-date"].startswith("20")


def test_labels_with_errors_write_nothing(place, capsys):
    (place / "boards.json").write_text(json.dumps(COCO | {"annotations": [BOX | {"bbox": [-10, 0, 5, 5]}]}))

    assert 5 == ended("init", *LABELS)

    assert not (place / "specs").exists()
    said = capsys.readouterr().err
    assert "boards.json" in said
    assert said.endswith("Nothing was written: 1 error, and no image that could be converted.\n")


def test_labels_with_errors_become_a_dataset_of_the_others_if_that_is_wanted(place, capsys):
    """The message names the flag that leaves the images with errors out, and that flag of `init` does it."""
    good = {"id": 2, "file_name": "b.jpg", "width": 640, "height": 480}
    wrong = BOX | {"bbox": [-10, 0, 5, 5]}
    boxes = [wrong, BOX | {"id": 2, "image_id": 2}]
    (place / "boards.json").write_text(
        json.dumps(COCO | {"images": [*COCO["images"], good], "annotations": boxes})
    )

    assert 5 == ended("init", *LABELS)
    assert capsys.readouterr().err.endswith(
        "Nothing was written: 1 error, 1 image cannot be converted; "
        "--skip-invalid writes the others (1 image with 1 box).\n"
    )

    assert 0 == ended("init", *LABELS, "--skip-invalid")
    assert "1 image with 1 box; 1 image skipped (ERROR_INVALID_BOUNDING_BOX 1)\n" in capsys.readouterr().out
    assert 0 == ended("validate")


@pytest.mark.parametrize("existing", [["TRAIN"], ["TRAIN", "TEST"]])
def test_a_project_in_aws_becomes_specs_whose_plan_is_empty(existing, place, capsys):
    """Every dataset is written, in mode observe; the commands to type are those that only read."""
    for kind in existing:
        assert 0 == ended("init", kind, *LABELS, "--project", "boards", "--type", kind)
        assert 0 == ended("apply", kind, "--local")

    assert 0 == ended("init", "--from-aws", "boards", "--local")

    names = {f"boards-{kind.lower()}.yaml" for kind in existing}
    assert names == {path.name for path in (place / "specs").glob("*.yaml")}
    assert all("mode: observe" in (place / "specs" / name).read_text() for name in names)
    *_, validate, doctor, plan = capsys.readouterr().out.splitlines()
    assert "  reconciler validate" == validate
    assert 0 == ended(*doctor.split()[1:])
    assert 0 == ended(*plan.split()[1:], "--detailed-exitcode")


def test_a_project_that_does_not_exist_is_an_error_with_a_reason(capsys):
    assert 3 == ended("init", "--from-aws", "nowhere", "--local")

    assert "there is no project 'nowhere'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--from", "pascal", "boards.json"], "not one of the formats coco"),
        (["--from", "coco", "nowhere"], "nowhere: does not exist"),
        (["--from", "coco", "boards.json"], "--base"),
        (["--project", "boards"], "--from"),
        (["--from", "coco", "boards.json", "--from-aws", "boards"], "not allowed with"),
    ],
)
def test_a_bad_command_line_names_what_is_missing(words, reason, capsys):
    assert 64 == ended("init", "tree", *words)

    assert reason in capsys.readouterr().err


def test_no_file_is_overwritten(place, capsys):
    """Neither a tree that exists, by the example, nor a file with other content, by labels."""
    assert 0 == ended("init", *LABELS)
    file = place / "specs" / "boards-train.yaml"
    file.write_text("mine")

    assert 64 == ended("init")
    assert 64 == ended("init", *LABELS)

    assert "mine" == file.read_text()


def test_the_region_flag_is_before_the_region_of_the_configuration(monkeypatch, capsys):
    """`--region` decides where a project is looked for."""
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    assert 0 == ended("init", "tree", *LABELS, "--project", "boards")
    assert 0 == ended("apply", "tree", "--local")

    assert 3 == ended("init", "--from-aws", "boards", "--local", "--region", "eu-west-1")
    assert 3 == ended(
        "export", "--project", "boards", "--type", "TRAIN", "-d", "out", "--local", "--region", "eu-west-1"
    )
    capsys.readouterr()
    assert 0 == ended("doctor", "tree", "--local", "--region", "eu-central-1")
    assert "eu-central-1" in capsys.readouterr().out
