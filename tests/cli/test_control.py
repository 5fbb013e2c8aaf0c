"""``reconciler reconcile``, ``suspend`` and ``resume``, against a controller and against what is none."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from reconciler.cli.main import main
from reconciler.server.app import application
from reconciler.server.guarding import Secrets
from reconciler.server.listening import listening
from reconciler.server.metrics import Metrics
from tests.engine.months import Months, make_months

TOKEN = "let-" + "me-in-2"
WHY = "labels under review"


def of_the_client(err: str) -> list[str]:
    """Return the lines that the command wrote, without the log of the controller in the same process."""
    return [line for line in err.splitlines() if line.startswith("reconciler")]


@pytest.fixture
def months(tmp_path: Path) -> Iterator[Months]:
    with make_months(tmp_path) as found:
        found.write("roses", *"abc")
        found.write("tulips", *"def")
        found.settle()
        yield found


@pytest.fixture
def url(months: Months, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("RECONCILER_TOKEN", TOKEN)
    app = application(months.controller, months.registry, Metrics("1"), Secrets(TOKEN.encode()))
    with listening(app, "127.0.0.1", 0) as found:
        yield found


def test_suspend_and_resume(months: Months, url: str, capfd: pytest.CaptureFixture[str]):
    """Each says what holds now: the reason, the end, and that observation goes on."""
    months.time.jump_wall(1_700_000_000 - months.time.wall())
    assert 0 == main(["suspend", "roses", "tulips", "--reason", WHY, "--for", "2h", "--server", url + "/"])
    out, err = capfd.readouterr()
    end = "applying is suspended until 2023-11-15T00:13:20Z: labels under review"
    assert (f"roses: {end}; it is still observed\ntulips: {end}; it is still observed\n", "") == (out, err)
    assert {"roses", "tulips"} == months.state.suspensions.all().keys()

    assert 0 == main(["reconcile", "roses", "--server", url])
    assert f"roses: observed now; {end}\n" == capfd.readouterr().out
    assert months.dataset_state("roses").due <= months.time.seconds()

    assert 0 == main(["resume", "roses", "--server", url])
    assert "roses: resumed; reconciled now\n" == capfd.readouterr().out
    assert {"tulips"} == months.state.suspensions.all().keys()


def test_as_json(months: Months, url: str, capfd: pytest.CaptureFixture[str]):
    """Each order prints control/v1, also when it fails: what holds for each dataset, or the reason."""
    months.time.jump_wall(1_700_000_000 - months.time.wall())
    as_json = ["-o", "json", "--server", url]

    assert 0 == main(["suspend", "roses", "tulips", "--reason", WHY, "--for", "2h", *as_json])
    suspension = {"reason": WHY, "until": "2023-11-15T00:13:20Z"}
    suspended = [
        {"name": name, "suspended_by_spec": False, "suspension": suspension} for name in ("roses", "tulips")
    ]
    assert {"format": "control/v1", "datasets": suspended} == json.loads(capfd.readouterr().out)

    assert 0 == main(["resume", "roses", *as_json])
    resumed = {"name": "roses", "suspended_by_spec": False, "suspension": None}
    assert [resumed] == json.loads(capfd.readouterr().out)["datasets"]

    assert 3 == main(["reconcile", "roses", "-o", "json", "--server", "http://127.0.0.1:1"])
    failed = json.loads(capfd.readouterr().out)
    assert ("control/v1", [], 1) == (failed["format"], failed["datasets"], len(failed["errors"]))


def test_without_an_end(months: Months, url: str, capfd: pytest.CaptureFixture[str]):
    """It lasts until it is resumed, and says so."""
    assert 0 == main(["suspend", "roses", "--reason", WHY, "--server", url])

    assert (
        f"roses: applying is suspended, until it is resumed: {WHY}; it is still observed\n"
        == capfd.readouterr().out
    )
    assert months.dataset_state("roses").suspension.until is None


def test_a_dataset_that_the_spec_suspends(months: Months, url: str, capfd: pytest.CaptureFixture[str]):
    """No request resumes it: git says so, and the answer names it."""
    months.write("roses", *"abc", suspend=True)
    months.settle()

    assert 0 == main(["resume", "roses", "--server", url])

    assert "roses: its spec says suspend: true" in capfd.readouterr().out


@pytest.mark.parametrize("command", ["reconcile", "resume", "suspend"])
def test_an_unknown_name_changes_nothing(
    months: Months, url: str, command: str, capfd: pytest.CaptureFixture[str]
):
    """The nearest names are given, and the other datasets are left alone."""
    reason = ["--reason", WHY] if command == "suspend" else []
    before = months.dataset_state("roses").due

    assert 64 == main([command, "roses", "tulip", *reason, "--server", url])

    out, err = capfd.readouterr()
    assert ("", 1) == (out, len(of_the_client(err)))
    assert "there is no dataset tulip (did you mean tulips?)" in err
    assert ({}, before) == (months.state.suspensions.all(), months.dataset_state("roses").due)


def test_a_token_that_is_wrong_or_missing(
    url: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    """Exit code 8, and the token is never printed."""
    for token, why in (
        ("", "RECONCILER_TOKEN is not set"),
        ("t0ken-wrong-1", "it must be that of"),
        ("a\nb", "holds"),
    ):
        monkeypatch.setenv("RECONCILER_TOKEN", token)
        assert 8 == main(["reconcile", "roses", "--server", url])
        err = capfd.readouterr().err
        assert (True, False, 1) == (why in err, "t0ken-wrong-1" in err, len(of_the_client(err)))


def test_a_controller_without_a_token_says_so(
    months: Months, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    """Its owner has to start it with one."""
    monkeypatch.setenv("RECONCILER_TOKEN", TOKEN)
    app = application(months.controller, months.registry, Metrics("1"), Secrets())
    with listening(app, "127.0.0.1", 0) as url:
        assert 8 == main(["reconcile", "roses", "--server", url])

    assert "start it with --token-file or --token-env" in capfd.readouterr().err


ANSWERS = {
    "a page": (200, b"<html><title>Welcome to nginx!</title>", 3),
    "other JSON": (200, b'{"datasets": [{"name": "roses"}]}', 3),
    "a list": (200, b"[]", 3),
    "a number for a name": (
        200,
        b'{"datasets": [{"name": 1, "suspended_by_spec": false, "suspension": null}]}',
        3,
    ),
    "nothing": (200, b"", 3),
    "a missing page": (404, b"Not Found", 3),
    "a login page": (302, b"", 3),
    "a proxy that forbids": (403, b"<html>", 8),
    "a proxy that wants a password": (407, b"", 3),
    "a broken gateway": (502, b"<html>", 3),
    "an error of ours": (503, b'{"error": "the disk is full"}', 3),
    "an error that is no text": (400, b'{"error": {"message": "x"}}', 3),
}


@contextmanager
def answering(status: int, body: bytes) -> Iterator[tuple[str, list[str]]]:
    """Serve one answer for everything; yield the URL, and the paths that were asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "/login")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST  # noqa: N815  the name that the library calls

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("what", ANSWERS)
def test_an_answer_of_something_else(
    what: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    """One line says what answered; no redirect is followed, for it would be given the token."""
    monkeypatch.setenv("RECONCILER_TOKEN", TOKEN)
    status, body, expected = ANSWERS[what]
    with answering(status, body) as (url, asked):
        assert expected == main(["reconcile", "roses", "--server", url])

    out, err = capfd.readouterr()
    assert ("", 1, ["/reconcile?dataset=roses"]) == (out, len(err.splitlines()), asked)


def test_nothing_listens(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]):
    """Exit code 3, with the address."""
    monkeypatch.setenv("RECONCILER_TOKEN", TOKEN)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    assert 3 == main(["reconcile", "roses", "--server", url])
    assert f"{url}: " in capfd.readouterr().err


def test_a_proxy_does_not_get_the_token_of_this_machine(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    """It could not reach the loopback of this machine either."""
    monkeypatch.setenv("RECONCILER_TOKEN", TOKEN)
    with answering(200, b"{}") as (proxy, asked), socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        taken.close()
        monkeypatch.setenv("http_proxy", proxy)
        for host in ("localhost", "127.0.0.1"):
            assert 3 == main(["reconcile", "roses", "--server", f"http://{host}:{port}"])
        assert [] == asked
    assert "refused" in capfd.readouterr().err


def test_something_listens_and_never_answers(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    """The wait ends."""
    monkeypatch.setenv("RECONCILER_TOKEN", TOKEN)
    monkeypatch.setattr("reconciler.cli.controller.client.TIMEOUT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert 3 == main(["reconcile", "roses", "--server", f"http://127.0.0.1:{silent.getsockname()[1]}"])
    assert "timed out" in capfd.readouterr().err
