"""What people would use instead, on the same data: CPU for each entry or record, or calls for each thousand."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import orjson
from deepdiff import DeepDiff

from benchmarks import specs
from benchmarks.aws import dataset
from benchmarks.datasets import SHAPES
from benchmarks.measure import Setting, cpu_of, run

_COMPARED = 2_000  # entries; DeepDiff grows worse with more, and takes minutes for 20,000
_RECORDS = 2_000
_RESOURCES = 200  # of Terraform, which takes minutes for 2,000
_UPDATE_BYTES = 5_000_000


@dataclass(frozen=True, slots=True)
class Alternative:
    """
    One other way to do a part of the same.

    Attributes:
        measure: Returns the figure; None where the program is not installed.
        ours: Returns that of this project, for the same data.
    """

    name: str
    what: str
    unit: str
    measure: Callable[[Setting], float | None]
    ours: Callable[[Setting], float | None]


def script_calls(setting: Setting) -> float:
    """List every page and send every line, as samples of the SDK do: they know nothing of the last time."""
    with dataset(setting) as (client, arn):
        calls: list[str] = []
        client.meta.events.register(
            "before-send.rekognition", lambda event_name, **_: calls.append(event_name)
        )
        lines = [
            line
            for page in client.get_paginator("list_dataset_entries").paginate(DatasetArn=arn)
            for line in page["DatasetEntries"]
        ]
        batch: list[str] = []
        size = 0
        for line in [*lines, ""]:
            if not line or size + len(line) > _UPDATE_BYTES:
                payload = "\n".join(batch).encode()
                client.update_dataset_entries(DatasetArn=arn, Changes={"GroundTruth": payload})
                client.describe_dataset(DatasetArn=arn)
                batch, size = [], 0
            batch.append(line)
            size += len(line) + 1
    return 1000 * len(calls) / len(lines)


def our_quiet_calls(setting: Setting) -> float:
    """Count the call of a cycle in which nothing changed: DescribeDataset, whatever the number of entries."""
    return 1000 / max(1000, setting.entries // 10)


def deepdiff_cpu(setting: Setting) -> float:
    folder, listed = specs.data(setting, SHAPES["boxes"], _COMPARED)
    desired, observed = (
        {fields["source-ref"]: fields for fields in map(orjson.loads, path.read_bytes().splitlines())}
        for path in (folder / "train.jsonl", listed)
    )
    for fields in observed.values():
        del fields["cl-metadata"]
    return 1e6 * cpu_of(lambda: DeepDiff(observed, desired)) / _COMPARED


def our_cpu(setting: Setting) -> float:
    """Return the CPU of the whole plan of boxes for each entry, its start included."""
    folder, listed = specs.data(setting, SHAPES["boxes"])
    return 1e6 * specs.plan(setting, folder, listed).cpu / setting.entries


def octodns_cpu(setting: Setting) -> float | None:
    """Plan a zone of A records from a YAML file to a YAML file, every hundredth changed."""
    if shutil.which("octodns-sync") is None:
        return None
    home = setting.directory / "octodns"
    for side in ("config", "target"):
        (home / side).mkdir(parents=True, exist_ok=True)
        records = {
            f"img-{number:06}": {
                "type": "A",
                "values": [f"10.0.{number // 250 % 250}.{1 + number % (249 if side == 'target' else 250)}"],
            }
            for number in range(_RECORDS)
        }
        (home / side / "example.com.yaml").write_text(json.dumps(records))
    providers = {
        side: {"class": "octodns.provider.yaml.YamlProvider", "directory": str(home / side)}
        for side in ("config", "target")
    }
    zones = {"example.com.": {"sources": ["config"], "targets": ["target"]}}
    (home / "octodns.yaml").write_text(json.dumps({"providers": providers, "zones": zones}))
    return 1e6 * run(["octodns-sync", "--config-file", str(home / "octodns.yaml"), "--force"]).cpu / _RECORDS


def terraform_cpu(setting: Setting) -> float | None:
    """Plan as many resources of the built-in provider, none of which is there yet."""
    if shutil.which("terraform") is None:
        return None
    home: Path = setting.directory / "terraform"
    home.mkdir(exist_ok=True)
    entries = {f"img-{number:06}": {"label": number % 40} for number in range(_RESOURCES)}
    resource = {"terraform_data": {"entry": {"for_each": entries, "input": "${each.value}"}}}
    (home / "main.tf.json").write_text(json.dumps({"resource": resource}))
    run(["terraform", f"-chdir={home}", "init", "-input=false"])
    return 1e6 * run(["terraform", f"-chdir={home}", "plan", "-input=false"]).cpu / _RESOURCES


ALTERNATIVES = (
    Alternative(
        "script: calls",
        "list everything, update everything, in the manner of the SDK's samples; nothing changed",
        "calls per 1,000 entries",
        script_calls,
        our_quiet_calls,
    ),
    Alternative(
        "DeepDiff: CPU",
        f"DeepDiff over two mappings of {_COMPARED:,} entries, without reading or validation",
        "µs an entry",
        deepdiff_cpu,
        our_cpu,
    ),
    Alternative(
        "octoDNS: CPU",
        f"octoDNS, YAML to YAML, {_RECORDS:,} records",
        "µs a record",
        octodns_cpu,
        our_cpu,
    ),
    Alternative(
        "Terraform: CPU",
        f"terraform plan of {_RESOURCES:,} resources of the built-in provider",
        "µs a resource",
        terraform_cpu,
        our_cpu,
    ),
)
