"""Files that GitHub and pre-commit read, held to their schemas."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from reconciler.cli.parser import build
from reconciler.reports.plan.markdown import MARKER

ROOT = Path(__file__).parent.parent.parent
WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
PAGE = (ROOT / "docs" / "pull-requests.md").read_text()
EXAMPLE, PRE_COMMIT = re.findall(r"(?s)```yaml\n(.*?)```", PAGE)


def check(schema: str, file: Path) -> subprocess.CompletedProcess[str]:
    """Check a file against a schema that came with the checker: nothing is fetched."""
    program = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}"]
    return subprocess.run([*program, file], capture_output=True, text=True)


@pytest.mark.parametrize(
    ("schema", "file"), [("github-workflows", WORKFLOW), ("github-actions", ROOT / "action.yml")]
)
def test_github_can_read_it(schema, file):
    """Every key is known and of the right type."""
    done = check(schema, file)

    assert 0 == done.returncode, done.stdout


def test_the_page_shows_a_workflow_that_github_can_read(tmp_path):
    """It will be copied as it stands."""
    file = tmp_path / "datasets.yml"
    file.write_text(EXAMPLE)

    done = check("github-workflows", file)

    assert 0 == done.returncode, done.stdout


def test_a_misspelt_key_is_found(tmp_path):
    """The checks above would notice."""
    file = tmp_path / "datasets.yml"
    file.write_text(EXAMPLE.replace("runs-on:", "run-on:"))

    assert 1 == check("github-workflows", file).returncode


def test_the_page_names_every_input():
    """With its default."""
    rows = dict(re.findall(r"(?m)^\| `(\w+)` \| `?([^`|]*?)`? \|", PAGE))
    defaults = {name: spec["default"] for name, spec in ACTION["inputs"].items()} | {"token": "the run's own"}

    assert defaults == rows


def test_the_gate_is_what_everybody_runs():
    """The workflow runs `.ci/run` and adds nothing to it; it may read, and no more."""
    workflow = yaml.safe_load(WORKFLOW.read_text())

    assert ".ci/run" in [step.get("run") for step in workflow["jobs"]["gate"]["steps"]]
    assert {"contents": "read"} == workflow["permissions"]


def test_every_script_marks_its_comment_as_the_plan_does():
    """By one first line, so that one takes the place of the other."""
    for name in ("problems.py", "pull-request.sh"):
        assert set() != set(re.findall(r"<!--.*?-->", (ROOT / "ci" / name).read_text())) & {MARKER}, name


def test_pre_commit_finds_its_hook():
    """The hook that the page names exists, and the command line understands it."""
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    (asked,) = yaml.safe_load(PRE_COMMIT)["repos"][0]["hooks"]
    program, *words = hook["entry"].split() + asked["args"]

    assert asked["id"] == hook["id"]
    assert ("reconciler", "validate") == (program, build(words, whole=True).parse_args(words).command)
    for name in ("specs/a.yaml", "specs/b/c.jsonl", "specs/x.manifest"):
        assert re.search(hook["files"], name)
