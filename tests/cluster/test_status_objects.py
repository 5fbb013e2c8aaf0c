"""What a user of kubectl sees of the datasets of a running fleet."""

from __future__ import annotations

import orjson
import pytest

from tests.builders import classified
from tests.cli.test_run import write
from tests.cluster.test_fleet import Replicas, namespace, replicas
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
    shown = replicas.cluster.get("datasetstatus/roses", *where)
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
