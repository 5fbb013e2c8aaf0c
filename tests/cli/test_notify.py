"""``reconciler run`` with channels: real processes, and receivers that check what the real ones check."""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.emulator.behaviour.faults import Fault, Kind
from reconciler.emulator.server import Running
from tests.cli.test_run import Process, run, write
from tests.notify.hosts import TOKEN, Broker, GitHub, served
from tests.preloaded import python
from tests.waiting import until

SECRET = "s3cr3t-Path-0f-the-broker"


@pytest.fixture
def broker() -> Iterator[Broker]:
    with served(Broker()) as receiver:
        yield receiver


@pytest.fixture
def github() -> Iterator[GitHub]:
    with served(GitHub()) as receiver:
        yield receiver


def channels(place: Path, broker: Broker) -> str:
    """Write a file of channels, and return it as --notify takes it."""
    (place / "channels").write_text(f"# of the team\n\ncloudevents+{broker.url}/{SECRET}\n")
    return f"@{place / 'channels'}"


def committed(place: Path) -> str:
    """Make the specs a repository, and return its commit."""
    git = ["git", "-C", str(place), "-c", "user.name=me", "-c", "user.email=me@example.com"]
    for words in (["init", "--quiet", "-b", "main"], ["add", "specs"], ["commit", "--quiet", "-m", "Specs"]):
        subprocess.run([*git, *words], check=True)
    return subprocess.run(
        [*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.mark.slow
@pytest.mark.git
def test_a_commit_gets_its_states_while_a_channel_hangs(
    tmp_path: Path, emulator: Running, broker: Broker, github: GitHub
):
    """A channel that does not answer delays neither cycles nor the end; no secret is logged or stored."""
    write(tmp_path, "roses", "abc")
    commit = committed(tmp_path)
    (tmp_path / "token").write_text(TOKEN)
    broker.hanging.clear()
    flags = ["--commit-status", github.repository, "--commit-status-token-file", str(tmp_path / "token")]
    with run(tmp_path, emulator, "--notify", channels(tmp_path, broker), *flags) as process:
        until(lambda: len(github.accepted) >= 2 and github.accepted[-1][2] == "success")
        before = len(process.events("cycle.finished"))
        until(lambda: len(process.events("cycle.finished")) > before + 2)
        code, seconds = process.stop()
        text = process.log.read_text()

    assert {("reconciler", "success"), ("reconciler/roses", "success")} <= {
        one[1:3] for one in github.accepted
    }
    assert {commit} == {one[0] for one in github.accepted}
    assert (0, True, []) == (code, seconds < 10, github.refused)
    kept = b"".join(path.read_bytes() for path in (tmp_path / "state").glob("*") if path.is_file())
    assert [] == [one for one in (SECRET, TOKEN) if one in text or one.encode() in kept]


@pytest.mark.slow
@pytest.mark.git
def test_an_outage_is_reported_once_across_kill_and_restart(
    tmp_path: Path, emulator: Running, broker: Broker
):
    """What was reported is not reported by the next process, which reports the end."""
    for number in range(4):
        write(tmp_path, f"d{number}", "a")
    flags = ("--notify", channels(tmp_path, broker))
    refused = Fault(kind=Kind.ACCESS_DENIED, times=0)
    with run(tmp_path, emulator, *flags) as process:
        until(lambda: len(process.events("cycle.finished")) >= 4)
        number = emulator.emulator.faults.add(refused)
        until(lambda: broker.accepted, 150)
        until(lambda: _is_stored(process))
        process.popen.kill()
    with run(tmp_path, emulator, *flags) as process:
        until(lambda: len(process.events("cycle.finished")) >= 6)
        emulator.emulator.faults.clear(number)
        until(lambda: len(broker.accepted) > 1, 200)

    assert [("failure", 4), ("recovery", 4)] == [
        (e["data"]["level"], e["data"]["number"]) for e in broker.accepted
    ]
    assert [] == broker.refused


def _is_stored(process: Process) -> bool:
    with sqlite3.connect(f"file:{process.state / 'state.sqlite3'}?mode=ro", uri=True) as connection:
        rows = dict(connection.execute("SELECT name, body FROM notified"))
    return rows.get("outbox cloudevents") == "[]" and '"is_reported":true' in rows.get("incidents", "")


@pytest.mark.parametrize(
    ("selection", "contexts"), [([], ["eu", "eu/roses"]), (["--dataset", "roses"], ["eu/roses"])]
)
@pytest.mark.git
def test_a_single_pass_posts_the_state_of_its_commit(
    tmp_path: Path, github: GitHub, selection: list[str], contexts: list[str]
):
    """Of the commit as a whole only with all its datasets."""
    write(tmp_path, "roses", "abc")
    commit = committed(tmp_path)
    (tmp_path / "token").write_text(TOKEN)
    words = [
        "--state-dir",
        "state",
        "run",
        "--once",
        "--local",
        *selection,
        "--commit-status",
        github.repository,
    ]
    words += ["--commit-status-token-file", "token", "--commit-status-context", "eu"]
    done = subprocess.run(
        [python(), "-m", "reconciler", *words], cwd=tmp_path, capture_output=True, text=True
    )

    assert 0 == done.returncode, done.stderr
    assert [(commit, context, "success") for context in contexts] == [one[:3] for one in github.accepted]
