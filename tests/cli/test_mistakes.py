"""Each mistake has one exit code in every command: 3 for unreadable specs, 64 for any other bad value."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from reconciler.cli.parser import build, every_command
from reconciler.reports.registry import FORMATS, document_type
from tests.cli.ended import ended
from tests.docs.pages import ROOT

HEX = "0" * 32
REPOSITORY = "https://git.invalid/repos/a/b"

# A command line of each command that reads specs, without its PATH; and the document that `-o json` prints.
OVER_SPECS = {
    "validate": ("validate", "validate"),
    "plan": ("plan --local", "plan"),
    "apply": ("apply --local", "apply"),
    "run": ("run --once --local --log-level error", "apply"),
    "drift": ("drift --local", "drift"),
    "propose": ("propose --local", "propose"),
    "explain": ("explain --local", "explain"),
    "restore": ("restore --dataset flowers-test --local", "plan"),
    "restore --apply": ("restore --dataset flowers-test --apply --local", "apply"),
    "restore --list": ("restore --dataset flowers-test --list", "snapshots"),
    "rebuild": (f"rebuild --dataset flowers-test --plan-digest {HEX} --bucket s3://acme/p --local", "apply"),
    "status": ("status", "status"),
    "iam": ("iam read", None),
    "export": ("export -d out --project flowers --format coco --from-specs", "export"),
    "doctor": ("doctor --local", "doctor"),
    "check-images": ("check-images --local", "check-images"),
    "stats": ("stats", "stats"),
}
NOT_OVER_SPECS = {
    "export to a spec": "export --project flowers --type TRAIN -d out --local",
    "convert": "convert csv a.csv -o out.jsonl",
    "diff": "diff HEAD",
    "schema": "schema plan",
    "show": "show text",
    "init": "init tree",
    "reconcile": "reconcile roses",
    "resume": "resume roses",
    "suspend": "suspend roses --reason audit",
    "emulator": "emulator --data data --console stamp",
}

# Values of PATH that are no spec tree.
NO_SPECS = [
    "nowhere",
    "nowhere/below",
    "empty",
    "text",
    "text/below",
    "pipe",
    "/dev/null",
    "loop",
    "a" * 5_000,
]

MAIN = ("nowhere", "text")  # of those, what every command is tried with in the default run

# Every flag that takes a value, and values that it cannot use; $PORT is taken. ANYTHING fits those in FREE.
FILE = ["nowhere", "empty", "text/below", "loop", "a" * 5_000]
TARGET = ["nowhere/file", "text/below", "empty", "empty/", "loop/x", "a" * 5_000]
ADDRESS = ["", "x", ":80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:²", "127.0.0.1:65536", "h:-1"]
BUCKET = ["", "b/p", "s3://", "s3:///p", "gs://b", "s3://bk/p", "s3://a b/p", "s3://acme/" + "a" * 900]
VARIABLE = ["", "NOT_SET", "EMPTY"]
QUEUES = [
    "",
    "changes",
    "arn:aws:sqs:us-east-1:111122223333:changes",
    "https://sqs.us-east-1.amazonaws.com/111122223333/changes",
    "sqs://changes",
    "sqs://arn:aws:sns:us-east-1:111122223333:changes",
    "sqs://sqs.us-east-1.amazonaws.com/111122223333/a/b",
    "sqs://ftp://h/111122223333/changes",
    "sqs://sqs.us-east-1.amazonaws.com/111122223333/" + "a" * 81,
]
MISTAKES: dict[tuple[str, str], list[str]] = {
    ("*", "--selector"): ["", "novalue", "=x"],
    ("*", "--calls-per-second"): ["", "0", "6", "2.5", "x", "٣"],
    ("*", "--output"): ["", "yaml"],
    ("*", "--state-dir"): ["", "text", "text/below", "/dev/null", "/dev/null/x", "loop", "a" * 5_000],
    ("*", "--log-format"): ["", "x"],
    ("*", "--log-level"): ["", "x"],
    ("plan", "--out"): TARGET,
    ("plan", "--observed"): [*FILE, "text", "double.jsonl"],
    ("apply", "--plan"): [*FILE, "text", "list.json", "other.json"],
    ("show", "FILE"): [*FILE, "text", "list.json", "other.json"],
    ("init", "DIR"): ["", "text", "text/below", "loop", "specs"],
    ("init", "--from-aws"): ["", "a b", "a/b"],
    ("*", "--region"): ["", "US", "us-east"],
    ("*", "--project"): ["", "a b", "a/b", "a" * 256],
    ("*", "--type"): ["", "BOTH"],
    ("*", "--base"): ["", "b/p", "gs://b/p/"],
    ("*", "--created-at"): ["", "today", "2026-13-01T00:00:00"],
    ("*", "--classes"): FILE,
    ("*", "--columns"): ["", "x", "colour=a"],
    ("*", "--extension"): ["", ".gif", "a/b"],
    ("*", "--crowd"): ["", "x"],
    ("*", "--polygons"): ["", "x"],
    ("*", "--images"): ["", "nowhere", "text", "text/below"],
    ("drift", "--report"): [*(f"{name}.html" for name in TARGET[:2]), "report", "report.pdf", "dir.html"],
    ("drift", "--thumbnails"): ["", "-1", "x", "1.5", "9" * 30],
    ("run", "--thumbnails"): ["", "-1", "x", "1.5", "9" * 30],
    ("propose", "--patch"): TARGET,
    ("propose", "--branch"): ["", "a b", "../x", "-x"],
    ("*", "--class"): ["", "moved"],
    ("*", "--source-ref"): ["", "train/a.jpg", "https://b/*"],
    ("explain", "S3-URI"): [
        "",
        "image.jpg",
        "gs://b/k",
        "https://b/k",
        "s3://",
        "s3://b",
        "s3://b/",
        "s3:///k",
    ],
    ("restore", "--snapshot"): ["", "nosuch"],
    ("rebuild", "--plan-digest"): ["", "xyz", "-"],
    ("rebuild", "--bucket"): BUCKET,
    ("iam", "--bucket"): BUCKET,
    ("iam", "LEVEL"): ["", "admin"],
    ("schema", "KIND"): ["", "datasets"],
    ("export", "--format"): ["", "pascal"],
    ("export", "--images-at"): ["", "s3://b/p/", "s3://=p", "b/p=p", "s3://b/p/=/p", "s3://b/p/=../p"],
    ("export", "--about"): ["", "license", "=x", "published=today"],
    ("export", "--directory"): ["", "text", "text/below", "loop", "/dev/null", "a" * 5_000],
    ("convert", "FORMAT"): ["", "pascal"],
    ("convert", "IN"): FILE,
    ("convert", "--output"): [*TARGET, "text"],
    ("run", "--listen"): [*ADDRESS, "127.0.0.1:$PORT", "203.0.113.1:80", "nowhere.invalid:80"],
    ("run", "--git-password-file"): FILE,
    ("run", "--git-password-env"): VARIABLE,
    ("run", "--ref"): ["", "a b", "a..b", "-x", "a~1", "x.lock", "a\tb", "/a", "a/"],
    ("run", "--token-file"): [*FILE, "blank"],
    ("run", "--token-env"): VARIABLE,
    ("run", "--webhook-secret-file"): [*FILE, "blank"],
    ("run", "--webhook-secret-env"): VARIABLE,
    ("run", "--notify"): [
        *("", "text", "@", "@nowhere", "@dir.html", "@blank", "@text", "file:nowhere"),
        *("nosuch://x", "cloudevents+https://", "cloudevents+https:///path", "slack://x"),
        *("json://h/\udcff", "cloudevents+http://h/\udcff", "cloudevents+http://[::1/x"),
        *("cloudevents+http://h:99999999/x", "cloudevents+http://h:0/x"),
    ],
    ("reconcile", "NAME"): ["", "\udcff"],
    ("resume", "NAME"): ["", "\udcff"],
    ("suspend", "NAME"): [""],
    ("run", "--notify-quiet"): [
        "",
        "0 22 * * *",
        "0 22 * * * 9",
        "0 99 * * * 9h",
        "0 22 * * * 9h Mars/Olympus",
    ],
    ("run", "--commit-status"): ["", "github", "http://git.invalid/repos/a/b", "https://git.invalid/a/b"],
    ("run", "--commit-status-token-file"): [*FILE, "blank"],
    ("run", "--commit-status-token-env"): VARIABLE,
    ("run", "--commit-status-context"): ["", " x", "a\nb", "a" * 101],
    ("run", "--status-objects"): ["", "name", "a/b/c", "/b", "a/", "A/b"],
    ("status", "--wait"): ["", "Happy"],
    ("status", "--timeout"): ["", "0", "30", "x", "-5s"],
    ("run", "--events"): QUEUES,
    ("iam", "--events"): QUEUES,
    ("run", "--lease"): ["", "name", "a/b/c", "/b", "a/", "A/b"],
    ("run", "--lease-seconds"): ["", "2", "x", "1e3", "86401", "9" * 30],
    ("run", "--shard"): ["", "1", "3/3", "x/3", "0/0", "auto/x", "0/6", "7/8"],
    ("run", "--allow-host"): ["", "a b", "http://h", "h/x", "*"],
    ("run", "--git-interval"): ["", "0", "30", "x", "-5s"],
    ("run", "--sync-max-age"): ["", "0", "30", "x", "-5s"],
    ("run", "--sync-metrics"): ["", "localhost:9090", "ftp://h/x"],
    ("*", "--server"): [
        "",
        "localhost:8080",
        "ftp://h",
        "http://",
        "http://h:x",
        "http://u:p@h",
        "http://h/?x=1",
        "http://h h",
    ],
    ("suspend", "--reason"): ["", " ", "a\nb", "a" * 501],
    ("suspend", "--for"): ["", "2", "0h", "forever", "-2h"],
    ("emulator", "--listen"): [*ADDRESS, "127.0.0.1:$PORT", "203.0.113.1:80"],
    ("emulator", "--data"): ["", "text", "text/below", "/dev/null", "loop", "a" * 5_000],
    ("emulator", "--account"): ["", "x", "12345678901", "١٢٣٤٥٦٧٨٩٠١٢"],
    ("emulator", "--create-seconds"): ["", "-1", "nan", "inf", "x"],
    ("emulator", "--update-seconds"): ["", "-1", "nan", "inf", "x"],
    ("emulator", "--delete-seconds"): ["", "-1", "nan", "inf", "x"],
    ("emulator", "--training-seconds"): ["", "-1", "nan", "inf", "x"],
    ("emulator", "--allow-host"): ["", "a b", "http://h", "h/x", "*"],
    ("emulator", "--s3-endpoint"): [
        "",
        "x",
        "ftp://h",
        "http://",
        "http://[::1",
        "http://h:99999",
        "http://a b",
    ],
    ("emulator", "--rate"): ["", "-1", "nan", "inf", "x"],
    ("emulator", "--throttling"): ["", "x"],
    ("emulator", "--seed"): ["", "x", "1.5"],
    ("emulator", "--switch"): ["", "x", "x=y", "floats=perhaps"],
    ("emulator", "--fault"): ["", "x", "{", "[]", "throttle,times=x"],
    ("emulator", "--console"): ["", "x", "stamp,x", "{", "{}", "stamp,dataset=nowhere/train"],
}
FREE = {
    ("*", "--dataset"),  # checked once the specs are read: see below
    ("*", "--label"),
    ("diff", "REV1"),  # the repository knows them: see test_diff.py
    ("diff", "REV2"),
    ("convert", "--attribute"),
    ("init", "--attribute"),
    ("init", "--split"),
    ("init", "--from"),  # two values: see test_init.py
    ("run", "--git"),  # a repository is a PATH: see below
    ("export", "--from-specs"),  # as PATH
    ("run", "--identity"),
    ("run", "--sync-file"),  # it may be made later
    ("convert", "--split"),
}


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a working directory with specs, and with files that are none."""
    shutil.copytree(ROOT / "specs", tmp_path / "specs")
    (tmp_path / "empty").mkdir()
    (tmp_path / "dir.html").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "pipe")
    line = '{"source-ref":"s3://b/k"}\n'
    files = {
        "text": "hello\n",
        "blank": " \n",
        "double.jsonl": 2 * line,
        "list.json": "[]",
        "other.json": '{"format":"apply/v1"}',
        "a.csv": "filename,label\na.jpg,rose\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NOT_SET", raising=False)
    monkeypatch.setenv("EMPTY", " ")
    return tmp_path


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Yield a port that is in use."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def words_of(command: str, path: str | None = None) -> list[str]:
    words = OVER_SPECS[command][0].split()
    if path is not None:
        words.append(path)
        if command == "explain":
            words.append("s3://b/k.jpg")
    return words


def flags(command: Any) -> Iterator[tuple[str, str]]:
    """Return the flags of a command that take a value, and its positional arguments."""
    from reconciler.cli.flags import add_globals

    parser = argparse.ArgumentParser(add_help=False)
    command.arguments(parser)
    add_globals(parser, default=False)
    for action in parser._actions:
        name = max(action.option_strings, key=len, default=action.metavar or action.dest.upper())
        if action.nargs != 0 and name != "PATH":
            yield command.name, str(name)


def usual(command: str, flag: str) -> list[str]:
    """Return a command line that lacks only this flag, so that nothing else can be wrong with it."""
    known = {
        ("convert", "IN"): "convert csv -o out.jsonl",
        ("convert", "FORMAT"): "convert -o out.jsonl a.csv",
        ("convert", "--output"): "convert csv a.csv --base s3://b/p/ --created-at 2026-03-01T12:00:00",
        ("convert", "--classes"): "convert yolo empty -o out.jsonl",
        ("init", "DIR"): "init",
        ("show", "FILE"): "show",
        ("suspend", "--reason"): "suspend roses",
        ("explain", "S3-URI"): "explain --local specs",
        ("export", "--format"): "export --project flowers -d out --local",
        ("export", "--about"): "export --project flowers -d out --local --format croissant",
        ("export", "--images-at"): "export --project flowers -d out --local --format coco",
        ("export", "--project"): "export --type TRAIN -d out --local",
        ("export", "--type"): "export --project flowers -d out --local",
        ("export", "--region"): NOT_OVER_SPECS["export to a spec"],
        ("export", "--directory"): "export --project flowers --type TRAIN --local",
        ("iam", "LEVEL"): "iam",
        ("schema", "KIND"): "schema",
        ("plan", "--observed"): "plan specs --dataset flowers-test",
        ("rebuild", "--plan-digest"): "rebuild --dataset flowers-test --bucket s3://acme/p --local",
        ("rebuild", "--bucket"): f"rebuild --dataset flowers-test --plan-digest {HEX} --local",
        ("run", "--listen"): "run specs --local --log-level error",
        ("emulator", "--listen"): "emulator",
        ("emulator", "--data"): "emulator --console stamp",
        ("run", "--git-password-file"): "run --once --local --git https://nowhere.invalid/x",
        ("run", "--git-password-env"): "run --once --local --git https://nowhere.invalid/x",
        ("run", "--lease"): "run --local specs",
        ("run", "--events"): "run --local specs",
        ("run", "--status-objects"): "run --local specs",
        ("run", "--commit-status"): "run --once --local specs --commit-status-token-env PATH",
        ("run", "--commit-status-token-file"): f"run --once --local specs --commit-status {REPOSITORY}",
        ("run", "--commit-status-token-env"): f"run --once --local specs --commit-status {REPOSITORY}",
        ("run", "--token-file"): "run --local specs --listen 127.0.0.1:0 --log-level error",
        ("run", "--webhook-secret-file"): "run --local specs --listen 127.0.0.1:0 --log-level error",
    }.get((command, flag))
    if known is not None:
        return known.split()
    if command == "explain":
        return words_of("explain", "specs")
    return words_of(command) if command in OVER_SPECS else NOT_OVER_SPECS[command].split()


def named(flag: str, value: str) -> list[str]:
    return [f"{flag}={value}"] if flag.startswith("--") else [value]


def rows() -> Iterator[Any]:
    """Return every mistake; in the default run one for each flag, and all for `plan` and `convert`."""
    for command in every_command():
        for name, flag in flags(command):
            shared = MISTAKES.get(("*", flag), [])[: None if name == "plan" else 3]
            for number, value in enumerate(MISTAKES.get((name, flag), shared)):
                once = number == 1 or name in ("plan", "convert")
                marks = () if once else pytest.mark.slow
                yield pytest.param(name, flag, value, marks=marks, id=f"{name} {flag} {value[:20]!a}")


def test_every_flag_that_takes_a_value_is_tried():
    """Every flag that takes a value lists here the values that it refuses, or accepts any text."""
    known = MISTAKES.keys() | FREE
    all_flags = {flag for command in every_command() for flag in flags(command)}

    missing = {flag for flag in all_flags if flag not in known and ("*", flag[1]) not in known}

    assert set() == missing
    assert set() == {flag for flag in known if flag[0] != "*"} - all_flags


@pytest.mark.parametrize(("command", "flag", "value"), list(rows()))
def test_a_value_that_cannot_be_used(
    command: str, flag: str, value: str, port: int, capfd: pytest.CaptureFixture[str]
):
    """An unusable value exits with 64 and one line on stderr that names it; nothing is printed or begun."""
    words = [*usual(command, flag), *named(flag, value.replace("$PORT", str(port)))]

    code = ended(*words)

    out, err = capfd.readouterr()
    assert (64, "", 1) == (code, out, len(err.splitlines())), (words, err)
    assert flag in err or "the value is empty" in err or value[:40] in err, err
    assert not Path(".reconciler", "state.sqlite3").exists() or command in ("restore", "run", "propose")


@pytest.mark.parametrize("command", every_command(), ids=lambda command: command.name)
def test_two_dashes_are_no_value(command: Any, capfd: pytest.CaptureFixture[str]):
    """argparse drops them, and would go on with an empty list in place of the text."""
    for name, flag in flags(command):
        if not flag.startswith("--") or flag == "--from":  # which takes two values
            continue
        with pytest.raises(SystemExit, match="64"):
            build([command.name], whole=True).parse_args([command.name, f"{flag}=--"])
        assert flag in capfd.readouterr().err, name


@pytest.mark.parametrize(
    ("command", "path"),
    [
        pytest.param(
            command, path, marks=() if command == "plan" or path in MAIN else pytest.mark.slow,
            id=f"{command}-{path[:12]}",
        )
        for command in OVER_SPECS
        for path in NO_SPECS
    ],
)  # fmt: skip
def test_specs_that_cannot_be_read(command: str, path: str, capfd: pytest.CaptureFixture[str]):
    """Unreadable specs exit with 3 and a document that gives the reason."""
    words, kind = words_of(command, path), OVER_SPECS[command][1]

    code = ended(*words, *(["-o", "json"] if kind else []))

    out, err = capfd.readouterr()
    assert 3 == code, err
    if kind is None:
        assert ("", True) == (out, path[:40] in err)
        return
    document = json.loads(out)
    assert f"{kind}/v1" == document["format"]
    if kind in FORMATS:
        TypeAdapter(document_type(kind)).validate_json(out, strict=True)
    if kind == "validate":
        assert (0, 0, ["RKD5003"]) == (
            document["datasets"], document["entries"], [problem["code"] for problem in document["problems"]]
        )  # fmt: skip
    elif kind == "doctor":
        assert "RKD5003" in {check["code"] for check in document["checks"]}
    else:
        assert ([], ["RKD5003"]) == (document["datasets"], [error["code"] for error in document["errors"]])


@pytest.mark.parametrize("command", [name for name in OVER_SPECS if name not in ("iam", "restore --list")])
def test_a_dataset_that_the_specs_do_not_have(command: str, capfd: pytest.CaptureFixture[str]):
    words = [word.replace("flowers-test", "nosuch") for word in words_of(command, "specs")]

    code = ended(*words, "--dataset", "nosuch", "-o", "json")

    out, err = capfd.readouterr()
    assert (64, "") == (code, out)
    assert "nosuch" in err


@pytest.mark.parametrize("command", [*OVER_SPECS, *NOT_OVER_SPECS])
@pytest.mark.parametrize("state", ["text", "text/below"])
def test_a_file_where_the_state_directory_should_be(
    command: str, state: str, capfd: pytest.CaptureFixture[str]
):
    """A file in place of the state directory is refused by every command, before or after its name."""
    words = words_of(command, "specs") if command in OVER_SPECS else NOT_OVER_SPECS[command].split()

    for line in (["--state-dir", state, *words], [*words, "--state-dir", state]):
        assert 64 == ended(*line)
        out, err = capfd.readouterr()
        assert ("", True) == (out, "--state-dir" in err)


@pytest.mark.parametrize("command", ["validate", "status", "plan", "drift", "propose", "explain", "doctor"])
def test_a_state_directory_that_does_not_exist_is_empty(
    command: str, place: Path, monkeypatch: pytest.MonkeyPatch
):
    """A missing state directory counts as empty for commands that only read, and is not created."""
    words = [word for word in words_of(command, "specs") if word != "--local"]
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    assert 64 != ended(*words, "--state-dir", "not/yet/there")

    assert not (place / "not").exists()


@pytest.mark.parametrize("command", ["apply", "run", "rebuild", "restore --apply"])
def test_a_state_directory_that_cannot_be_made(command: str, capfd: pytest.CaptureFixture[str]):
    assert 64 == ended(*words_of(command, "specs"), "--state-dir", "/proc/reconciler", "-o", "json")

    out, err = capfd.readouterr()
    assert ("", True) == (out, "/proc/reconciler" in err)


def test_status_without_specs_shows_what_is_recorded(place: Path, capfd: pytest.CaptureFixture[str]):
    """Without PATH and specs `status` prints what the state holds, as beside a controller that reads git."""
    assert 0 == ended("apply", "specs", "--local", "--dataset", "flowers-test")
    (place / "specs").rename(place / "elsewhere")
    capfd.readouterr()

    assert 0 == ended("status", "-o", "json")
    assert ["flowers-test"] == [d["name"] for d in json.loads(capfd.readouterr().out)["datasets"]]
    assert 64 == ended("status", "--dataset", "nosuch")
    assert 3 == ended("status", "specs")


@pytest.mark.parametrize(
    "command", ["validate", "plan", "apply", "drift", "propose", "explain", "iam", "doctor"]
)
def test_invalid_specs(command: str, place: Path):
    (place / "specs" / "odd.yaml").write_text("apiVersion: reconciler/v1\nkind: Dataset\nmetadata: {}\n")

    assert 5 == ended(*words_of(command, "specs"))


def test_an_unforeseen_failure_has_a_document(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    def fail(_: object) -> None:
        raise RuntimeError("out of luck")

    monkeypatch.setattr("reconciler.cli.specs.load", fail)
    monkeypatch.setattr("reconciler.cli.specs.open_path", fail)

    assert 1 == ended("plan", "specs", "--local", "-o", "json")

    (error,) = json.loads(capfd.readouterr().out)["errors"]
    assert ("RKD5000", True) == (error["code"], "out of luck" in error["message"])


def test_a_report_that_cannot_be_written_costs_only_the_report(
    place: Path, capfd: pytest.CaptureFixture[str]
):
    """With a full disk the report is lost, the result is still printed, and the exit code is 3."""
    moved = "move_box,dataset=circuit-boards/train,source_ref=s3://acme-boards/train/board4.jpg,dx=9"
    assert 0 == ended("apply", "specs", "--local")
    assert 0 == ended("emulator", "--data", ".reconciler/local", "--console", moved)
    capfd.readouterr()
    (place / "full.json").symlink_to("/dev/full")
    for words in (
        ["plan", "--out", "full.json"],
        ["drift", "--report", "full.json"],
        ["propose", "--patch", "full.json"],
    ):
        assert 3 == ended(*words, "specs", "--local", "-o", "json")
        out, err = capfd.readouterr()
        assert 3 == len(json.loads(out)["datasets"])
        assert "full.json" in err
