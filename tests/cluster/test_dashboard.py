"""The dashboard and the alerts over a real run: Prometheus scrapes replicas with leases and status objects."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from reconciler.emulator.behaviour.faults import Fault, Kind
from tests.builders import classified
from tests.cli.test_run import Process, write
from tests.cluster.test_fleet import Replicas, namespace, replicas
from tests.deploy.test_monitoring import RULES, panels
from tests.waiting import until

__all__ = ["namespace", "replicas"]

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(
        not shutil.which("prometheus"), reason="no prometheus (Debian: apt install prometheus)"
    ),
]

# Of features that this run does not use.
UNUSED = re.compile(r"reconciler_(events|notification)")
VALUES = {"$__rate_interval": "1m", "$dataset": ".*"}


class Prometheus:
    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, path: str, **query: str) -> Any:
        address = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(address, timeout=10) as answer:  # noqa: S310  loopback
            return json.load(answer)["data"]

    def values(self, expression: str) -> list[dict[str, Any]]:
        """Return what a panel would show now; a quotient of nothing is nothing."""
        found = self.ask("query", query=expression)["result"]
        return [one for one in found if one["value"][1] != "NaN"]

    def is_up(self) -> bool:
        try:
            return bool(self.ask("query", query="up"))
        except (OSError, urllib.error.URLError):
            return False


@contextmanager
def scraping(place: Path, processes: dict[str, Process]) -> Iterator[Prometheus]:
    """Scrape each second, with the label that a PodMonitor adds."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    targets = [
        {"targets": [process.url().partition("://")[2]], "labels": {"pod": name}}
        for name, process in processes.items()
    ]
    config = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(RULES)],
        "scrape_configs": [{"job_name": "reconciler", "static_configs": targets}],
    }
    (place / "prometheus.yaml").write_text(yaml.safe_dump(config))
    words = [
        "prometheus",
        f"--config.file={place}/prometheus.yaml",
        f"--storage.tsdb.path={place}/series",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (place / "prometheus.log").open("wb") as log:
        running = subprocess.Popen(words, stdout=log, stderr=log)
        try:
            found = Prometheus(f"http://127.0.0.1:{port}")
            until(found.is_up)
            yield found
        finally:
            running.kill()
            running.wait()


def test_every_panel_shows_something(replicas: Replicas):
    """Each expression has a value while two replicas share datasets that drift, and AWS throttles and refuses."""
    place, service = replicas.place, replicas.emulator.emulator
    for name in ("roses", "tulips"):
        write(place, name, "abc")
        path = place / "specs" / f"{name}.yaml"
        path.write_text(path.read_text().replace("mode: upsert", "mode: upsert, onDrift: report"))
    processes = {name: replicas.start(name) for name in ("one", "two")}
    with scraping(place, processes) as prometheus:
        for name in ("roses", "tulips"):
            until(lambda name=name: _converged(replicas, name))
        service.console.put(_status(replicas, "roses")["arn"], orjson.loads(classified("b", "daisy")))
        for operation in ("DescribeDataset", "ListDatasetEntries"):
            service.faults.add(Fault(kind=Kind.THROTTLE, operations=frozenset([operation]), times=4))
        write(place, "tulips", "abcd")
        queries = {
            f"{panel['title']} {target['refId']}": target["expr"]
            for panel in panels()
            for target in panel["targets"]
            if not UNUSED.search(target["expr"])
        }
        for name, value in VALUES.items():
            queries = {key: text.replace(name, value) for key, text in queries.items()}

        def silent() -> list[str]:
            return [key for key, text in queries.items() if not prometheus.values(text)]

        with suppress(AssertionError):  # the next line says which
            until(lambda: not silent(), 120)
        assert [] == silent()
        assert {"roses", "tulips"} == set(prometheus.ask("label/dataset/values")) - {""}
        states = {one["metric"]["state"] for one in prometheus.values(queries["Partitions, by owner A"])}
        assert {"owned", "elsewhere", "unowned"} == states
        rules = [rule for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]
        assert [] == [(rule["name"], rule.get("lastError")) for rule in rules if rule["health"] != "ok"]
        assert len(rules) == len(
            [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
        )


def _status(replicas: Replicas, name: str) -> dict[str, Any]:
    found = replicas.cluster.get("datasetstatuses", "-n", replicas.namespace)["items"]
    return next((one.get("status", {}) for one in found if one["metadata"]["name"] == name), {})


def _converged(replicas: Replicas, name: str) -> bool:
    return bool(_status(replicas, name).get("verdict") == "converged")
