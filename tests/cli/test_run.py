"""``reconciler run`` as a real process, against an emulator in this one."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import boto3
import pytest

from reconciler.cli.main import main
from reconciler.emulator.server import Running
from tests.builders import classified
from tests.engine.months import SPEC
from tests.waiting import until

# Assembled here, so that no scanner takes them for real ones.
ACCESS_KEY, SECRET_KEY, SESSION, TOKEN = "AKIA" + "PLANTED" * 2, "s3cr3t-" * 5, "sess10n-" * 5, "t0ken-" * 4


@dataclass
class Process:
    """A running controller."""

    popen: subprocess.Popen[bytes]
    log: Path
    state: Path

    def events(self, name: str | None = None) -> list[dict[str, Any]]:
        lines = self.log.read_text().splitlines()
        found = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
        return [event for event in found if name in (None, event["event"])]

    def url(self) -> str:
        until(lambda: self.events("process.started"))
        return str(self.events("process.started")[0]["listening"])

    def status(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.url()}/status") as answer:  # noqa: S310  loopback
            found: dict[str, Any] = json.load(answer)
            return found

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, float]:
        """Send a signal; return the exit code and the seconds until the process ended."""
        begun = time.monotonic()
        self.popen.send_signal(number)
        return self.popen.wait(15), time.monotonic() - begun


def write(place: Path, name: str, entries: str, *, label: str = "rose", interval: str = "1s") -> None:
    specs = place / "specs"
    specs.mkdir(exist_ok=True)
    text = SPEC.format(name=name, interval=interval, policy="", suspend="false", max_age="6h")
    (specs / f"{name}.jsonl").write_bytes(b"".join(classified(e, label) + b"\n" for e in entries))
    (specs / f"{name}.yaml").write_text(text)


@contextmanager
def run(place: Path, emulator: Running, *flags: str, **variables: str) -> Iterator[Process]:
    log = place / f"log-{time.monotonic_ns()}"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")} | {
        "AWS_ENDPOINT_URL": emulator.url,
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_SESSION_TOKEN": SESSION,
        "RECONCILE_TOKEN": TOKEN,
        **variables,
    }
    words = ["--log-format", "json", "--state-dir", str(place / "state"), "run", str(place / "specs")]
    words += ["--listen", "127.0.0.1:0", "--token-env", "RECONCILE_TOKEN", *flags]
    with log.open("wb") as stream:
        popen = subprocess.Popen([sys.executable, "-m", "reconciler", *words], env=environment, stderr=stream)
        try:
            yield Process(popen, log, place / "state")
        finally:
            if popen.poll() is None:
                popen.kill()
            popen.wait()


def test_a_process_follows_and_stops(tmp_path: Path, emulator: Running):
    """A quiet cycle is one call for each dataset; SIGTERM leaves the status on disk; no secret is logged."""
    write(tmp_path, "roses", "abc")
    write(tmp_path, "tulips", "def")
    with run(tmp_path, emulator) as process:
        until(lambda: len(process.events("cycle.finished")) >= 4)
        before = len(process.events("cycle.finished"))
        calls = emulator.emulator.calls
        calls.clear()
        until(lambda: len(process.events("cycle.finished")) >= before + 8)
        ended = len(process.events("cycle.finished")) - before

        assert {"DescribeDataset"} == set(calls.names())
        assert abs(len(calls) - ended) <= 4  # those that were under way when the calls were counted
        assert all(e["observation"] == "fingerprint" for e in process.events("cycle.finished")[before:])

        code, seconds = process.stop()
        text = process.log.read_text()

    assert 0 == code
    assert seconds < 10
    assert "process.stopped" == process.events()[-1]["event"]
    document = json.loads((tmp_path / "state" / "status.json").read_text())
    assert ["roses", "tulips"] == [dataset["name"] for dataset in document["datasets"]]
    assert [] == [secret for secret in (SECRET_KEY, SESSION, TOKEN, ACCESS_KEY) if secret in text]
    assert [] == [line for line in text.splitlines() if not line.startswith("{")]


@pytest.mark.slow
def test_its_pages_show_what_it_does(tmp_path: Path, emulator: Running):
    """The list links to the dataset, and the report shows the image that was relabelled in the console."""
    write(tmp_path, "roses", "abc")
    with run(tmp_path, emulator) as process:
        until(lambda: process.events("cycle.finished"))
        arn = process.events("cycle.finished")[0]["dataset_arn"]
        emulator.emulator.console.put(arn, json.loads(classified("b", "daisy")))
        until(lambda: process.events("drift.cleared"))

        def page(path: str) -> str:
            with urllib.request.urlopen(process.url() + path) as answer:  # noqa: S310  loopback
                return str(answer.read().decode())

        assert "The dataset is as git says." in page("/")
        assert "converged" in page("/dataset/roses")
        until(lambda: "b.jpg" in page("/drift/roses"))
        assert "was reverted" in page("/drift/roses")


@pytest.mark.slow
def test_pictures_are_read_after_the_cycle_that_found_the_drift(tmp_path: Path, emulator: Running):
    """Of at most as many images as --thumbnails says; the page itself asks AWS for nothing."""
    picture = io.BytesIO()
    pytest.importorskip("PIL.Image").new("RGB", (64, 48), "olive").save(picture, "PNG")
    write(tmp_path, "roses", "")
    (tmp_path / "specs" / "roses.jsonl").write_bytes(b"".join(b"%b\n" % _pictured(n, "rose") for n in "ab"))
    place = {"aws_access_key_id": ACCESS_KEY, "aws_secret_access_key": SECRET_KEY, "region_name": "us-east-1"}
    with closing(boto3.client("s3", endpoint_url=emulator.url, **place)) as s3:
        s3.create_bucket(Bucket="flowers")
        for name in "ab":
            s3.put_object(Bucket="flowers", Key=f"{name}.png", Body=picture.getvalue())
    with run(tmp_path, emulator, "--thumbnails", "1") as process:
        until(lambda: process.events("cycle.finished"))
        arn = process.events("cycle.finished")[0]["dataset_arn"]
        for name in "ab":
            emulator.emulator.console.put(arn, json.loads(_pictured(name, "daisy")))

        def pictures() -> int:
            with urllib.request.urlopen(process.url() + "/drift/roses") as answer:  # noqa: S310  loopback
                return bytes(answer.read()).count(b"data:image/webp")

        until(lambda: pictures() > 0)
        emulator.emulator.calls.clear()
        found = [pictures() for _ in range(3)]
        asked = emulator.emulator.calls.names()

    assert [1, 1, 1] == found
    assert {"DescribeDataset"} >= set(asked)


def _pictured(name: str, label: str) -> bytes:
    line = classified(name, label).decode()
    return line.replace(f"s3://b/{name}.jpg", f"s3://flowers/{name}.png").encode()


def test_a_suspension_survives_the_process(
    tmp_path: Path, emulator: Running, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    """Suspended over HTTP, killed, and started again: nothing is sent until it is resumed."""
    monkeypatch.setenv("RECONCILER_TOKEN", TOKEN.strip())
    write(tmp_path, "roses", "abc")
    calls = emulator.emulator.calls
    with run(tmp_path, emulator) as process:
        until(lambda: process.events("cycle.finished"))
        assert 0 == main(["suspend", "roses", "--reason", "audit", "--for", "2h", "--server", process.url()])
        process.popen.kill()
    write(tmp_path, "roses", "abcd")
    calls.clear()

    with run(tmp_path, emulator) as process:
        until(lambda: any(e["verdict"] == "observed" for e in process.events("cycle.finished")))
        assert "audit" == process.status()["datasets"][0]["suspension"]["reason"]
        assert [] == calls.of("UpdateDatasetEntries")
        assert 0 == main(["resume", "roses", "--server", process.url()])
        until(lambda: calls.of("UpdateDatasetEntries"))
        process.stop()

    assert "roses: resumed" in capfd.readouterr().out
    assert TOKEN not in process.log.read_text()


@pytest.mark.slow
def test_an_update_in_flight_is_left_to_the_service(tmp_path: Path, emulator: Running):
    """SIGTERM does not wait for an update; the next start waits until it is over, and sends nothing twice."""
    emulator.emulator.settings = replace(emulator.emulator.settings, update_seconds=6.0)
    write(tmp_path, "roses", "abc")
    calls = emulator.emulator.calls
    with run(tmp_path, emulator) as process:
        until(lambda: process.events("update.submitted") and calls.of("UpdateDatasetEntries"))
        code, seconds = process.stop()
        assert 0 == code
        assert seconds < 5

    with run(tmp_path, emulator) as process:
        until(lambda: any(e["verdict"] == "converged" for e in process.events("cycle.finished")), 30)
        process.stop()

    assert 1 == len(calls.of("UpdateDatasetEntries"))


@pytest.mark.slow
@pytest.mark.parametrize(("number", "expected"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_once_asked_to_stop_while_it_waits_is_no_failure(
    tmp_path: Path, emulator: Running, number: int, expected: int
):
    """A signal during --once ends it with the exit code of that signal and logs no failed cycle."""
    emulator.emulator.settings = replace(emulator.emulator.settings, update_seconds=60.0)
    write(tmp_path, "roses", "abc")
    with run(tmp_path, emulator, "--once") as process:
        until(lambda: emulator.emulator.calls.of("UpdateDatasetEntries"), 30)

        assert expected == process.stop(number)[0]

    assert [] == process.events("cycle.failed")


@pytest.mark.slow
def test_sighup_polls_now(tmp_path: Path, emulator: Running):
    """SIGHUP starts a cycle without waiting for the interval."""
    write(tmp_path, "roses", "abc", interval="1h")
    with run(tmp_path, emulator) as process:
        until(lambda: process.events("cycle.finished"))
        write(tmp_path, "roses", "abcd", interval="1h")
        process.popen.send_signal(signal.SIGHUP)

        until(lambda: any(e.get("observed") == 4 for e in process.events("cycle.finished")))
        assert 4 == process.status()["datasets"][0]["counts"]["observed"]


@pytest.mark.slow
def test_a_second_sigterm_ends_it_at_once(tmp_path: Path, emulator: Running):
    """A second SIGTERM ends the process at once, even while a call hangs in the network."""
    from reconciler.emulator.behaviour.faults import Fault, Kind

    write(tmp_path, "roses", "abc")
    emulator.emulator.faults.add(Fault(kind=Kind.LATENCY, seconds=20, times=0))
    with run(tmp_path, emulator) as process:
        until(lambda: emulator.emulator.calls.names())
        process.popen.send_signal(signal.SIGTERM)
        until(lambda: process.events("process.stopping"))

        code, seconds = process.stop()

    assert 143 == code
    assert seconds < 2
    emulator.emulator.faults.clear()


# SIGTERM at the worst moment: Python drops the exception that its handler raises there.
LOST = """
import signal, sys, weakref
from reconciler.cli.main import main
class Thing: pass
class Finder:
    def find_spec(self, name, *_):
        if name == "reconciler.cli.controller.process":
            thing = Thing()
            self.ref = weakref.ref(thing, lambda _: signal.raise_signal(signal.SIGTERM))
            del thing
sys.meta_path.insert(0, Finder())
sys.exit(main(sys.argv[1:]))
"""


def test_a_sigterm_while_it_starts_is_not_lost(tmp_path: Path):
    """A SIGTERM during the start ends the process."""
    write(tmp_path, "roses", "abc")
    words = [
        "--state-dir",
        tmp_path / "state",
        "run",
        tmp_path / "specs",
        "--local",
        "--listen",
        "127.0.0.1:0",
    ]

    done = subprocess.run([sys.executable, "-c", LOST, *words], capture_output=True, timeout=20)

    assert b"Exception ignored" in done.stderr  # so it was the worst moment
    assert 0 == done.returncode
    assert b"process.stopped" in done.stderr


def test_a_signal_is_answered_in_a_thread_of_its_own():
    """Signals are handled in their own thread, as the interrupted one may hold a lock that is needed."""
    from reconciler.cli.controller.process import _on_signals

    answered: SimpleQueue[tuple[str, str]] = SimpleQueue()

    class Controls:
        def stop(self) -> None:
            answered.put(("stop", threading.current_thread().name))

        def trigger(self) -> None:
            answered.put(("trigger", threading.current_thread().name))

    with _on_signals(Controls()):  # type: ignore[arg-type]
        signal.raise_signal(signal.SIGHUP)
        signal.raise_signal(signal.SIGTERM)

    assert [("trigger", "signals"), ("stop", "signals")] == [answered.get(timeout=5) for _ in range(2)]


@pytest.mark.parametrize(
    ("entries", "expected"), [("abc", 0), ("", 5)], ids=["converged", "an empty source is no desire"]
)
def test_once_exits_as_apply(tmp_path: Path, emulator: Running, entries: str, expected: int):
    """With --once, as in cron, the exit code is that of apply."""
    write(tmp_path, "roses", entries)
    with run(tmp_path, emulator, "--once") as process:
        assert expected == process.popen.wait(20)


def test_a_taken_port_is_a_usage_error(tmp_path: Path, emulator: Running):
    """A port in use exits with 64 and one line."""
    write(tmp_path, "roses", "abc")
    with run(tmp_path, emulator, "--listen", f"127.0.0.1:{emulator.port}") as process:
        assert 64 == process.popen.wait(10)


LOCAL_SPEC = """\
apiVersion: reconciler/v1
kind: Dataset
metadata: {{name: roses}}
spec:
  target: {{project: roses, type: TRAIN, create: {create}}}
  entries: [{{file: roses.jsonl}}]
  policy: {{mode: upsert, sealed: {sealed}}}
"""


@pytest.mark.parametrize(
    ("changed", "codes"),
    [
        ({"sealed": "true", "lines": classified("a", "tulip")}, ["SEALED"]),
        (
            {"lines": b"{\n[1]\n" + classified("a", "rose")},
            ["ERROR_INVALID_JSON_LINE", "ERROR_INVALID_JSON_LINE", "ERROR_TOO_MANY_RECORDS_IN_ERROR"],
        ),
        ({"create": "false", "lines": classified("a", "rose")}, ["RKD5015"]),
        ({"create": "perhaps"}, ["RKD1205"]),
    ],
    ids=["guard", "lines", "missing", "document"],
)
@pytest.mark.usefixtures("quick_sessions")
def test_once_names_every_problem_as_apply_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changed: dict[str, Any], codes: list[str]
):
    """The errors of a dataset have the same codes, messages and places in both, also when nothing moved since."""
    specs, state = tmp_path / "specs", str(tmp_path / "state")

    def write_spec(**parts: Any) -> None:
        parts = {"create": "true", "sealed": "false", "lines": classified("a", "rose")} | parts
        (specs / "roses.jsonl").write_bytes(parts.pop("lines"))
        (specs / "roses.yaml").write_text(LOCAL_SPEC.format(**parts))

    def errors(*words: str) -> tuple[int, list[dict[str, Any]], bool]:
        code = main([words[0], str(specs), *words[1:], "--local", "--state-dir", state, "-o", "json"])
        found = json.loads(capsys.readouterr().out)["datasets"][0]
        return code, found["errors"], found["observation"] is None

    specs.mkdir()
    if "create" not in changed:
        write_spec()
        assert (0, []) == errors("apply")[:2]
    write_spec(**changed)
    expected = errors("apply")

    assert codes == [error["code"] for error in expected[1]]
    assert [expected, expected] == [errors("run", "--once"), errors("run", "--once")]
