"""Replicas as they run in a cluster: the rendered role and a token of its account, against a real API server."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.emulator.server import Running
from tests.cli.test_run import Process, run, write
from tests.cluster.server import Cluster
from tests.deploy.test_rendered import own
from tests.waiting import until

pytestmark = pytest.mark.cluster

# What Kubernetes 1.20 does not know; the schemas of newer versions cover it in tests/deploy.
UNKNOWN = {"PodDisruptionBudget", "PodMonitor"}  # and containers that start first and go on running
SECONDS = 6
ACCOUNTS = [f"{number:012}" for number in range(1, 9)]


@pytest.fixture
def namespace(cluster: Cluster, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """Apply an overlay with leases, as a user does, in a namespace of its own."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())[-50:].strip("-")
    documents = own(tmp_path / "rendered", "git", ["lease", "status-objects"], namespace=name)
    apply(cluster, documents)
    return name


def apply(cluster: Cluster, documents: list[dict[str, Any]]) -> None:
    first = [d for d in documents if d["kind"] == "Namespace"]
    rest = [d for d in documents if d["kind"] not in {"Namespace", *UNKNOWN}]
    for deployment in (d for d in rest if d["kind"] == "Deployment"):
        for container in deployment["spec"]["template"]["spec"].get("initContainers", []):
            container.pop("restartPolicy", None)
    for batch in (first, rest):
        cluster.kubectl(
            "apply", "--server-side", "--validate=false", "-f", "-", stdin=yaml.safe_dump_all(batch)
        )


class Replicas:
    """Replicas with the token of the service account, and a state directory each."""

    def __init__(
        self,
        cluster: Cluster,
        namespace: str,
        place: Path,
        emulator: Running,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        self.namespace, self.cluster, self.place, self.emulator = namespace, cluster, place, emulator
        token = cluster.token(namespace, "reconciler")
        monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig(namespace, token)))
        self.stack = ExitStack()

    def start(self, name: str) -> Process:
        fleet = f"{self.namespace}/reconciler"
        words = [
            "--status-objects",
            fleet,
            "--lease",
            fleet,
            "--lease-seconds",
            str(SECONDS),
            "--identity",
            name,
        ]
        state = str(self.place / name)
        return self.stack.enter_context(run(self.place, self.emulator, *words, "--state-dir", state))

    def leases(self) -> dict[str, str]:
        """Return the holder of each partition, by account, as a user of kubectl sees them."""
        found = self.cluster.get("leases", "-n", self.namespace, "-l", "reconciler.dev/fleet=reconciler")
        named = {one["metadata"]["name"].removeprefix("reconciler-"): one["spec"] for one in found["items"]}
        return {
            key.partition("-")[0]: spec.get("holderIdentity", "").partition("_")[0]
            for key, spec in named.items()
            if not key.startswith("member-")
        }


@pytest.fixture
def replicas(
    cluster: Cluster, namespace: str, tmp_path: Path, emulator: Running, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Replicas]:
    found = Replicas(cluster, namespace, tmp_path, emulator, monkeypatch)
    with found.stack:
        yield found


def spread(place: Path, accounts: list[str]) -> None:
    """Write a dataset in each account."""
    for account in accounts:
        name = f"d{account}"
        write(place, name, "abc")
        path = place / "specs" / f"{name}.yaml"
        path.write_text(path.read_text().replace("create: true", f'create: true, accountId: "{account}"'))


def finished(process: Process) -> set[str]:
    return {e["dataset"] for e in process.events("cycle.finished") if e["observed"] is not None}


def acquired(process: Process) -> set[str]:
    return {e["account"] for e in process.events("partition.acquired")}


@pytest.mark.parametrize("number", [2, 5])
def test_replicas_share_the_accounts(replicas: Replicas, number: int):
    """Each partition has one owner, a real lease shows it, and only the owner has made calls for it."""
    spread(replicas.place, ACCOUNTS)
    processes = {f"pod-{index}": replicas.start(f"pod-{index}") for index in range(number)}

    until(lambda: set(replicas.leases()) == set(ACCOUNTS) and all(replicas.leases().values()))
    until(lambda: sum(len(p.status()["leading"]["members"]) == number for p in processes.values()) == number)

    def settled() -> bool:
        owners = replicas.leases()
        return all(
            {
                one["account"]: (one["owner"] or "").partition("_")[0]
                for one in p.status()["leading"]["partitions"]
            }
            == owners
            for p in processes.values()
        )

    until(settled)
    assert 1 < len(set(replicas.leases().values())) <= number


def test_a_killed_owner_is_replaced(replicas: Replicas):
    """By the other replica, once its leases have expired; no update is sent twice."""
    write(replicas.place, "roses", "abc")
    one, two = replicas.start("one"), replicas.start("two")
    until(lambda: finished(one) or finished(two))
    owner, other = (one, two) if finished(one) else (two, one)
    until(lambda: other.status()["leading"]["status"] == "False")
    assert not finished(other)

    owner.popen.send_signal(signal.SIGKILL)
    owner.popen.wait()
    write(replicas.place, "roses", "abcd")

    until(
        lambda: any(e["observed"] == 4 for e in other.events("cycle.finished") if e["verdict"] == "converged")
    )
    assert 2 == len(replicas.emulator.emulator.calls.of("UpdateDatasetEntries"))


def test_an_api_server_that_freezes_stops_calls_until_it_is_back(replicas: Replicas):
    """Nothing is called without a lease; the owner continues with what it owned."""
    write(replicas.place, "roses", "abc")
    only = replicas.start("only")
    until(lambda: finished(only))

    replicas.cluster.freeze()
    try:
        until(lambda: only.status()["leading"]["status"] == "Unknown")
        until(lambda: only.events("partition.lost"))
        calls = len(replicas.emulator.emulator.calls)
        write(replicas.place, "roses", "abcd")
        until(lambda: len(only.events("source.updated")) > 1)
        assert calls == len(replicas.emulator.emulator.calls)
    finally:
        replicas.cluster.thaw()

    until(
        lambda: any(e["observed"] == 4 for e in only.events("cycle.finished") if e["verdict"] == "converged")
    )


def test_a_replica_that_is_stopped_leaves_nothing_behind(replicas: Replicas):
    """Its leases are free at once, and its heartbeat is gone."""
    write(replicas.place, "roses", "abc")
    only = replicas.start("only")
    until(lambda: finished(only))

    code, _ = only.stop()

    assert 0 == code
    assert [""] == list(replicas.leases().values())
    names = replicas.cluster.kubectl("get", "leases", "-n", replicas.namespace, "-o", "name").split()
    assert [] == [name for name in names if "member-" in name]


def test_the_roles_grant_no_more_than_is_used(cluster: Cluster, namespace: str):
    """The token of the service account can do nothing else, and nothing in another namespace."""
    account = f"--as=system:serviceaccount:{namespace}:reconciler"
    listed = cluster.kubectl("auth", "can-i", "--list", account, "-n", namespace, "--no-headers")
    granted = {line.split()[0]: line[line.rindex("[") :] for line in listed.splitlines() if line[0].islower()}

    own = {name: verbs for name, verbs in granted.items() if not name.startswith("self")}
    assert {
        "leases.coordination.k8s.io": "[list create update delete]",
        "datasetstatuses.reconciler.dev": "[list create delete]",
        "datasetstatuses.reconciler.dev/status": "[patch]",
        "events": "[create]",
    } == own
    elsewhere = cluster.kubectl("auth", "can-i", "--list", account, "-n", "default", "--no-headers")
    assert "leases" not in elsewhere


@pytest.mark.parametrize("overlay", ["git", "git-sync"])
def test_an_overlay_is_accepted_twice(cluster: Cluster, tmp_path: Path, overlay: str):
    """Server-side, without conflicts; the second time changes nothing."""
    documents = own(tmp_path / "rendered", overlay, ["lease", "status-objects"], namespace=f"twice-{overlay}")
    apply(cluster, documents)
    kinds = "deployments,roles,rolebindings,networkpolicies,configmaps,serviceaccounts"
    before = cluster.get(kinds, "-n", f"twice-{overlay}")["items"]

    apply(cluster, documents)

    after = cluster.get(kinds, "-n", f"twice-{overlay}")["items"]
    versions = [[one["metadata"]["resourceVersion"] for one in items] for items in (before, after)]
    assert versions[0] == versions[1]
    assert {"Deployment", "Role", "RoleBinding"} <= {one["kind"] for one in after}
