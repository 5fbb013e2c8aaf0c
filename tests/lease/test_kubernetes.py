"""The Lease of Kubernetes: lightkube itself, over the loopback, against resource versions and conflicts."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.core.runtime.election import Record
from reconciler.errors import LeaseUnavailable, UsageError
from reconciler.lease.kubernetes import KubernetesLease
from tests.lease.apiserver import ApiServer, served

Door = Callable[[], KubernetesLease]


@pytest.fixture
def api() -> Iterator[ApiServer]:
    with served() as running:
        yield running


@pytest.fixture
def door(api: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    """Makes doors to one lease, as replicas have one each."""
    monkeypatch.setenv("KUBECONFIG", str(api.kubeconfig(tmp_path)))
    made: list[KubernetesLease] = []

    def make() -> KubernetesLease:
        made.append(KubernetesLease("reconciler", "reconciler", 5.0))
        return made[-1]

    yield make
    for lease in made:
        lease.close()


def test_what_is_not_there_is_created_once(door: Door, api: ApiServer):
    """Of two that see nothing, one creates it; the other is told that somebody was faster."""
    first, second = door(), door()

    assert (None, None) == (first.read(), second.read())
    assert [True, False] == [first.write(Record("a", "", 15), 0.0), second.write(Record("b", "", 15), 0.0)]
    found = second.read()
    assert found is not None
    assert Record("a", found.version, 15) == found


def test_an_old_version_replaces_nothing(door: Door, api: ApiServer):
    """What another replica wrote meanwhile stays."""
    first, second = door(), door()
    first.write(Record("a", "", 15), 0.0)
    ours, theirs = first.read(), second.read()
    assert ours is not None
    assert theirs is not None

    assert first.write(Record("a", ours.version, 15), 10.0)
    assert not second.write(Record("b", theirs.version, 15, 1), 11.0)

    assert "a" == api.holder()


def test_people_can_read_it(door: Door, api: ApiServer):
    """Since when who has it, when it was renewed, how often it moved; what others wrote on it stays."""
    lease = door()
    lease.write(Record("a", "", 15), 0.0)
    api.leases["reconciler", "reconciler"]["metadata"]["labels"] = {"team": "botany"}
    seen = lease.read()
    assert seen is not None
    lease.write(Record("a", seen.version, 15), 5.0)

    document = api.leases["reconciler", "reconciler"]
    spec = document["spec"]
    assert ("1970-01-01T00:00:00.000001Z", "1970-01-01T00:00:05.000001Z") == (
        spec["acquireTime"],
        spec["renewTime"],
    )
    assert ("a", 15, 0) == (spec["holderIdentity"], spec["leaseDurationSeconds"], spec["leaseTransitions"])
    assert {"team": "botany"} == document["metadata"]["labels"]


@pytest.mark.parametrize("code", [401, 403, 500, 503])
def test_an_answer_that_says_nothing_is_an_error(door: Door, api: ApiServer, code: int):
    """Never taken for a lease that is not there."""
    lease = door()
    api.failing = code

    with pytest.raises(LeaseUnavailable, match="reconciler/reconciler"):
        lease.read()
    with pytest.raises(LeaseUnavailable):
        lease.write(Record("a", "", 15), 0.0)


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
        KubernetesLease("reconciler", "reconciler", 5.0)


def test_without_a_cluster_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Neither inside of one nor told of one."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "absent"))

    with pytest.raises(UsageError, match="no cluster is configured"):
        KubernetesLease("reconciler", "reconciler", 5.0)
