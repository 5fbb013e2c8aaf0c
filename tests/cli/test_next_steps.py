"""What a command names as the next step: to a person at a terminal who reads text, and to nobody else."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from reconciler.cli.main import main
from tests.docs.pages import ROOT

MOVED = "move_box,dataset=circuit-boards/train,source_ref=s3://acme-boards/train/board4.jpg,dx=9"
ONE = "--dataset circuit-boards-train"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    shutil.copytree(ROOT / "specs", tmp_path / "specs")
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    structlog.reset_defaults()  # it writes to the stderr of this test


def at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "dumb")


def steps(capsys: pytest.CaptureFixture[str]) -> list[str]:
    _, _, rest = capsys.readouterr().err.partition("Next:\n")
    return [line.strip() for line in rest.splitlines()]


@pytest.mark.usefixtures("quick_sessions")
def test_each_command_names_the_next(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    """With the same specs, the same datasets and the same AWS; nothing where nothing is left to do."""
    at_a_terminal(monkeypatch)
    monkeypatch.setattr("reconciler.cli.handlers.apply.asks", lambda _: False)
    quiet = "--no-progress --log-level error"
    for words, code, expected in [
        ("validate", 0, ["reconciler plan"]),
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
        (f"apply --local {ONE} {quiet}", 0, [f"reconciler drift {ONE} --local"]),
        (f"restore --local {ONE} {quiet}", 0, [f"reconciler restore {ONE} --local --apply"]),
        (f"doctor --local {ONE} {quiet}", 0, [f"reconciler plan {ONE} --local"]),
    ]:
        assert (code, expected) == (main(words.split()), steps(capsys)), words


@pytest.mark.usefixtures("quick_sessions")
def test_json_holds_the_document_alone(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    """Neither stdout nor stderr names a step."""
    at_a_terminal(monkeypatch)
    assert 0 == main(["plan", "--local", "--no-progress", "-o", "json"])

    out, err = capsys.readouterr()
    assert ("plan/v1", False) == (json.loads(out)["format"], "Next" in err)


@pytest.mark.usefixtures("quick_sessions")
def test_a_script_is_not_told(capsys: pytest.CaptureFixture[str]):
    """Without a terminal, stderr is for logs."""
    assert 0 == main(["plan", "--local", "--no-progress"])

    assert "" == capsys.readouterr().err
