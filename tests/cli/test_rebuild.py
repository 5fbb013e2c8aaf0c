"""Orphans on the command line: blanked, restored and rebuilt away, each command in its own process."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from reconciler.core.iam import AccessLevel, policy
from reconciler.core.spec.documents import Target
from reconciler.emulator.behaviour.calls import Call
from reconciler.emulator.behaviour.settings import ManualClock, Settings
from reconciler.emulator.server import Emulator, Running
from tests.account import ACCOUNT, client_of, serve
from tests.builders import classified, ref
from tests.preloaded import python
from tests.waiting import until

BUCKET = "manifests"
KEPT = "abcdefghijkl"


@dataclass
class Desk:
    """A working directory, and the service that its commands reach."""

    root: Path
    running: Running

    @property
    def emulator(self) -> Emulator:
        return self.running.emulator

    def write(self, names: str, orphans: str = "rebuild") -> None:
        specs = self.root / "specs"
        specs.mkdir(exist_ok=True)
        (specs / "train.jsonl").write_bytes(b"".join(classified(name, "rose") + b"\n" for name in names))
        (specs / "train.yaml").write_text(
            "apiVersion: reconciler/v1\nkind: Dataset\nmetadata: {name: train}\n"
            "spec:\n  target: {project: flowers, type: TRAIN, create: true}\n"
            f"  entries: [{{file: train.jsonl}}]\n  policy: {{mode: upsert, orphans: {orphans}}}\n"
        )

    def start(self, *words: str, python: str = sys.executable) -> subprocess.Popen[str]:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            "AWS_ENDPOINT_URL": self.running.url,
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "us-east-1",
            "PYTHONPATH": str(Path(__file__).parents[2]),
        }
        return subprocess.Popen(
            [python, "-m", "reconciler", *words],
            cwd=self.root,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str, code: int = 0) -> str:
        process = self.start(*words, python=python())
        out, err = process.communicate(timeout=60)
        assert code == process.returncode, out + err
        return out

    def rebuild_words(self) -> tuple[str, ...]:
        """Return the command that `plan` prints, with a bucket filled in."""
        command = re.search(r"reconciler (rebuild .*)", self.run("plan"))
        assert command is not None
        return tuple(command.group(1).replace("s3://BUCKET/PREFIX", f"s3://{BUCKET}/old").split())

    def entries(self) -> set[str]:
        client = client_of(self.running.url)
        (project,) = client.describe_projects(ProjectNames=["flowers"])["ProjectDescriptions"]
        (dataset,) = project["Datasets"]
        found = client.list_dataset_entries(DatasetArn=dataset["DatasetArn"])["DatasetEntries"]
        return {json.loads(line)["source-ref"] for line in found}

    def settle(self, **seconds: float) -> None:
        """End everything in progress, and let later operations take this long."""
        with self.emulator.lock:
            self.emulator.clock.advance(1_000)
            self.emulator.settings = replace(Settings(), **seconds)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    emulator = Emulator(clock=ManualClock())
    with serve(emulator) as running:
        client_of(running.url, "s3").create_bucket(Bucket=BUCKET)
        emulator.calls.clear()
        found = Desk(tmp_path, running)
        found.write(KEPT + "yz")
        found.run("apply")
        found.write(KEPT)
        yield found
    emulator.close()


def test_the_plan_says_how_to_remove_orphans(desk: Desk):
    """The rebuild command that `plan` prints, with a bucket filled in, leaves an empty plan."""
    text = desk.run(*desk.rebuild_words())

    assert "2 entries removed" in text
    assert {ref(name) for name in KEPT} == desk.entries()
    assert "No changes: 12 entries are as desired" in desk.run("plan", "--detailed-exitcode")


@pytest.mark.slow
def test_the_old_entries_can_be_restored_afterwards(desk: Desk):
    """The restore command that the rebuild prints brings the old entries back."""
    words = re.search(r"reconciler (restore .*)", desk.run(*desk.rebuild_words())).group(1).split()

    desk.run(*words, "--apply")

    assert {ref(name) for name in KEPT + "yz"} == desk.entries()


def test_a_plan_that_is_no_more_is_refused(desk: Desk):
    words = desk.rebuild_words()
    desk.write(KEPT[:-1])

    desk.run(*words, code=6)

    assert 14 == len(desk.entries())


@pytest.mark.slow
@pytest.mark.parametrize("way", ["--resume", "--undo"])
@pytest.mark.parametrize("operation", ["PutObject", "DeleteDataset", "CreateDataset"])
@pytest.mark.fault(
    "rebuild",
    "SIGKILL while an AWS operation runs",
    "another process completes or undoes the rebuild",
)
def test_a_killed_process_is_no_disaster(desk: Desk, operation: str, way: str):
    """SIGKILL while the operation runs; another process finishes it, or takes it back."""
    words = desk.rebuild_words()
    desk.settle(delete_seconds=10, create_seconds=10)
    desk.emulator.calls.clear()
    process = desk.start(*words)

    def reached() -> object:
        if operation == "CreateDataset" and desk.emulator.calls.of("DeleteDataset"):
            desk.settle(delete_seconds=10, create_seconds=10)
        return desk.emulator.calls.of(operation) or process.poll() is not None

    until(reached)
    process.kill()
    output, _ = process.communicate()
    assert -signal.SIGKILL == process.returncode, f"it ended before the kill: {output}"
    desk.settle()

    desk.run("rebuild", "--dataset", "train", way)

    expected = KEPT if way == "--resume" else KEPT + "yz"
    assert {ref(name) for name in expected} == desk.entries()
    desk.run("rebuild", "--dataset", "train", way, code=64)


@pytest.mark.slow
def test_policies_hold_exactly_the_actions_that_are_used(desk: Desk):
    """The policies allow exactly the actions that commands use from creating to restoring a dataset."""
    target = Target(project="flowers", type="TRAIN", create=True, region="us-east-1", accountId=ACCOUNT)
    calls = desk.emulator.calls
    created = used(desk)
    calls.clear()

    desk.run("plan")
    desk.run("doctor")
    desk.run("drift", code=4)
    desk.run("propose")
    desk.run("explain", "specs", ref("a"))
    desk.run("export", "--project", "flowers", "--type", "TRAIN", "-d", "exported")
    read = used(desk)
    assert [] == calls.writes()
    refused = [call for call in calls if not allows(policy(AccessLevel.READ, [target]), call)]
    calls.clear()
    desk.write(KEPT + "m")
    desk.run("apply")
    desk.settle()
    write = read | created | used(desk)
    refused += [call for call in calls if not allows(policy(AccessLevel.WRITE, [target]), call)]
    restore = re.search(r"reconciler (restore .*)", desk.run(*desk.rebuild_words()))
    rebuilt = used(desk)
    calls.clear()
    desk.run(*restore.group(1).split(), "--apply")
    restored = used(desk)
    whole = policy(AccessLevel.REBUILD, [target], [f"{BUCKET}/old"])
    refused += [call for call in calls if not allows(whole, call)]

    assert [] == refused
    assert restored <= write
    assert read == actions(policy(AccessLevel.READ, [target]))
    assert write == actions(policy(AccessLevel.WRITE, [target]))
    # Tags travel with CreateDataset, which needs this action as well; it makes no call of its own.
    tagging = {"rekognition:TagResource"}
    assert write | rebuilt | tagging == actions(whole)


def test_a_policy_is_bound_to_the_bucket(desk: Desk):
    text = desk.run("iam", "rebuild", "--bucket", f"s3://{BUCKET}/old")

    (statement,) = [s for s in json.loads(text)["Statement"] if s["Sid"] == "KeepManifests"]
    assert (["s3:GetObject", "s3:PutObject"], [f"arn:aws:s3:::{BUCKET}/old/*"]) == (
        statement["Action"],
        statement["Resource"],
    )


def used(desk: Desk) -> set[str]:
    """Return the actions of all calls; GetCallerIdentity needs no permission."""
    return {f"{call.service}:{call.operation}" for call in desk.emulator.calls if call.service != "sts"}


def allows(document: dict, call: Call) -> bool:
    """Return whether a policy allows the action of a call on the resource that it names, if any."""
    named = call.resource.replace("s3://", "arn:aws:s3:::")
    return call.operation == "GetCallerIdentity" or any(
        f"{call.service}:{call.operation}" in statement["Action"]
        and (not named or any(fnmatchcase(named, arn) for arn in statement["Resource"]))
        for statement in document["Statement"]
    )


def actions(document: dict) -> set[str]:
    return {action for statement in document["Statement"] for action in statement["Action"]}
