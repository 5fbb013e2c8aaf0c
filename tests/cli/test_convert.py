"""`reconciler convert`: the files it writes, its messages, and that other commands read its output."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.cli.main import main
from tests.convert.inputs import coco, manifest, voc, voc_box, yolo
from tests.docs.pages import ROOT

pytestmark = pytest.mark.usefixtures("place")

DATASET = """\
apiVersion: reconciler/v1
kind: Dataset
metadata: {name: dogs}
spec:
  target: {project: dogs, type: TRAIN, create: true}
  entries: [{file: "*.jsonl"}]
  policy: {mode: upsert}
"""
BASE = ("--base", "s3://acme/dogs/", "--created-at", "2026-03-01T12:00:00")


def table(text: str, name: str = "labels.csv") -> str:
    Path(name).write_text(text)
    return name


def test_lines_go_to_the_file_and_words_to_stderr(capfd):
    """Lines go to the file; stderr gets their number, which shows that none was lost."""
    assert 0 == main(["convert", "csv", table("b.jpg,dog\na.jpg,dog,cat\n"), *BASE, "-o", "out.jsonl"])

    assert ("", "out.jsonl: 2 images with 0 boxes converted.\n") == capfd.readouterr()
    assert ["s3://acme/dogs/a.jpg", "s3://acme/dogs/b.jpg"] == [
        json.loads(line)["source-ref"] for line in Path("out.jsonl").read_text().splitlines()
    ]


def test_a_dash_is_stdout(capfd):
    """A dash writes to stdout, byte for byte what the file would hold."""
    main(["convert", "csv", table("é.jpg,dog\n"), *BASE, "-o", "out.jsonl"])
    capfd.readouterr()

    assert 0 == main(["convert", "csv", "labels.csv", *BASE, "-o", "-"])
    said = capfd.readouterr()
    assert (Path("out.jsonl").read_text(), "1 image with 0 boxes converted.\n") == said


def test_names_without_an_ending_are_kept_if_the_flag_says_so(capfd):
    """As an error about such names recommends; the value of the flag is not taken for an empty one."""
    name = table("image,label\na,dog\n")
    assert 5 == main(["convert", "csv", name, *BASE, "-o", "out.jsonl"])
    assert "--extension none takes them as they are" in capfd.readouterr().err

    assert 0 == main(["convert", "csv", name, *BASE, "-o", "out.jsonl", "--extension", "none"])
    assert "s3://acme/dogs/a" == json.loads(Path("out.jsonl").read_text())["source-ref"]


def test_with_one_error_nothing_is_written(capfd):
    """With one error nothing is written and an existing file is kept; all problems are listed."""
    Path("out.jsonl").write_text("mine")
    place = voc(Path("voc/1.xml"), "1.jpg", voc_box("dog", 1, 1, 900, 20), voc_box("dog", 1, 1, 2, 20)).parent
    voc(place / "2.xml", "2.jpg", voc_box("dog", 1, 1, 20, 20))
    voc(place / "3.xml", "3.jpg")

    assert 5 == main(["convert", "voc", "voc", *BASE, "-o", "out.jsonl", "--force"])
    said = capfd.readouterr().err.splitlines()
    assert [
        (
            "voc/1.xml:2:1: error: the box “dog” 899 x 19 at 1, 1 reaches 260 px beyond the image of 640 x 480; "
            "--clip would cut it off (ERROR_INVALID_BOUNDING_BOX) [s3://acme/dogs/1.jpg]"
        ),
        (
            "voc/1.xml:3:1: error: the box “dog” 1 x 19 at 1, 1 must be longer than one pixel on both sides "
            "(ERROR_BOUNDING_BOX_TOO_SMALL) [s3://acme/dogs/1.jpg]"
        ),
    ] == said[:2]
    assert [
        "",
        (
            "Nothing was written: 2 errors, 1 image cannot be converted; "
            "--skip-invalid writes the others (2 images with 1 box)."
        ),
    ] == said[-2:]
    assert "mine" == Path("out.jsonl").read_text()


def test_images_with_errors_can_be_left_out(capfd):
    """A flag leaves images with errors out; the reason for each is still reported."""
    assert 0 == main(
        ["convert", "csv", table("a.jpg,dog\n/b.jpg,dog\n"), *BASE, "-o", "out.jsonl", "--skip-invalid"]
    )

    said = capfd.readouterr().err
    assert "labels.csv:2: error:" in said
    assert said.endswith("out.jsonl: 1 image with 0 boxes converted; 1 image skipped (RKD1501 1).\n")


@pytest.mark.parametrize("text", ["", "/a.jpg,dog\n"])
def test_an_empty_file_is_never_written(text, capfd):
    """An empty file is never written, as it would mean a dataset that is meant to be empty."""
    assert 5 == main(["convert", "csv", table(text), *BASE, "-o", "out.jsonl", "--skip-invalid"])

    assert capfd.readouterr().err.endswith(
        "Nothing was written: 1 error, and no image that could be converted.\n"
    )
    assert not Path("out.jsonl").exists()


def test_a_file_that_differs_is_not_overwritten(capfd):
    """A file of other content is not overwritten without a flag; one of the same content is no error."""
    command = ["convert", "csv", table("a.jpg,dog\n"), *BASE, "-o", "out.jsonl"]
    assert [0, 0] == [main(command), main(command)]
    before = Path("out.jsonl").read_bytes()
    table("a.jpg,cat\n")

    assert 64 == main(command)
    assert "out.jsonl: is there already, with other content; --force replaces it" in capfd.readouterr().err
    assert before == Path("out.jsonl").read_bytes()
    assert 0 == main([*command, "--force"])
    assert before != Path("out.jsonl").read_bytes()


def test_many_problems_are_summed_up(capfd):
    """The first 100 problems are printed, with a count for each kind of the rest; a flag prints all."""
    table("".join(f"/{number}.jpg,dog\n" for number in range(150)))
    command = ["convert", "csv", "labels.csv", *BASE, "-o", "-"]

    main(command)
    said = capfd.readouterr().err
    assert (100, 1) == (said.count(": error:"), said.count("… and 50 more (RKD1501 50)\n"))
    main([*command, "--all"])
    assert 150 == capfd.readouterr().err.count(": error:")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("csv nowhere.csv -o x", "nowhere.csv: No such file or directory"),
        ("csv labels.csv -o x", "labels.csv:1: the image is called “a.jpg”: give --base"),
        ("csv labels.csv -o x --base s3://b/", "give --created-at, such as 2026-03-01T12:00:00"),
        ("csv labels.csv -o x --base b/", "'b/' is not of the form s3://bucket/prefix/"),
        ("csv labels.csv -o x --created-at today", "'today' is not a date and time"),
        ("csv labels.csv -o x --created-at 2026-02-30T00:00:00", "is not a date and time"),
        ("cvs labels.csv -o x", "did you mean csv?"),
        ("yolo labels.csv -o x", "labels.csv: is not a directory"),
        ("csv labels.csv", "required: -o/--output"),
    ],
)
def test_a_bad_command_line_is_64(words, said, capfd):
    """A bad command line exits with 64 and one line, and writes nothing."""
    table("a.jpg,dog\n")
    try:
        code = main(["convert", *words.split()])
    except SystemExit as exc:
        code = exc.code

    assert 64 == code
    (line,) = capfd.readouterr().err.splitlines()
    assert said in line
    assert not Path("x").exists()


def every_format() -> None:
    """Convert one input of each format into a file of one spec tree."""
    Path("specs").mkdir()
    Path("specs/dogs.yaml").write_text(DATASET)
    image = {"id": 1, "file_name": "coco.jpg", "width": 640, "height": 480}
    note = {"image_id": 1, "category_id": 1, "bbox": [1.5, 2, 30.25, 40]}
    multi = {
        "source-ref": "s3://acme/dogs/gt.jpg",
        "J": [0, 1],
        "J-metadata": {
            "class-map": {"0": "dog", "1": "cat"},
            "confidence-map": {"0": 0.5, "1": 0.5},
            "human-annotated": "yes",
            "creation-date": "2020-02-27T21:36:25.000201",
            "type": "groundtruth/image-classification-multilabel",
        },
    }
    inputs = {
        "coco": coco(Path("coco.json"), [image], [note], "dog"),
        "yolo": yolo(Path("yolo"), {"yolo.png": (64, 64, "0 0.5 0.5 0.5 0.5")}, "dog"),
        "voc": voc(Path("voc.xml"), "voc.jpg", voc_box("dog", 1, 1, 20, 20)),
        "csv": table("csv.jpg,dog,cat\n"),
        "groundtruth": manifest(Path("output.manifest"), multi),
    }
    for name, path in inputs.items():
        assert 0 == main(["convert", name, str(path), *BASE, "-o", f"specs/{name}.jsonl"])


def test_what_is_converted_is_valid_and_converges(capfd):
    """Five formats are converted into one dataset that converges: the plan after an apply is empty."""
    every_format()

    assert 0 == main(["validate", "specs"])
    assert 0 == main(["apply", "specs", "--local"])
    assert 0 == main(["plan", "specs", "--local", "--detailed-exitcode"])
    said = capfd.readouterr().out
    assert "1 dataset, 5 entries: 1 warning." in said
    assert "RKD3004" in said  # image-level labels beside boxes, as this test needs them
    assert "converged: everything desired is in place; 5 added" in said


def test_the_bytes_depend_on_nothing_around(place):
    """The output depends neither on the hash seed nor on language, time zone or directory."""
    every_format()
    for path in ("coco.json", str(place / "coco.json")):
        done = subprocess.run(
            [sys.executable, "-m", "reconciler", "convert", "coco", path, *BASE, "-o", "-"],
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "PYTHONHASHSEED": "7",
                "LC_ALL": "C",
                "TZ": "Asia/Tokyo",
            },
            capture_output=True,
            check=True,
        )
        assert Path("specs/coco.jsonl").read_bytes() == done.stdout


def test_it_opens_no_socket(monkeypatch):
    """Converting opens no socket."""
    monkeypatch.setattr("socket.socket", None)

    assert 0 == main(["convert", "csv", table("a.jpg,dog\n"), *BASE, "-o", "out.jsonl"])
