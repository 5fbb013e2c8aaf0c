"""What a user of kubectl sees of the datasets of a running fleet."""

from __future__ import annotations

import json

import orjson
import pytest

from reconciler.emulator.behaviour.faults import Fault, Kind
from tests.builders import classified
from tests.cli.test_run import write
from tests.cluster.test_fleet import Replicas, namespace, replicas
from tests.kubernetes.health import argo_cd, flux, kstatus
from tests.waiting import until

__all__ = ["namespace", "replicas"]

pytestmark = pytest.mark.cluster


def test_kubectl_shows_waits_and_tells(replicas: Replicas):
    """A wait ends when the dataset is ready; drift is one event and a column; what left the specs is gone."""
    kubectl, place = replicas.cluster.kubectl, replicas.place
    where = ("-n", replicas.namespace)
    for name in ("roses", "tulips"):
        write(place, name, "abc")
        path = place / "specs" / f"{name}.yaml"
        path.write_text(path.read_text().replace("mode: upsert", "mode: upsert, onDrift: report"))
    replicas.start("one")
    replicas.start("two")
    until(lambda: len(replicas.cluster.get("datasetstatuses", *where)["items"]) == 2)

    kubectl(
        "wait",
        "--for=condition=Ready",
        "datasetstatus/roses",
        "datasetstatus/tulips",
        *where,
        "--timeout=60s",
    )

    header, *rows = kubectl("get", "datasetstatuses", *where).splitlines()
    assert ["NAME", "READY", "INSYNC", "DRIFTED", "REVISION", "AGE"] == header.split()
    assert [["roses", "True", "True", "0"], ["tulips", "True", "True", "0"]] == [
        row.split()[:4] for row in rows
    ]
    wide = kubectl("get", "datasetstatuses", *where, "-o", "wide").splitlines()
    assert ["TRAININGSAFE", "REASON", "MESSAGE"] == wide[0].split()[-3:]
    assert ["Unknown", "AsDesired", "observed", "as", "desired"] == wide[1].split()[-5:]
    shown = replicas.cluster.get("datasetstatus/roses", *where)
    assert ("Current", "Current", ("Healthy", "observed as desired")) == (
        kstatus(shown), flux(shown), argo_cd(shown)
    )  # fmt: skip
    assert shown["metadata"]["generation"] == shown["status"]["observedGeneration"]
    assert shown["status"]["counts"]["observed"] == 3

    emulator = replicas.emulator.emulator
    emulator.console.put(shown["status"]["arn"], orjson.loads(classified("b", "daisy")))

    def told() -> list[str]:
        events = replicas.cluster.get("events", *where, "--field-selector", "involvedObject.name=roses")
        return [event["reason"] for event in events["items"]]

    until(told)
    until(lambda: replicas.cluster.get("datasetstatus/roses", *where)["status"]["drifted"] == 1)
    (place / "specs" / "tulips.yaml").unlink()
    until(lambda: len(replicas.cluster.get("datasetstatuses", *where)["items"]) == 1)
    assert ["Drifted"] == told()

    emulator.faults.add(Fault(kind=Kind.ACCESS_DENIED, operations=frozenset(["DescribeDataset"]), times=0))
    until(lambda: kstatus(replicas.cluster.get("datasetstatus/roses", *where)) == "Failed")
    denied = replicas.cluster.get("datasetstatus/roses", *where)
    assert ("Failed", "Degraded") == (flux(denied), argo_cd(denied)[0])


def test_objects_belong_to_their_creator(replicas: Replicas):
    """
    An object of the controller has its service account as owner, and is deleted with its dataset.

    An object that was there before, as Argo CD or Flux apply it, gets the status and nothing else.
    """
    cluster, place, where = replicas.cluster, replicas.place, ("-n", replicas.namespace)
    account = cluster.get("serviceaccount/reconciler", *where)["metadata"]
    declared = {
        "apiVersion": "reconciler.dev/v1",
        "kind": "DatasetStatus",
        "metadata": {"name": "tulips", "namespace": replicas.namespace},
    }
    cluster.kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(declared))
    for name in ("roses", "tulips"):
        write(place, name, "abc")
    only = replicas.start("only")
    cluster.kubectl("wait", "--for=condition=Ready", "datasetstatus/tulips", *where, "--timeout=60s")
    until(lambda: len(cluster.get("datasetstatuses", *where)["items"]) == 2)

    found = {one["metadata"]["name"]: one for one in cluster.get("datasetstatuses", *where)["items"]}
    (owner,) = found["roses"]["metadata"]["ownerReferences"]
    assert {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "name": "reconciler",
        "uid": account["uid"],
    } == owner
    assert {"labels", "ownerReferences"}.isdisjoint(found["tulips"]["metadata"])
    cluster.kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(declared))  # no conflict

    (place / "specs" / "tulips.yaml").write_text("apiVersion: reconciler/v1\nkind: Dataset\nmetadata: [\n")
    (place / "specs" / "roses.yaml").unlink()
    until(lambda: any(e["broken"] for e in only.events("source.updated")))
    write(place, "lilies", "abc")
    until(
        lambda: len(cluster.get("datasetstatuses", *where)["items"]) > 2
    )  # a wait for what is not there fails
    cluster.kubectl("wait", "--for=condition=Ready", "datasetstatus/lilies", *where, "--timeout=60s")
    assert 3 == len(cluster.get("datasetstatuses", *where)["items"])  # which dataset is broken is not known

    (place / "specs" / "tulips.yaml").unlink()
    until(lambda: len(cluster.get("datasetstatuses", *where)["items"]) == 2)
    until(lambda: kstatus(cluster.get("datasetstatus/tulips", *where)) == "InProgress")
    assert "revision" not in cluster.get("datasetstatus/tulips", *where)["status"]
