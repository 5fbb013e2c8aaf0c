"""What a pull request is told, by the action's own steps, against an emulator and a stand-in for GitHub."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from reconciler.emulator.behaviour.settings import Settings
from reconciler.emulator.server import Emulator, Running
from reconciler.emulator.testing import client
from tests.account import serve
from tests.deploy.actions import ROOT, GitHub, Runner
from tests.preloaded import python

MARKER = "<!-- reconciler-plan -->"
SPEC = """\
apiVersion: reconciler/v1
kind: Dataset
metadata: {name: flowers}
spec:
  target: {project: flowers, type: TRAIN, create: true}
  entries: [{file: train.jsonl}]
  policy: {mode: upsert}
"""


def line(image: str, label: str = "rose") -> str:
    facts = {"class-name": label, "confidence": 1, "type": "groundtruth/image-classification"}
    facts |= {"human-annotated": "yes", "creation-date": "2026-03-01T12:00:00", "job-name": "job"}
    return json.dumps({"source-ref": f"s3://acme/{image}.jpg", "label": 0, "label-metadata": facts})


@pytest.fixture
def service() -> Iterator[Running]:
    """An emulator that takes its time for nothing."""
    swift = Settings(create_seconds=0, update_seconds=0, delete_seconds=0, calls_per_second=None)
    emulator = Emulator(None, swift)
    with serve(emulator) as running:
        yield running
    emulator.close()


@pytest.fixture
def github() -> Iterator[GitHub]:
    github = GitHub()
    with github.served() as url:
        github.url = url
        yield github


@pytest.fixture
def runner(tmp_path: Path, service: Running, github: GitHub) -> Runner:
    """A checkout with one dataset of two images, of which AWS knows nothing yet."""
    specs = tmp_path / "checkout" / "specs"
    specs.mkdir(parents=True)
    (specs / "flowers.yaml").write_text(SPEC)
    (specs / "train.jsonl").write_text("\n".join([line("a"), line("b", "lily")]) + "\n")
    temp = tmp_path / "temp"
    program = temp / "reconciler" / "bin" / "reconciler"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nexec "{python()}" -P -m reconciler "$@"\n')
    program.chmod(0o755)
    (temp / "event.json").write_text('{"pull_request": {"number": 7}}')
    variables = {
        "AWS_ENDPOINT_URL": service.url,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_REGION": "us-east-1",
        "GITHUB_API_URL": github.url,
        "GITHUB_REPOSITORY": "acme/datasets",
        "GITHUB_EVENT_PATH": str(temp / "event.json"),
        "PYTHONPATH": str(ROOT),
    }
    return Runner(specs.parent, temp, variables)


def look(runner: Runner, **inputs: str) -> SimpleNamespace:
    return runner.run(skip=("Install",), **inputs)


def apply(runner: Runner) -> None:
    done = subprocess.run(
        [python(), "-m", "reconciler", "--state-dir", runner.temp / "state", "apply", "specs"],
        cwd=runner.workspace,
        env={**os.environ, **runner.variables},
        capture_output=True,
        text=True,
    )
    assert 0 == done.returncode, done.stdout + done.stderr


def test_a_pull_request_gets_its_plan(runner, github):
    """As one comment, and in the summary of the run."""
    result = look(runner)

    assert (0, "0") == (result.code, result.outputs["code"]), result.said
    (comment,) = github.bodies()
    assert comment.startswith(f"{MARKER}\n### Plan: ")
    assert "s3://acme/a.jpg" in comment
    assert comment == runner.summary.read_text()


@pytest.mark.slow
def test_a_push_replaces_the_comment(runner, github):
    """There is one comment, however often somebody pushes; what others wrote is left alone."""
    theirs = f"{MARKER}\nI look like the plan."
    github.add(theirs, author="mallory")
    for number in range(150):
        github.add(f"remark {number}", author="alice")
    look(runner)
    (runner.workspace / "specs" / "train.jsonl").write_text(line("c") + "\n")
    look(runner)

    (comment,) = github.bodies()
    assert "s3://acme/c.jpg" in comment
    assert "s3://acme/a.jpg" not in comment
    assert [theirs] == github.bodies("mallory")


@pytest.mark.slow
def test_nothing_new_is_not_posted_again(runner, github):
    """The same plan writes nothing: nobody is notified."""
    look(runner)
    look(runner)

    assert ["POST"] == [method for method, _ in github.calls if method != "GET"]


def test_a_bad_line_is_annotated_where_it_stands(runner, github):
    """At file and line, for GitHub to show beside it; the run fails, and the comment says why."""
    bad = line("b").replace('"class-name"', '"klass-name"')
    (runner.workspace / "specs" / "train.jsonl").write_text(f"{line('a')}\n{bad}\n")

    result = look(runner)

    assert (5, "5") == (result.code, result.outputs["code"])
    assert "::error file=specs/train.jsonl,line=2," in result.said["Look"]
    (comment,) = github.bodies()
    assert comment.startswith(f"{MARKER}\n### The specs are invalid: ")
    assert "    specs/train.jsonl:2:" in comment


def test_a_path_that_is_not_there_is_not_called_invalid(runner, github):
    """A typo in the workflow says nothing about the specs."""
    (runner.workspace / "specs").rename(runner.workspace / "others")

    assert 3 == look(runner).code
    (comment,) = github.bodies()
    assert comment.startswith(f"{MARKER}\n### The specs could not be read: 1 error\n")


def test_it_only_reads(runner, service):
    """Plan and drift report together make no call that writes, and leave no file in the checkout."""
    before = sorted(runner.workspace.rglob("*"))

    look(runner, drift="true")

    assert [] == [call.operation for call in service.emulator.calls.writes()]
    assert before == sorted(runner.workspace.rglob("*"))


def test_drift_is_reported_and_fails_nothing(runner, service):
    """What moved outside git is no fault of a pull request: there is a page as an artifact, and all is green."""
    apply(runner)
    moved = line("a", label="tulip").encode()
    rekognition = client(service)
    (project,) = rekognition.describe_projects()["ProjectDescriptions"]
    (dataset,) = project["Datasets"]
    rekognition.update_dataset_entries(DatasetArn=dataset["DatasetArn"], Changes={"GroundTruth": moved})

    result = look(runner, drift="true")

    assert 0 == result.code, result.said
    assert [result.outputs["report"]] == result.uploaded
    page = Path(result.outputs["report"]).read_text()
    assert "tulip" in page
    assert "s3://acme/a.jpg" in page


@pytest.mark.slow
def test_without_a_drift_report_nothing_is_kept(runner):
    """It lists every dataset once more, so it must be asked for."""
    result = look(runner)

    assert ("", []) == (result.outputs["report"], result.uploaded)


@pytest.mark.slow
def test_a_fork_may_not_comment(runner, github):
    """Its token cannot write: the plan stands in the summary, and that fails nothing."""
    github.writable = False

    result = look(runner)

    assert 0 == result.code, result.said
    assert "::notice::no right to comment" in result.said["Comment"]
    assert runner.summary.read_text().startswith(MARKER)


def test_a_fork_without_credentials_is_validated(runner, service, github):
    """With plan: false AWS is not asked at all."""
    result = look(runner, plan="false")

    assert 0 == result.code, result.said
    assert [] == list(service.emulator.calls)
    assert github.bodies() == [f"{MARKER}\n### The specs are valid: 0 warnings\n\n1 dataset, 2 entries.\n"]


@pytest.mark.slow
def test_missing_credentials_fail_the_run_and_say_so(runner, github):
    """A plan that could not be made is no plan that finds nothing."""
    del runner.variables["AWS_ACCESS_KEY_ID"], runner.variables["AWS_SECRET_ACCESS_KEY"]
    runner.variables |= {"AWS_EC2_METADATA_DISABLED": "true"}

    result = look(runner)

    assert (8, "8") == (result.code, result.outputs["code"]), result.said
    (comment,) = github.bodies()
    assert comment.startswith(f"{MARKER}\n")
    assert "No changes" not in comment


@pytest.mark.slow
def test_a_comment_can_be_done_without(runner, github):
    """Then GitHub is not asked anything."""
    look(runner, comment="false")

    assert [] == github.calls


@pytest.mark.slow
def test_a_token_is_not_sent_in_clear(runner, github):
    """Only over https; the loopback is for this test."""
    runner.variables["GITHUB_API_URL"] = "http://api.example"

    result = look(runner)

    assert 1 == result.code
    assert "only over https" in result.said["Comment"]


def test_a_build_server_of_another_kind_gets_text(runner):
    """The script alone, outside GitHub: problems as compilers write them, results as files."""
    (runner.workspace / "specs" / "flowers.yaml").write_text(SPEC.replace("project:", "projekt:"))
    program = runner.temp / "reconciler" / "bin"
    variables = {**os.environ, **runner.variables, "PATH": f"{program}:{os.environ['PATH']}"}
    variables = {key: text for key, text in variables.items() if not key.startswith("GITHUB_")}

    done = subprocess.run(
        [ROOT / "ci" / "pull-request.sh", "specs"],
        cwd=runner.workspace,
        env=variables,
        capture_output=True,
        text=True,
    )

    assert 5 == done.returncode
    assert "specs/flowers.yaml:5:12: error: unknown field spec.target.projekt" in done.stdout
    assert "::" not in done.stdout
    assert {"comment.md", "validate.json"} == {
        path.name for path in (runner.workspace / "reconciler-results").iterdir()
    }


@pytest.mark.slow
def test_the_action_installs_what_is_pinned(runner):
    """
    All steps, the first included: the shipped libraries, and the program beside them.

    What lies in the checkout is not imported in place of a library: it would have the credentials.
    """
    shutil.rmtree(runner.temp / "reconciler")
    del runner.variables["PYTHONPATH"]
    runner.variables |= {key: text for key, text in os.environ.items() if key.startswith(("PIP_", "SSL_"))}
    for name in ("boto3", "json", "reconciler", "yaml"):
        (runner.workspace / f"{name}.py").write_text("raise SystemExit('hijacked')\n")

    result = runner.run()

    assert 0 == result.code, result.said
    assert runner.summary.read_text().startswith(f"{MARKER}\n### Plan: ")
