"""The Leases of a fleet: lightkube itself, over the loopback, against resource versions and conflicts."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.core.runtime.fleet import Record
from reconciler.errors import LeaseUnavailable, UsageError
from reconciler.kubernetes.leases import FLEET, KubernetesLeases
from tests.kubernetes.apiserver import ApiServer, served

KEY = "111122223333-us-east-1"
NAME = f"reconciler-{KEY}"

Door = Callable[[], KubernetesLeases]


@pytest.fixture
def api() -> Iterator[ApiServer]:
    with served() as running:
        yield running


@pytest.fixture
def door(api: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    """Makes doors to one lease, as replicas have one each."""
    monkeypatch.setenv("KUBECONFIG", str(api.kubeconfig(tmp_path)))
    made: list[KubernetesLeases] = []

    def make() -> KubernetesLeases:
        made.append(KubernetesLeases("reconciler", "reconciler", 5.0))
        return made[-1]

    yield make
    for lease in made:
        lease.close()


def test_what_is_not_there_is_created_once(door: Door, api: ApiServer):
    """Of two replicas that see nothing, one creates it; the other learns that it was slower."""
    first, second = door(), door()

    assert ({}, {}) == (first.read(), second.read())
    assert [True, False] == [
        first.write(KEY, Record("a", "", 15), 0.0),
        second.write(KEY, Record("b", "", 15), 0.0),
    ]
    found = second.read()[KEY]
    assert Record("a", found.version, 15) == found


def test_an_old_version_replaces_nothing(door: Door, api: ApiServer):
    """What another replica wrote meanwhile stays."""
    first, second = door(), door()
    first.write(KEY, Record("a", "", 15), 0.0)
    ours, theirs = first.read()[KEY], second.read()[KEY]

    assert first.write(KEY, Record("a", ours.version, 15), 10.0)
    assert not second.write(KEY, Record("b", theirs.version, 15, 1), 11.0)

    assert "a" == api.holder()


def test_people_can_read_it(door: Door, api: ApiServer):
    """It says since when it is held, when it was renewed and how often it moved; other labels stay."""
    leases = door()
    leases.write(KEY, Record("a", "", 15), 0.0)
    api.leases["reconciler", NAME]["metadata"]["labels"]["team"] = "botany"
    leases.write(KEY, Record("a", leases.read()[KEY].version, 15), 5.0)

    document = api.leases["reconciler", NAME]
    spec = document["spec"]
    assert ("1970-01-01T00:00:00.000001Z", "1970-01-01T00:00:05.000001Z") == (
        spec["acquireTime"],
        spec["renewTime"],
    )
    assert ("a", 15, 0) == (spec["holderIdentity"], spec["leaseDurationSeconds"], spec["leaseTransitions"])
    assert {"team": "botany", FLEET: "reconciler"} == document["metadata"]["labels"]


def test_the_leases_of_others_are_not_read(door: Door, api: ApiServer):
    """Neither those of another fleet in the namespace, nor those of anything else."""
    leases = door()
    leases.write(KEY, Record("a", "", 15), 0.0)
    for name, labels in (("other-" + KEY, {FLEET: "other"}), ("kube-scheduler", {})):
        metadata = {"name": name, "labels": labels, "resourceVersion": "1"}
        api.leases["reconciler", name] = {"metadata": metadata, "spec": {"holderIdentity": "b"}}

    assert [KEY] == list(leases.read())


def test_what_is_deleted_is_gone(door: Door, api: ApiServer):
    """Also if it already was."""
    leases = door()
    leases.write(KEY, Record("a", "", 15), 0.0)

    leases.remove(KEY)
    leases.remove(KEY)

    assert {} == leases.read()


def test_what_was_deleted_meanwhile_is_not_replaced(door: Door, api: ApiServer):
    leases = door()
    leases.write(KEY, Record("a", "", 15), 0.0)
    version = leases.read()[KEY].version
    api.leases.clear()

    assert not leases.write(KEY, Record("a", version, 15), 5.0)


@pytest.mark.parametrize("code", [401, 403, 500, 503])
def test_an_answer_that_says_nothing_is_an_error(door: Door, api: ApiServer, code: int):
    """Never taken for a lease that is not there."""
    lease = door()
    api.failing = code

    with pytest.raises(LeaseUnavailable, match="reconciler/reconciler"):
        lease.read()
    with pytest.raises(LeaseUnavailable):
        lease.write(KEY, Record("a", "", 15), 0.0)
    with pytest.raises(LeaseUnavailable):
        lease.remove(KEY)


def test_a_server_that_is_gone_is_an_error(door: Door, api: ApiServer, tmp_path: Path):
    """So is a connection that nobody takes."""
    api.url = "http://127.0.0.1:9"
    api.kubeconfig(tmp_path)

    with pytest.raises(LeaseUnavailable):
        door().read()


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    """One line, with the command."""
    monkeypatch.setitem(sys.modules, "lightkube", None)

    with pytest.raises(UsageError, match=r"pip install 'rekognition-dataset-reconciler\[k8s\]'"):
        KubernetesLeases("reconciler", "reconciler", 5.0)


def test_without_a_cluster_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Neither inside of one nor told of one."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "absent"))

    with pytest.raises(UsageError, match="no cluster is configured"):
        KubernetesLeases("reconciler", "reconciler", 5.0)
