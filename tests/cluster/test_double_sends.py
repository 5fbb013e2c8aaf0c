"""Two replicas under faults, beside a stand-in for AWS that was written apart from the emulator."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.cli.test_run import Process, run, write
from tests.cluster.server import Cluster
from tests.cluster.test_fleet import namespace
from tests.cluster.witness import REGIONS, Leases, Region
from tests.waiting import until

__all__ = ["namespace"]

pytestmark = pytest.mark.cluster

SECONDS = 9
EACH = 6  # datasets in each Region, visited each second: more than the 5 calls a second that AWS allows


class Field:
    """Two Regions, the datasets in them, and the replicas."""

    def __init__(self, cluster: Cluster, namespace: str, place: Path, stack: ExitStack) -> None:
        self.cluster, self.namespace, self.place, self.stack = cluster, namespace, place, stack
        self.token = cluster.token(namespace, "reconciler")
        self.leases = Leases(cluster, namespace, SECONDS)
        self.regions = {name: Region(name, self.leases) for name in REGIONS}
        first, *others = self.regions.values()
        self.url = stack.enter_context(first.running(*others))
        for name, service in self.regions.items():
            for number in range(EACH):
                service.make(f"{name}-{number}")
        self.processes: dict[str, Process] = {}
        stack.enter_context(self.leases.watched())

    def start(self, name: str) -> Process:
        """Start a replica, whose access key is its name, so that its calls are known by it."""
        fleet = f"{self.namespace}/reconciler"
        words = ("--lease", fleet, "--lease-seconds", str(SECONDS), "--identity", name)
        process = run(
            self.place,
            SimpleNamespace(url=self.url),
            *words,
            "--state-dir",
            str(self.place / name),
            AWS_ACCESS_KEY_ID=name,
            KUBECONFIG=str(self.cluster.kubeconfig(self.namespace, self.token)),
        )
        self.processes[name] = self.stack.enter_context(process)
        return self.processes[name]

    def edit(self, entries: str) -> None:
        """Let git move in every dataset; a file is never seen half-written."""
        draft = self.place / "draft"
        draft.mkdir(exist_ok=True)
        for region in REGIONS:
            for number in range(EACH):
                name = f"{region}-{number}"
                write(draft, name, entries)
                spec, lines = (draft / "specs" / f"{name}{suffix}" for suffix in (".yaml", ".jsonl"))
                spec.write_text(spec.read_text().replace("create: true", f"region: {region}"))
                lines.write_text(lines.read_text().replace("s3://b/", "s3://roses/"))
        (self.place / "specs").mkdir(exist_ok=True)
        for path in (draft / "specs").iterdir():
            path.replace(self.place / "specs" / path.name)

    def owner(self, region: str) -> str:
        return str(self.leases.read(region).get("holderIdentity", "")).partition("_")[0]

    def in_place(self, entries: str) -> bool:
        """Return whether every dataset in AWS holds so many images."""
        return all(
            len(dataset.entries) == len(entries)
            for service in self.regions.values()
            for project in service.projects.values()
            for dataset in project.datasets.values()
        )

    def strike(self, service: Region, do: Callable[[str], object]) -> list[str]:
        """Call *do* with the owner while the service has its next update and has not answered it."""
        struck: list[str] = []

        def before(operation: str, _: dict[str, Any]) -> None:
            if operation == "UpdateDatasetEntries" and not struck:
                struck.append(service.calls[-1].caller)
                do(struck[0])

        service.before = before
        return struck


@pytest.fixture
def field(cluster: Cluster, namespace: str, tmp_path: Path) -> Iterator[Field]:
    with ExitStack() as stack:
        yield Field(cluster, namespace, tmp_path, stack)


@pytest.mark.fault(
    "fleet",
    "the owner of a partition is killed, stopped and continued, or cut off from the Kubernetes API, in mid-apply",
    "no batch is accepted twice, none comes without the lease, and all calls stay within 5 calls a second",
)
def test_no_batch_is_sent_twice_and_none_without_the_lease(field: Field):
    """
    Not when the owner is killed with an update unanswered, stopped and continued, or cut off from the API server.

    All owners of a partition together make at most 5 calls of each operation per second.
    """
    first, second = REGIONS
    field.edit("ab")
    for name in ("one", "two"):
        field.start(name)
    until(lambda: {field.owner(region) for region in REGIONS} <= {"one", "two"} and field.in_place("ab"))

    killed = field.strike(field.regions[first], lambda name: _kill(field.processes[name]))
    field.edit("abc")
    until(lambda: field.in_place("abc"), 150)
    assert killed
    assert killed[0] != field.owner(first)
    service = field.regions[first]
    left = [one for one in service.accepted if one.caller == killed[0]][-1]
    assert any(one.at > left.at and one.caller != killed[0] for one in service.accepted)

    field.start("three")
    stopped = field.strike(
        field.regions[second], lambda name: os.kill(field.processes[name].popen.pid, signal.SIGSTOP)
    )
    field.edit("abcd")
    until(lambda: field.in_place("abcd"), 150)
    zombie = field.processes[stopped[0]]
    assert stopped[0] not in {field.owner(region) for region in REGIONS}
    zombie.popen.send_signal(signal.SIGCONT)
    field.edit("abcde")
    until(lambda: zombie.events("partition.lost") and field.in_place("abcde"), 150)

    field.cluster.freeze()
    try:
        running = [process for process in field.processes.values() if process.popen.poll() is None]
        until(lambda: all(process.status()["leading"]["status"] == "Unknown" for process in running))
        seen = [len(process.events("source.updated")) for process in running]
        field.edit("abcdef")
        until(lambda: all(len(p.events("source.updated")) > n for p, n in zip(running, seen, strict=True)))
        assert not field.in_place("abcdef")
    finally:
        field.cluster.thaw()
    until(lambda: field.in_place("abcdef"), 150)

    found = {
        name: (one.doubles, one.usurped, one.violations, one.resent, one.crowded())
        for name, one in field.regions.items()
    }
    assert {name: ([], [], [], [], {}) for name in REGIONS} == found
    assert dict.fromkeys(REGIONS, 0) == {n: one.unauthenticated for n, one in field.regions.items()}


def _kill(process: Process) -> None:
    process.popen.send_signal(signal.SIGKILL)
    process.popen.wait()
