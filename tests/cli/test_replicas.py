"""Several processes with one source: they share it by account, or each has its shard."""

from __future__ import annotations

import signal
import urllib.request
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.cli.controller import replicas
from reconciler.core.runtime.fleet import Shard
from reconciler.core.runtime.quotas import CALLS_PER_SECOND
from reconciler.emulator.server import Running
from reconciler.errors import UsageError
from tests.cli.test_run import Process, run, write
from tests.kubernetes.apiserver import ApiServer, served
from tests.waiting import until

LEASE = ("--lease", "reconciler/reconciler", "--lease-seconds", "3")


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    with served() as running:
        monkeypatch.setenv("KUBECONFIG", str(running.kubeconfig(tmp_path)))
        yield running


def led(process: Process) -> list[str]:
    """Return the leadership values that the process logged, in order."""
    return [e["status"] for e in process.events("condition.changed") if e["type"] == "Leading"]


def converged(process: Process, entries: int) -> bool:
    return any(
        e["verdict"] == "converged" and e["observed"] == entries for e in process.events("cycle.finished")
    )


def got(process: Process, path: str) -> str:
    with urllib.request.urlopen(process.url() + path) as answer:  # noqa: S310  loopback
        return str(answer.read().decode())


@pytest.mark.slow
def test_a_replica_takes_over_from_one_that_was_killed(tmp_path: Path, emulator: Running, api: ApiServer):
    """A replica that owns nothing is ready and calls nothing; it writes once the owner is killed."""
    write(tmp_path, "roses", "abc")
    with run(tmp_path, emulator, *LEASE, "--identity", "one") as one:
        until(lambda: converged(one, 3))
        with run(
            tmp_path, emulator, *LEASE, "--identity", "two", "--state-dir", str(tmp_path / "two")
        ) as two:
            until(lambda: led(two))
            write(tmp_path, "roses", "abcd")
            until(lambda: converged(one, 4) or converged(two, 4))  # by now the partition stays where it is
            owner, other = (one, two) if converged(one, 4) else (two, one)
            until(lambda: ["True", "False"] == [led(owner)[-1], led(other)[-1]])
            assert "ok\n" == got(other, "/readyz")
            assert "False" == other.status()["leading"]["status"]
            [shown] = other.status()["datasets"]
            assert ("unknown", {}) == (shown["verdict"], shown["counts"])
            assert api.holder() in shown["conditions"][0]["message"]
            metrics = got(other, "/metrics")
            assert 'reconciler_condition{dataset="",status="False",type="Leading"} 1.0' in metrics
            assert 'reconciler_partitions{state="elsewhere"} 1.0' in metrics
            assert 'dataset="roses",status' not in metrics

            cycles = len(other.events("cycle.finished"))

            owner.popen.send_signal(signal.SIGKILL)
            owner.popen.wait()
            write(tmp_path, "roses", "abcde")
            until(lambda: converged(other, 5), 30)

            assert cycles < len(other.events("cycle.finished"))
            assert 'reconciler_partitions{state="owned"} 1.0' in got(other, "/metrics")
            assert 3 == len(emulator.emulator.calls.of("UpdateDatasetEntries"))


@pytest.mark.slow
def test_a_replica_that_is_asked_to_stop_releases_what_it_owns(
    tmp_path: Path, emulator: Running, api: ApiServer
):
    """Another replica need not wait for the leases to expire."""
    write(tmp_path, "roses", "abc")
    words = ("--lease", "reconciler/reconciler", "--lease-seconds", "12")
    with run(tmp_path, emulator, *words, "--identity", "one") as one:
        until(lambda: converged(one, 3))
        with run(
            tmp_path, emulator, *words, "--identity", "two", "--state-dir", str(tmp_path / "two")
        ) as two:
            until(lambda: "True" in led(two) or led(two) == ["False"])
            owner, other = (one, two) if led(two) == ["False"] else (two, one)
            code, seconds = owner.stop()
            assert 0 == code
            assert seconds < 10
            assert "" in api.history
            until(lambda: led(other)[-1] == "True", 8)


@pytest.mark.slow
def test_a_replica_that_cannot_renew_stops_calling(tmp_path: Path, emulator: Running, api: ApiServer):
    """Another one might own the partition; it continues when the cluster is back."""
    write(tmp_path, "roses", "abc")
    with run(tmp_path, emulator, *LEASE) as process:
        until(lambda: converged(process, 3))
        api.failing = 503
        until(lambda: led(process)[-1] == "Unknown")
        until(lambda: process.events("partition.lost"))
        calls = len(emulator.emulator.calls.of("DescribeDataset"))
        write(tmp_path, "roses", "abcd")
        until(lambda: any(e["reason"] == "Standby" for e in process.events("condition.changed")))
        until(lambda: len(process.events("source.updated")) > 1)
        assert calls == len(emulator.emulator.calls.of("DescribeDataset"))
        assert 1 == len(emulator.emulator.calls.of("UpdateDatasetEntries"))
        assert "ok\n" == got(process, "/readyz")

        api.failing = None
        until(lambda: converged(process, 4))


@pytest.mark.slow
def test_each_shard_visits_its_own(tmp_path: Path, emulator: Running):
    """Each shard observes and reports only its own datasets, and is ready once it has."""
    names = ["roses", "tulips", "daisies", "lilies"]
    for name in names:
        write(tmp_path, name, "abc")
    for index in (0, 1):
        mine = {name for name in names if name in Shard(index, 2)}
        assert mine
        with run(tmp_path, emulator, "--shard", f"{index}/2") as process:
            until(
                lambda process=process, mine=mine: (
                    mine == {e["dataset"] for e in process.events("cycle.finished")}
                )
            )
            assert "ok\n" == got(process, "/readyz")
            assert mine == {dataset["name"] for dataset in process.status()["datasets"]}


def words(**values: object) -> Namespace:
    none = {"lease": None, "once": False, "shard": None, "identity": None, "lease_seconds": 60}
    return Namespace(**(none | {"calls_per_second": None} | values))


@pytest.mark.parametrize("lease", ["reconciler", "a/b/c", "/b", "a/", "A/b", f"a/{'b' * 64}"])
def test_a_lease_has_a_namespace_and_a_name(lease: str):
    with pytest.raises(UsageError, match="NAMESPACE/NAME"):
        replicas.fleet(words(lease=lease), replicas.CredentialsHome())


def test_one_pass_is_no_member_of_a_fleet():
    with pytest.raises(UsageError, match="--once"):
        replicas.fleet(words(lease="a/b", once=True), replicas.CredentialsHome())


@pytest.mark.parametrize("shard", ["3/3", "0/0", "1", "x/3", "1/x", "-1/3"])
def test_a_shard_that_is_none_is_a_usage_error(shard: str):
    with pytest.raises(UsageError, match="--shard"):
        replicas.shard(words(shard=shard))


@pytest.mark.parametrize("host", ["reconciler-2", "reconciler-2.reconciler.default.svc"])
def test_an_ordinal_is_taken_from_the_host_name(host: str, monkeypatch: pytest.MonkeyPatch):
    """As a StatefulSet names its pods."""
    monkeypatch.setattr("socket.gethostname", lambda: host)

    assert Shard(2, 3) == replicas.shard(words(shard="auto/3"))


def test_a_host_without_an_ordinal_is_reported(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("socket.gethostname", lambda: "reconciler-5d8f-x2b")

    with pytest.raises(UsageError, match="-ORDINAL"):
        replicas.shard(words(shard="auto/3"))


@pytest.mark.parametrize(
    ("asked_for", "expected"),
    [({}, None), ({"calls_per_second": 4}, 4), ({"shard": "0/1"}, None),
     ({"shard": "0/1", "calls_per_second": 5}, 5),
     ({"lease": "a/b"}, None), ({"lease": "a/b", "calls_per_second": 5}, 5), ({"shard": "0/2"}, 2),
     ({"shard": "2/3"}, 1), ({"shard": "4/5"}, 1), ({"shard": "0/2", "lease": "a/b"}, 2)],
)  # fmt: skip
def test_replicas_share_what_aws_answers(asked_for: dict[str, object], expected: int | None):
    """All parts together make at most 5 calls a second; in a fleet one replica makes all of a partition."""
    args = words(**asked_for)

    assert expected == replicas.calls_per_second(args, replicas.shard(args))


@pytest.mark.parametrize(
    ("asked_for", "allowed"),
    [({"shard": "0/6"}, "at most 5 parts"), ({"shard": "7/8"}, "at most 5 parts"),
     ({"shard": "0/8", "calls_per_second": 1}, "at most 5 parts"),
     ({"shard": "0/6", "lease": "a/b"}, "at most 5 parts"),
     ({"shard": "0/2", "calls_per_second": 3}, "at most 2 each"),
     ({"shard": "0/5", "calls_per_second": 2}, "at most 1 each"),
     ({"shard": "1/2", "lease": "a/b", "calls_per_second": 3}, "at most 2 each")],
)  # fmt: skip
def test_replicas_that_would_ask_too_much_are_refused(asked_for: dict[str, object], allowed: str):
    """More replicas than 5 calls a second can serve are refused, and the allowed number is named."""
    args = words(**asked_for)

    with pytest.raises(UsageError, match=allowed):
        replicas.calls_per_second(args, replicas.shard(args))


@given(
    parts=st.integers(1, 40),
    lease=st.booleans(),
    asked=st.one_of(st.none(), st.integers(1, CALLS_PER_SECOND)),
)
def test_all_replicas_together_keep_to_the_limit(parts: int, lease: bool, asked: int | None):
    args = words(shard=f"0/{parts}", lease="a/b" if lease else None, calls_per_second=asked)
    try:
        share = replicas.calls_per_second(args, replicas.shard(args)) or CALLS_PER_SECOND
    except UsageError:
        return

    assert share * parts <= CALLS_PER_SECOND
