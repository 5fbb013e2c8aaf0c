"""Lines for people and machines, without secrets."""

from __future__ import annotations

import json

import pytest
import structlog

from reconciler.cli.logs import configure

KEY, SECRET, SESSION = "AKIA" + "PLANTED1" * 2, "s3cr3t/" * 6, "sess10n+" * 9


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_no_secret_gets_into_a_line(
    log_format: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """In a value, in a list, in a traceback: AWS and its SDK repeat what they were given."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_SESSION_TOKEN", SESSION)
    configure(log_format, "info")
    try:
        log = structlog.get_logger()
        try:
            raise ValueError(f"{KEY} and {SECRET}")
        except ValueError as exc:
            log.exception(
                "cycle.failed", reason=str(exc), tried=[SESSION], url="https://x/?X-Amz-Signature=0ff1ce"
            )
    finally:
        structlog.reset_defaults()

    said = capsys.readouterr().err

    assert [] == [secret for secret in (KEY, SECRET, SESSION, "0ff1ce") if secret in said]
    assert "ValueError" in said
    if log_format == "json":
        assert "https://x/?X-Amz-Signature=[redacted]" == json.loads(said)["url"]


def test_a_stand_in_for_a_secret_leaves_words_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Against an emulator the secret key is `test`, and so may be a part of every dataset's name."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "e")
    configure("json", "info")
    try:
        structlog.get_logger().info("cycle.finished", dataset="flowers-test")
    finally:
        structlog.reset_defaults()

    line = json.loads(capsys.readouterr().err)

    assert ("cycle.finished", "flowers-test") == (line["event"], line["dataset"])
