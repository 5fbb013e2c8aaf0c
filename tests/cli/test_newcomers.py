"""Mistakes of a first day: harmless ones are accepted, the others get one line with the nearest right thing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from reconciler.cli.main import main
from tests.docs.pages import ROOT

SPEC = """\
apiVersion: reconciler/v1
kind: Dataset
metadata:
  name: bees
spec:
  target:
    project: bees
    type: TRAIN
  entries:
    - file: images.yaml
"""
IMAGES = """\
apiVersion: reconciler/v1
kind: Entries
base: s3://acme-bees/train/
createdAt: 2026-03-01T12:00:00
images:
  - image: a.jpg
    labels: [bee]
  - image: b.jpg
    labels: [queen]
  - image: c.jpg
    labels: [drone]
"""
ARN = "arn:aws:rekognition:us-east-1:111122223333:project/bees/1672531200000"
LINES = (ROOT / "specs" / "flowers" / "test.jsonl").read_bytes()

Tree = dict[str, str | bytes]


@dataclass(frozen=True)
class Mistake:
    """
    One mistake.

    Attributes:
        words: The command line.
        files: Files that are written over `SPEC` and `IMAGES`.
        code: The expected exit code.
        line: Text that the one line holds; None if the mistake is accepted.
        env: Variables of the environment.
    """

    words: str
    code: int
    line: str | None = None
    files: Tree | None = None
    env: dict[str, str] | None = None


def spec(before: str, after: str) -> Tree:
    """Return the spec with one change."""
    assert before in SPEC
    return {"specs/dataset.yaml": SPEC.replace(before, after)}


def images(before: str, after: str) -> Tree:
    assert before in IMAGES
    return {"specs/images.yaml": IMAGES.replace(before, after)}


def lines(raw: bytes, name: str = "images.jsonl") -> Tree:
    return {
        "specs/dataset.yaml": SPEC.replace("images.yaml", name),
        f"specs/{name}": raw,
        "specs/images.yaml": "",
    }


MISTAKES = {
    # The ones that the first users made.
    "no credentials": Mistake(
        "plan", 8, "Unable to locate credentials: set AWS_PROFILE", env={"AWS_REGION": "us-east-1"}
    ),
    "no credentials, and apply": Mistake("apply", 8, "--local needs none", env={"AWS_REGION": "us-east-1"}),
    "no specs": Mistake("plan --local", 3, "it is only the default PATH: name your directory, or", {}),
    "a directory without specs": Mistake(
        "plan --local empty", 3, "`reconciler init` writes a first one", {"empty/x": ""}
    ),
    "a key indented too far": Mistake(
        "validate",
        5,
        "dataset.yaml:8:1: error: not valid YAML: indented by 5 spaces, and the line above by 4",
        spec("    type", "     type"),
    ),
    "a key indented too little": Mistake(
        "validate",
        5,
        "images.yaml:7:1: error: not valid YAML: indented by 3 spaces; the lines above it, by 0 or 2 or 4",
        images("    labels: [bee]", "   labels: [bee]"),
    ),
    "a list outside its mapping": Mistake(
        "validate",
        5,
        "unknown field entries; it belongs below spec: correct its indentation",
        spec("  entries:\n    -", "entries:\n  -"),
    ),
    "a list inside another mapping": Mistake(
        "validate",
        5,
        "unknown field spec.target.entries; it belongs below spec:",
        spec("  entries:\n    -", "    entries:\n      -"),
    ),
    "--type train": Mistake(
        "export --project bees --type train -d out --local", 3, "there is no project 'bees'"
    ),
    "type: train": Mistake(
        "validate", 5, "spec.target.type must be TRAIN or TEST, not “train”", spec("TRAIN", "train")
    ),
    "a date without a time": Mistake(
        "validate",
        5,
        "createdAt must be a date and time such as 2026-03-01T00:00:00",
        images("T12:00:00", ""),
    ),
    "--created-at without a time": Mistake(
        "convert csv a.csv -o o.jsonl --base s3://b/p/ --created-at 2026-03-01",
        64,
        "such as 2026-03-01T00:00:00",
        {"a.csv": "filename,label\na.jpg,bee\n"},
    ),
    "--local=yes": Mistake(
        "plan --local=yes", 64, "argument --local: it takes no value; write --local alone"
    ),
    "a second PATH": Mistake(
        "plan specs/a specs/b --local",
        64,
        "only one PATH is read: specs/a or specs/b; name the directory that holds both",
    ),
    "--ref without --git": Mistake("run --ref v1 --once --local", 64, "--ref v1 needs --git URL"),
    "a misspelt --dataset": Mistake(
        "plan --local --dataset bess", 64, "no dataset is called bess; did you mean bees?"
    ),
    "--dataset in capitals": Mistake("plan --local --dataset BEES", 64, "did you mean bees?"),
    "--dataset with a comma": Mistake(
        "plan --local --dataset bees,bees", 64, "repeat the flag: --dataset bees --dataset bees"
    ),
    "no field for the console": Mistake(
        "emulator --data data --console move_box",
        64,
        "move_box: dataset is missing, source_ref is missing; its fields: dataset, source_ref, [dx], [dy], [box]",
    ),
    "another field for the console": Mistake(
        "emulator --data data --console resave,dataset=bees/train,image=x",
        64,
        "there is no field image; its fields:",
    ),
    "another action for the console": Mistake(
        "emulator --data data --console movebox", 64, "no such action: 'movebox'; one of put,"
    ),
    # The ones that users of YAML, S3 and AWS make everywhere.
    "a tab": Mistake(
        "validate",
        5,
        "dataset.yaml:8:1: error: not valid YAML: a tab; indent with spaces",
        spec("    type", "\ttype"),
    ),
    "smart quotes": Mistake(
        "validate", 5, "“ does not quote in YAML", spec("project: bees", "project: “bees”")
    ),
    "smart quotes around a label": Mistake(
        "validate",
        0,
        "a typographic quotation mark, which does not quote (RKD2005)",
        images("[bee]", "[“bee”]"),
    ),
    "no slash after the base": Mistake("validate", 0, None, images("train/", "train")),
    "an address for browsers": Mistake(
        "validate",
        5,
        "base must be an S3 address such as s3://bucket/prefix/",
        images("s3://acme-bees/train/", "https://acme-bees.s3.amazonaws.com/train/"),
    ),
    "S3 in capitals": Mistake(
        "validate", 5, "base must be an S3 address such as s3://bucket/prefix/", images("s3:", "S3:")
    ),
    "an array instead of lines": Mistake(
        "validate",
        5,
        "the file is a JSON array, and one object a line is needed: `reconciler convert groundtruth",
        lines(b"[" + LINES.strip().replace(b"}\n{", b"},\n{") + b"]"),
    ),
    "another suffix": Mistake("validate", 0, None, lines(LINES, "images.json")),
    "a byte order mark": Mistake(
        "validate", 5, "byte order mark; save it as UTF-8 without BOM", lines(b"\xef\xbb\xbf" + LINES)
    ),
    "UTF-16": Mistake(
        "validate", 5, "the file is UTF-16; save it as UTF-8", {"specs/dataset.yaml": SPEC.encode("utf-16")}
    ),
    "line ends of Windows": Mistake(
        "validate",
        0,
        None,
        {"specs/dataset.yaml": SPEC.replace("\n", "\r\n"), "specs/images.yaml": IMAGES.replace("\n", "\r\n")},
    ),
    "a Region that is none": Mistake(
        "validate",
        5,
        "spec.target.region must be an AWS Region such as us-east-1",
        spec("    type: TRAIN", "    type: TRAIN\n    region: us-east1"),
    ),
    "an ARN for a project": Mistake(
        "validate", 5, ", not its ARN: bees", spec("project: bees", f"project: {ARN}")
    ),
    "an ARN for --project": Mistake(
        f"export --project {ARN} --type TRAIN -d out --local", 64, "is an ARN; give the name in it: bees"
    ),
    "an account without quotes": Mistake(
        "validate",
        5,
        "put it in quotes if it is meant as text",
        spec("    type: TRAIN", "    type: TRAIN\n    accountId: 111122223333"),
    ),
    "labels without brackets": Mistake(
        "validate", 5, "images[0].labels must be a list, not the text “bee”", images("[bee]", "bee")
    ),
    "a duration without a unit": Mistake(
        "validate",
        5,
        "must be a duration above zero with its unit, such as 90s",
        spec("  entries:", "  schedule: {interval: 30}\n  entries:"),
    ),
    "a misspelt file": Mistake(
        "validate",
        5,
        "specs/image.yaml does not exist; did you mean specs/images.yaml?",
        spec("images.yaml", "image.yaml"),
    ),
    "lines for a spec": Mistake(
        "validate specs/images.jsonl", 3, "a spec file ends in .yaml or .yml", lines(LINES)
    ),
    # The ones that users of similar tools make.
    "help": Mistake("help plan", 0),
    "version": Mistake("version", 0),
    "a misspelt command": Mistake("paln", 64, "(did you mean plan?)"),
    "a misspelt flag": Mistake("plan --datset bees", 64, "(did you mean --dataset?)"),
    "one dash": Mistake("plan -local", 64, "(did you mean --local?)"),
    "--json": Mistake("plan --local --json", 64, "(did you mean -o json?)"),
    "--profile": Mistake("plan --profile dev", 64, "(did you mean the environment variable AWS_PROFILE?)"),
    "--dry-run": Mistake("apply --dry-run", 64, "(did you mean the command plan, which writes nothing?)"),
    "a plan that is none": Mistake(
        "apply --plan plan.txt --local", 64, "--plan plan.txt: not a plan", {"plan.txt": "1 to add\n"}
    ),
}


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty working directory, and an environment without AWS."""
    for name in (
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_PROFILE",
        "AWS_REGION",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(place: Path, files: Tree | None) -> None:
    """Write the tree; an empty mapping of files stands for no specs at all."""
    tree: Tree = (
        {} if files == {} else {"specs/dataset.yaml": SPEC, "specs/images.yaml": IMAGES} | (files or {})
    )
    for name, content in tree.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        raw = content if isinstance(content, bytes) else content.encode()
        if raw or name != "specs/images.yaml":
            (place / name).write_bytes(raw)


@pytest.mark.usefixtures("quick_sessions")
@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_accepted_or_gets_one_line(
    name: str, place: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    """The line names the nearest right thing; nothing else is reported, and nothing is sent."""
    mistake = MISTAKES[name]
    write(place, mistake.files)
    for variable, value in (mistake.env or {}).items():
        monkeypatch.setenv(variable, value)
    try:
        code = main(mistake.words.split())
    except SystemExit as exc:
        code = int(exc.code or 0)

    out, err = capfd.readouterr()
    printed = [*out.splitlines(), *err.splitlines()]
    assert mistake.code == code, (out, err)
    if mistake.line is None:
        assert "error" not in err
        assert "warning:" not in out
        return
    assert 1 == len([line for line in printed if mistake.line in line]), printed
    assert 1 >= len([line for line in printed if "error:" in line]), printed
    assert code == 5 or code == 3 or 1 == len(printed) or mistake.code == 0, printed


@pytest.mark.usefixtures("quick_sessions")
@pytest.mark.parametrize("command", ["plan", "apply", "drift", "propose"])
def test_missing_credentials_hide_no_problem_of_a_spec(
    command: str, place: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    """Where a spec is wrong as well, both are reported; a document has an error for each dataset."""
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    write(place, None)
    (place / "specs" / "wasps.yaml").write_text(
        SPEC.replace("bees", "wasps").replace("images.yaml", "none.yaml")
    )

    code = main([command])
    out, err = capfd.readouterr()
    assert "none.yaml" in out + err
    assert "Unable to locate credentials" in out + err
    assert 8 == code

    (place / "specs" / "wasps.yaml").unlink()
    assert 8 == main([command, "-o", "json"])
    (dataset,) = json.loads(capfd.readouterr().out)["datasets"]
    assert "Unable to locate credentials" in dataset["errors"][0]["message"]
