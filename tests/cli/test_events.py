"""``reconciler run --events`` as a real process, against the queue and the records of an emulator in this one."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulator.behaviour.faults import Fault, Kind
from reconciler.emulator.server import Running
from reconciler.emulator.testing import client
from tests.builders import classified
from tests.cli.test_run import Process, run, write
from tests.preloaded import python
from tests.waiting import until

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
QUEUE = "sqs://arn:aws:sqs:us-east-1:111122223333:changes"


@pytest.fixture
def sqs(emulator: Running) -> Any:
    """A client of SQS, and the queue that all changes are sent to."""
    made = client(emulator, "sqs")
    made.create_queue(QueueName="changes", Attributes={"VisibilityTimeout": "2"})
    return made


def url_of(sqs: Any) -> str:
    return str(sqs.get_queue_url(QueueName="changes")["QueueUrl"])


def page(process: Process, path: str) -> str:
    with urllib.request.urlopen(process.url() + path) as answer:  # noqa: S310  loopback
        return str(answer.read().decode())


def counted(process: Process) -> dict[str, float]:
    """The messages that were taken in, by what became of them."""
    start = 'reconciler_events_total{outcome="'
    lines = [line for line in page(process, "/metrics").splitlines() if line.startswith(start)]
    return {line.removeprefix(start).partition('"')[0]: float(line.rpartition(" ")[2]) for line in lines}


def settled(process: Process) -> None:
    """Wait until every dataset was applied and the queue is read."""
    until(lambda: process.events("cycle.finished") and process.status().get("events", {}).get("listening"))


@pytest.mark.slow
def test_a_change_in_the_console_is_observed_at_once_and_its_author_named(
    tmp_path: Path, emulator: Running, sqs: Any
):
    """With an hour between cycles it is reverted within seconds, and pages, status and log name its author."""
    write(tmp_path, "roses", "abc", interval="1h")
    with run(tmp_path, emulator, "--events", QUEUE) as process:
        settled(process)
        arn = process.events("cycle.finished")[0]["dataset_arn"]
        emulator.emulator.console.put(arn, json.loads(classified("b", "daisy")))
        until(lambda: process.events("drift.cleared"), 30)

        (event,) = process.events("event.foreign")
        assert ("Labelling/console-user", "role", "public") == (
            event["principal"],
            event["principal_kind"],
            event["address_class"],
        )
        assert "UpdateDatasetEntries by role Labelling/console-user, from a public address" in page(
            process, "/drift/roses"
        )
        assert "role Labelling/console-user" in page(process, "/dataset/roses")
        (call,) = process.status()["datasets"][0]["foreign_calls"]
        assert ("UpdateDatasetEntries", "Labelling/console-user") == (call["operation"], call["principal"])
        assert "reconciler_events_listening 1.0" in page(process, "/metrics")

        # The applies and the revert are in the queue as well: own calls, that no cycle follows.
        until(lambda: counted(process).get("own", 0) >= 4)
        assert 1 == counted(process)["foreign"]
        assert 1 == len(process.events("event.foreign"))
        assert 0 == process.stop()[0]
    assert "198.51.100.7" not in process.log.read_text()


@pytest.mark.slow
def test_a_queue_that_is_gone_or_denied_stops_no_cycle(tmp_path: Path, emulator: Running, sqs: Any):
    """Changes are found by the schedule, the page and the metric say so, and the queue is read once it is back."""
    sqs.delete_queue(QueueUrl=url_of(sqs))
    write(tmp_path, "roses", "abc")
    with run(tmp_path, emulator, "--events", QUEUE) as process:
        until(lambda: len(process.events("cycle.finished")) >= 3 and process.events("events.unavailable"))
        assert {"converged"} == {event["verdict"] for event in process.events("cycle.finished")}
        assert (False, "NotFound") == (
            process.status()["events"]["listening"],
            process.status()["events"]["reason"],
        )
        assert "reconciler_events_listening 0.0" in page(process, "/metrics")
        assert "The queue of events cannot be read" in page(process, "/")

        sqs.create_queue(QueueName="changes")
        until(lambda: process.events("events.listening"))
        assert 1 == len(process.events("events.unavailable"))
        assert 0 == process.stop()[0]


@pytest.mark.slow
def test_messages_that_are_no_records_are_deleted_and_logged_once_each(
    tmp_path: Path, emulator: Running, sqs: Any
):
    """No message stops the receiver, and none comes again and again."""
    write(tmp_path, "roses", "abc", interval="1h")
    with run(tmp_path, emulator, "--events", QUEUE) as process:
        settled(process)
        for body in ("hello", "{}", "[" * 9000, "\N{SNOWMAN}" * 100_000, json.dumps({"detail-type": 3})):
            sqs.send_message(QueueUrl=url_of(sqs), MessageBody=body)
        until(lambda: len(process.events("event.unreadable")) >= 5)
        emulator.emulator.clock.advance(5)
        until(lambda: not sqs.receive_message(QueueUrl=url_of(sqs)).get("Messages"))

        assert 5 == len(process.events("event.unreadable"))
        assert 1 == len(process.events("cycle.finished"))
        assert 0 == process.stop()[0]


@pytest.mark.slow
def test_known_calls_outlive_the_process(tmp_path: Path, emulator: Running, sqs: Any):
    """A message that is delivered again after a restart is no second call, and the author is still known."""
    write(tmp_path, "roses", "abc", interval="1h")
    with run(tmp_path, emulator, "--events", QUEUE) as process:
        settled(process)
        arn = process.events("cycle.finished")[0]["dataset_arn"]
        emulator.emulator.console.put(arn, json.loads(classified("b", "daisy")))
        until(lambda: process.events("drift.cleared"), 30)
        event = process.status()["datasets"][0]["foreign_calls"][0]
        process.popen.kill()
        process.popen.wait()

    with run(tmp_path, emulator, "--events", QUEUE) as process:
        settled(process)
        until(lambda: process.status()["datasets"][0].get("foreign_calls"))
        assert [event] == process.status()["datasets"][0]["foreign_calls"]
        assert [] == process.events("event.foreign")
        assert 0 == process.stop()[0]


@pytest.mark.slow
def test_a_report_of_another_command_names_the_author(tmp_path: Path, emulator: Running, sqs: Any):
    """`drift` with the state directory of the controller says who made the drift that it finds."""
    write(tmp_path, "roses", "abc", interval="1h")
    spec = tmp_path / "specs" / "roses.yaml"
    spec.write_text(spec.read_text().replace("mode: upsert", "mode: upsert, onDrift: report"))
    with run(tmp_path, emulator, "--events", QUEUE) as process:
        settled(process)
        arn = process.events("cycle.finished")[0]["dataset_arn"]
        emulator.emulator.console.put(arn, json.loads(classified("b", "daisy")))
        until(lambda: process.events("drift.detected"), 30)
        assert 0 == process.stop()[0]

    found = subprocess.run(
        [python(), "-m", "reconciler", "--state-dir", str(process.state), "drift", str(tmp_path / "specs")],
        env=os.environ | {"AWS_ENDPOINT_URL": emulator.url, "AWS_REGION": "us-east-1"} | CREDENTIALS,
        capture_output=True,
        text=True,
    )

    assert 4 == found.returncode
    assert "Calls of others since the dataset was last seen without drift:" in found.stdout
    assert "UpdateDatasetEntries by role Labelling/console-user, from a public address" in found.stdout


@pytest.mark.slow
def test_an_own_update_whose_answer_was_lost_is_no_call_of_others(
    tmp_path: Path, emulator: Running, sqs: Any
):
    """Its request ID is not known; the journal has the update."""
    fault = Fault(kind=Kind.CUT_AFTER, operations=frozenset({"UpdateDatasetEntries"}), times=1)
    emulator.emulator.faults.add(fault)
    write(tmp_path, "roses", "abc", interval="1h")
    with run(tmp_path, emulator, "--events", QUEUE) as process:
        settled(process)
        until(lambda: counted(process).get("own", 0) >= 3)

        assert "converged" == process.events("cycle.finished")[-1]["verdict"]
        assert [] == process.events("event.foreign")
        assert 0 == process.stop()[0]


@pytest.mark.slow
def test_the_embedded_emulator_records_the_edits_of_its_console(tmp_path: Path, emulator: Running):
    """The example of the page: the console user is another process with the same data."""
    write(tmp_path, "roses", "abc", interval="1h")
    with run(tmp_path, emulator, "--local", "--events", QUEUE) as process:
        settled(process)
        action = "relabel,dataset=roses/train,source_ref=s3://b/b.jpg,old=rose,new=daisy"
        data = str(process.state / "local")
        subprocess.run(
            [python(), "-m", "reconciler", "emulator", "--data", data, "--console", action], check=True
        )
        until(lambda: process.events("drift.cleared"), 30)

        assert ["Labelling/console-user"] == [event["principal"] for event in process.events("event.foreign")]
        assert 0 == process.stop()[0]


@pytest.mark.slow
def test_without_the_flag_no_queue_is_read(tmp_path: Path, emulator: Running, sqs: Any):
    """Nothing is asked of SQS, and documents and metrics are as they were."""
    write(tmp_path, "roses", "abc")
    with run(tmp_path, emulator) as process:
        until(lambda: len(process.events("cycle.finished")) >= 2)
        assert "events" not in process.status()
        assert "\nreconciler_events_listening" not in page(process, "/metrics")
    assert {"rekognition"} == {call.service for call in emulator.emulator.calls} - {"sqs", "sts"}
    assert [] == emulator.emulator.calls.of("ReceiveMessage")
