"""What a command names as the next step: to a person at a terminal who reads text, and to nobody else."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.cli.main import main
from tests.docs.pages import ROOT

MOVED = "move_box,dataset=circuit-boards/train,source_ref=s3://acme-boards/train/board4.jpg,dx=9"
ONE = "--dataset circuit-boards-train"


@pytest.fixture(autouse=True)
def _specs(place: Path) -> None:
    shutil.copytree(ROOT / "specs", place / "specs")


def at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "dumb")


def steps(capsys: pytest.CaptureFixture[str]) -> list[str]:
    _, _, rest = capsys.readouterr().err.partition("Next:\n")
    return [line.strip() for line in rest.splitlines()]


@pytest.mark.usefixtures("quick_sessions")
def test_each_command_names_the_next(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """With the same specs, the same datasets and the same AWS; nothing where nothing is left to do."""
    at_a_terminal(monkeypatch)
    monkeypatch.setattr("reconciler.cli.handlers.apply.asks", lambda _: False)
    quiet = "--no-progress --log-level error"
    for words, code, expected in [
        ("validate", 0, ["reconciler plan"]),
        (f"status --local {ONE}", 0, [f"reconciler plan {ONE} --local"]),
        (f"plan --local {ONE} {quiet}", 0, [f"reconciler apply {ONE} --local"]),
        (f"plan --local {ONE} --out p.json {quiet}", 0, []),
        (f"show p.json {quiet}", 0, ["reconciler apply --plan p.json"]),
        (f"apply --local {ONE} --plan p.json {quiet}", 0, [f"reconciler drift {ONE} --local"]),
        (f"apply --local {ONE} {quiet}", 0, []),
        (f"plan --local {ONE} {quiet}", 0, []),
        (f"emulator --data .reconciler/local --console {MOVED}", 0, []),
        (
            f"drift --local {ONE} {quiet}",
            4,
            [f"reconciler propose {ONE} --local", f"reconciler apply {ONE} --local"],
        ),
        (f"propose --local {ONE} --patch p.diff {quiet}", 0, [f"git -C {place} apply {place}/p.diff"]),
        (f"apply --local {ONE} {quiet}", 0, [f"reconciler drift {ONE} --local"]),
        (f"restore --local {ONE} {quiet}", 0, [f"reconciler restore {ONE} --local --apply"]),
        (f"status {ONE}", 0, []),
        (f"doctor --local {ONE} {quiet}", 0, [f"reconciler plan {ONE} --local"]),
        (
            f"export --local --project circuit-boards --type TRAIN -d out {quiet}",
            0,
            ["reconciler validate out", "reconciler plan out --local"],
        ),
    ]:
        assert (code, expected) == (main(words.split()), steps(capsys)), words


@pytest.mark.usefixtures("quick_sessions")
def test_a_restore_says_that_git_still_asks_for_the_other_content(capsys: pytest.CaptureFixture[str]):
    """Once it has sent something; a second one changes nothing, and says nothing."""
    assert 0 == main(["apply", "--local"])
    assert 0 == main(["emulator", "--data", ".reconciler/local", "--console", MOVED])
    assert 0 == main(["apply", "--local"])
    restore = f"restore --local {ONE} --apply --log-level error --snapshot".split()
    assert 0 == main(f"restore {ONE} --list".split())
    snapshot = capsys.readouterr().out.splitlines()[-1].split()[0]

    assert 0 == main(f"restore --local {ONE} --snapshot {snapshot}".split())
    assert "to update: other than in the backup\n" in capsys.readouterr().out
    assert 0 == main([*restore, snapshot])
    assert "the next apply sends that" in capsys.readouterr().err
    assert 0 == main([*restore, snapshot])
    assert "apply" not in capsys.readouterr().err


@pytest.mark.usefixtures("quick_sessions")
def test_json_holds_the_document_alone(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    """Neither stdout nor stderr names a step."""
    at_a_terminal(monkeypatch)
    assert 0 == main(["plan", "--local", "--no-progress", "-o", "json"])

    out, err = capsys.readouterr()
    assert ("plan/v1", False) == (json.loads(out)["format"], "Next" in err)


@pytest.mark.usefixtures("quick_sessions")
def test_a_script_gets_no_hint(capsys: pytest.CaptureFixture[str]):
    """Without a terminal, stderr is for logs."""
    assert 0 == main(["plan", "--local", "--no-progress"])

    assert "" == capsys.readouterr().err


def test_converted_lines_are_named_in_a_spec(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """The file alone changes nothing: the step says where it belongs; none if the lines went to stdout."""
    at_a_terminal(monkeypatch)
    (place / "a.csv").write_text("image,label\na.jpg,rose\n")
    words = "convert csv a.csv --base s3://acme/p/ --created-at 2026-03-01T12:00:00 -o"

    assert 0 == main([*words.split(), "lines.jsonl"])
    assert "under entries: - file: lines.jsonl" in capsys.readouterr().err
    assert 0 == main([*words.split(), "-"])
    assert "Next" not in capsys.readouterr().err


@pytest.mark.usefixtures("quick_sessions")
def test_a_branch_is_reviewed_and_pushed(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """By git's own commands, with the name of the branch."""
    at_a_terminal(monkeypatch)
    quiet = f"--local {ONE} --no-progress --log-level error"
    run = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", "-C", str(place)]
    for words in (["init", "-q", "."], ["add", "specs"], ["commit", "-qm", "one"]):
        subprocess.run([*run, *words], check=True)
    assert 0 == main(f"apply --yes {quiet}".split())
    assert 0 == main(f"emulator --data .reconciler/local --console {MOVED}".split())
    capsys.readouterr()

    assert 0 == main(f"propose --branch console-edits {quiet}".split())

    assert ["git show --stat console-edits", "git push origin console-edits"] == steps(capsys)
