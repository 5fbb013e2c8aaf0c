"""A directory of data outlives the process, however it dies; and the command that serves it."""

from __future__ import annotations

import base64
import json
import signal
import sqlite3
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from reconciler.emulator.api.settling import Settler
from reconciler.emulator.behaviour.settings import ManualClock, Settings
from reconciler.emulator.server import Emulator, serve
from reconciler.emulator.testing import client
from tests.emulator.builders import Direct, dataset, describe, labelled, listed, refs, update
from tests.waiting import until


class Process:
    """The emulator's own command, in a process that can be killed."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "reconciler.emulator", "--listen", "127.0.0.1:0", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()

    def client(self, service: str = "rekognition") -> Any:
        return boto3.session.Session().client(
            service,
            region_name="us-east-1",
            endpoint_url=self.url,
            aws_access_key_id="x",
            aws_secret_access_key="y",
            config=Config(retries={"total_max_attempts": 1}),
        )

    def end(self, number: int) -> tuple[int, str]:
        """Send a signal and return the exit code and what was written to stderr."""
        self.process.send_signal(number)
        _, stderr = self.process.communicate(timeout=15)
        return self.process.returncode, stderr


@contextmanager
def running(*arguments: str) -> Iterator[Process]:
    process = Process(*arguments)
    try:
        yield process
    finally:
        if process.process.poll() is None:
            process.end(signal.SIGTERM)


QUICK = ("--rate", "0", "--create-seconds", "0", "--update-seconds", "0", "--delete-seconds", "0")


def test_everything_answered_before_a_kill_is_there_after_it(tmp_path):
    """SIGKILL in the middle of a stream of updates: each that was answered is applied, none by half."""
    process = Process("--data", str(tmp_path), *QUICK)
    rekognition = process.client()
    arn = dataset(rekognition)
    answered = 0

    def send() -> None:
        nonlocal answered
        try:
            for number in range(10_000):
                update(rekognition, arn, *(labelled(f"{number}-{i}.jpg", "rose") for i in range(50)))
                answered = number + 1
        except (ClientError, BotoCoreError):
            pass

    sender = threading.Thread(target=send)
    sender.start()
    until(lambda: answered >= 5)
    process.end(signal.SIGKILL)
    sender.join()
    assert answered < 10_000, "all was sent before the kill"

    with running("--data", str(tmp_path), *QUICK) as again:
        kept = refs(listed(again.client(), arn))
        assert 0 == len(kept) % 50
        assert answered <= len(kept) // 50 <= answered + 1
        assert kept[:50] == [f"0-{i}.jpg" for i in range(50)]


def test_an_operation_in_progress_is_finished_by_the_next_process(tmp_path):
    """The lines are on disk before the call is answered, and when they are due, too."""
    slow = ("--data", str(tmp_path), "--rate", "0", "--create-seconds", "0", "--update-seconds", "3600")
    first = Process(*slow)
    arn = dataset(first.client())
    update(first.client(), arn, labelled("a.jpg", "rose"))
    first.end(signal.SIGKILL)

    with running(*slow) as second:
        assert "UPDATE_IN_PROGRESS" == describe(second.client(), arn)["Status"]
        jump(second.url, 3600)
        assert "UPDATE_COMPLETE" == describe(second.client(), arn)["Status"]
        assert ["a.jpg"] == refs(listed(second.client(), arn))


def jump(url: str, seconds: float) -> None:
    """Move the clock of a running emulator."""
    body, kind = json.dumps({"advance": seconds}).encode(), {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(f"{url}/_emulator/clock", body, kind)):  # noqa: S310
        pass


def test_a_death_while_the_database_is_made_leaves_none(tmp_path, monkeypatch):
    """Half of the tables would be in the way of every later start."""
    with monkeypatch.context() as dying:
        dying.setattr("secrets.token_hex", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            Emulator(tmp_path)

    Emulator(tmp_path).close()


def test_two_processes_with_one_directory_do_not_finish_an_operation_twice(tmp_path, monkeypatch):
    """One finishes an update and takes the next while the other is about to finish the first."""
    monkeypatch.setattr(Settler, "wake", lambda _: None)  # a thread of either would finish the first before
    clock = ManualClock()
    emulators = [Emulator(tmp_path, Settings(update_seconds=60), clock) for _ in range(2)]
    one, other = map(Direct, emulators)
    project = one.call("CreateProject", ProjectName="p")["ProjectArn"]
    arn = one.call("CreateDataset", ProjectArn=project, DatasetType="TRAIN")["DatasetArn"]
    blobs = [
        {"GroundTruth": base64.b64encode(labelled(ref, "rose").encode()).decode()}
        for ref in ("a.jpg", "b.jpg")
    ]
    one.call("UpdateDatasetEntries", DatasetArn=arn, Changes=blobs[0])
    clock.advance(60)

    store = emulators[1]._context.store
    begin = store.transaction

    def overtaken() -> AbstractContextManager[sqlite3.Connection]:
        racing.undo()
        one.call("UpdateDatasetEntries", DatasetArn=arn, Changes=blobs[1])
        return begin()

    with monkeypatch.context() as racing:
        racing.setattr(store, "transaction", overtaken)
        emulators[1]._settler.settle_all()

    assert "UPDATE_IN_PROGRESS" == described(other, arn)["Status"]
    clock.advance(60)
    assert 2 == described(other, arn)["DatasetStats"]["TotalEntries"]
    for emulator in emulators:
        emulator.close()


def test_two_processes_with_one_directory_do_not_make_two_datasets_of_one_type(tmp_path):
    """One makes a TRAIN dataset while the other, which has seen none, is about to."""
    emulators = [Emulator(tmp_path) for _ in range(2)]
    one, other = map(Direct, emulators)
    project = one.call("CreateProject", ProjectName="p")["ProjectArn"]
    overtaken = iter([one])

    def overtake(statement: str) -> None:
        if statement.startswith("BEGIN"):
            for direct in overtaken:
                direct.call("CreateDataset", ProjectArn=project, DatasetType="TRAIN")

    emulators[1]._context.store.db.set_trace_callback(overtake)
    answer = other.ask("CreateDataset", json.dumps({"ProjectArn": project, "DatasetType": "TRAIN"}).encode())

    assert "ResourceAlreadyExistsException" == json.loads(answer.body)["__type"]
    for emulator in emulators:
        emulator.close()


def described(direct: Direct, arn: str) -> dict[str, Any]:
    description: dict[str, Any] = direct.call("DescribeDataset", DatasetArn=arn)["DatasetDescription"]
    return description


def test_a_page_token_outlives_the_process(tmp_path):
    """So does everything else that a client holds."""
    with running("--data", str(tmp_path), *QUICK) as first:
        arn = dataset(first.client(), *(labelled(f"{i}.jpg", "rose") for i in range(5)))
        token = first.client().list_dataset_entries(DatasetArn=arn, MaxResults=3)["NextToken"]
    with running("--data", str(tmp_path), *QUICK) as second:
        page = second.client().list_dataset_entries(DatasetArn=arn, MaxResults=3, NextToken=token)

    assert 2 == len(page["DatasetEntries"])


def test_a_new_dataset_never_gets_an_old_arn_even_if_the_clock_went_back(tmp_path):
    """Across processes, too."""
    arns = []
    for start in (2_000_000_000.0, 1_000_000_000.0):
        emulator = Emulator(tmp_path, clock=ManualClock(start))
        with serve(emulator) as server:
            rekognition = client(server)
            arns.append(dataset(rekognition))
            rekognition.delete_dataset(DatasetArn=arns[-1])
        emulator.close()

    assert arns[0].rpartition("/")[2] < arns[1].rpartition("/")[2]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_cleanly_on_a_signal(number):
    """Exit code 0, nothing on stderr, although a client holds its connection open."""
    process = Process(*QUICK)
    process.client().describe_projects()

    assert (0, "") == process.end(number)


def test_it_starts_with_switches_faults_and_the_rate_of_aws():
    """All that can be said on the command line."""
    with running(
        *("--switch", "last-token=empty", "--fault", "internal-error,operations=DescribeProjects,times=1"),
        *("--fault", '{"kind": "throttle", "operations": ["CreateProject"]}'),
    ) as process:
        rekognition = process.client()
        with pytest.raises(ClientError, match="InternalServerError"):
            rekognition.describe_projects()
        with pytest.raises(ClientError, match="ProvisionedThroughputExceeded"):
            rekognition.create_project(ProjectName="p")
        assert "" == rekognition.describe_projects()["NextToken"]
        with (  # at once: one after the other, a busy machine makes fewer than five a second
            ThreadPoolExecutor(10) as pool,
            pytest.raises(ClientError, match="ProvisionedThroughputExceeded"),
        ):
            list(pool.map(lambda _: rekognition.describe_projects(), range(40)))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--switch", "floats=x"], "one of accept, error, round"),
        (["--switch", "flots=x"], "no such switch"),
        (["--fault", "nonsense"], "nonsense"),
        (["--listen", "here"], "HOST:PORT"),
    ],
)
def test_a_bad_argument_is_named(arguments, words):
    """And nothing is started."""
    done = subprocess.run(
        [sys.executable, "-m", "reconciler.emulator", *arguments], capture_output=True, text=True, timeout=20
    )

    assert 2 == done.returncode
    assert words in done.stderr


def test_a_directory_that_cannot_be_used_is_named(tmp_path):
    """One line, no traceback."""
    (tmp_path / "file").write_text("")
    done = subprocess.run(
        [sys.executable, "-m", "reconciler.emulator", "--data", str(tmp_path / "file")],
        capture_output=True,
        text=True,
        timeout=20,
    )

    assert (64, 1) == (done.returncode, done.stderr.count("\n"))
    assert "file" in done.stderr


def test_a_taken_port_is_named():
    """One line, no traceback."""
    with running(*QUICK) as process:
        done = subprocess.run(
            [sys.executable, "-m", "reconciler.emulator", "--listen", process.url.removeprefix("http://")],
            capture_output=True,
            text=True,
            timeout=20,
        )

    assert (64, 1) == (done.returncode, done.stderr.count("\n"))


def test_settings_given_from_python_hold_after_a_restart_too(tmp_path):
    """The data are kept, the settings are the caller's."""
    emulator = Emulator(tmp_path, Settings(update_seconds=1), ManualClock())
    with serve(emulator) as server:
        arn = dataset(client(server))
        update(client(server), arn, labelled("a.jpg", "rose"))
    emulator.close()
    again = Emulator(tmp_path, clock=ManualClock(3_000_000_000))
    with serve(again) as server:
        assert ["a.jpg"] == refs(listed(client(server), arn))
    again.close()
