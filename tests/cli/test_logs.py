"""Log lines for people and machines, without secrets."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import structlog

from reconciler import redact
from reconciler.cli.telemetry import configure_logs
from reconciler.engine.log import bind, bound, log, set_up_by

KEY, SECRET, SESSION = "AKIA" + "PLANTED1" * 2, "s3cr3t/" * 6, "sess10n+" * 9


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_no_secret_gets_into_a_line(
    log_format: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Secrets are removed from values, lists and tracebacks, as AWS and its SDK repeat their input."""
    monkeypatch.setattr(redact, "_known", set())
    redact.know_those_of({"AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": SESSION})
    configure_logs(log_format, "info")
    log = structlog.get_logger()
    try:
        raise ValueError(f"{KEY} and {SECRET}")
    except ValueError as exc:
        log.exception(
            "cycle.failed", reason=str(exc), tried=[SESSION], url="https://x/?X-Amz-Signature=0ff1ce"
        )

    said = capsys.readouterr().err

    assert [] == [secret for secret in (KEY, SECRET, SESSION, "0ff1ce") if secret in said]
    assert "ValueError" in said
    if log_format == "json":
        assert "https://x/?X-Amz-Signature=[redacted]" == json.loads(said)["url"]


def test_a_stand_in_for_a_secret_leaves_words_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """An emulator's secret key `test` is not masked inside longer words, such as a dataset's name."""
    monkeypatch.setattr(redact, "_known", set())
    redact.know_those_of({"AWS_SECRET_ACCESS_KEY": "test", "AWS_SESSION_TOKEN": "e"})
    configure_logs("json", "info")
    structlog.get_logger().info("cycle.finished", dataset="flowers-test")

    line = json.loads(capsys.readouterr().err)

    assert ("cycle.finished", "flowers-test") == (line["event"], line["dataset"])


def test_the_log_is_set_up_before_the_first_line_and_not_without_one(capsys: pytest.CaptureFixture[str]):
    """The log is set up by its first line; a setup that was never used does not affect the next command."""
    told: list[str] = []

    def set_up() -> None:
        told.append("set up")
        configure_logs("json", "info")

    with set_up_by(set_up):
        pass
    log.debug("before")
    assert not told
    with set_up_by(set_up), bound(dataset="flowers"):
        bind(revision="abc")
        log.info("first")
        log.warning("second")

    first, second = map(json.loads, capsys.readouterr().err.splitlines())
    assert told == ["set up"]
    assert ("first", "info", "flowers", "abc") == tuple(
        first[key] for key in ("event", "level", "dataset", "revision")
    )
    assert ("second", "warning") == (second["event"], second["level"])


def test_a_command_that_says_nothing_loads_no_log(tmp_path: Path):
    """A command that logs nothing loads neither the log nor the SDK, which halves its start."""
    (tmp_path / "flowers.yaml").write_text(
        "apiVersion: reconciler/v1\nkind: Dataset\nmetadata: {name: flowers}\n"
        "spec: {target: {project: flowers, type: TRAIN}, entries: [{file: flowers.jsonl}]}\n"
    )
    (tmp_path / "flowers.jsonl").write_text('{"source-ref":"s3://acme/1.jpg"}\n')
    (tmp_path / "listed.jsonl").write_text('{"source-ref":"s3://acme/2.jpg"}\n')
    script = (
        "import sys\nfrom reconciler.cli.main import main\n"
        f"codes = main(['validate', {str(tmp_path)!r}]), "
        f"main(['plan', {str(tmp_path)!r}, '--observed', {str(tmp_path / 'listed.jsonl')!r}]), "
        f"main(['export', '--from-specs', {str(tmp_path)!r}, '--format', 'hf', '-d', {str(tmp_path / 'out')!r}])\n"
        "print(list(map(int, codes)), {'structlog', 'asyncio', 'boto3', 'ssl'}.intersection(sys.modules) or [])"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert "[0, 0, 0] []" == ran.stdout.splitlines()[-1], ran.stderr
