"""Small makers of lines and datasets: each takes only what its test is about."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from reconciler.emulator.http import Answer, Request
from reconciler.emulator.server import Emulator

Client = Any  # boto3 clients are typed by literal names only


def labelled(ref: str, *labels: str, **extra: Any) -> str:
    """A classification line; *ref* is the key within one bucket."""
    line: dict[str, Any] = {"source-ref": uri(ref)}
    for number, label in enumerate(labels):
        line[f"sport{number}"] = 1
        line[f"sport{number}-metadata"] = {
            "confidence": 1,
            "class-name": label,
            "type": "groundtruth/image-classification",
            "human-annotated": "yes",
            "creation-date": "2021-07-11T03:32:13.456Z",
        }
    return json.dumps(line | extra, separators=(",", ":"))


def boxed(ref: str, *boxes: tuple[str, int, int, int, int], width: int = 640, height: int = 480) -> str:
    """A detection line; a box is (label, left, top, width, height)."""
    names = list(dict.fromkeys(box[0] for box in boxes))
    keys = ("left", "top", "width", "height")
    line = {
        "source-ref": uri(ref),
        "BB": {
            "image_size": [{"width": width, "height": height, "depth": 3}],
            "annotations": [
                {"class_id": names.index(label), **dict(zip(keys, numbers, strict=True))}
                for label, *numbers in boxes
            ],
        },
        "BB-metadata": {
            "objects": [{"confidence": 1} for _ in boxes],
            "class-map": {str(i): name for i, name in enumerate(names)},
            "type": "groundtruth/object-detection",
            "human-annotated": "yes",
            "creation-date": "2021-07-11T03:32:13.456Z",
        },
    }
    return json.dumps(line, separators=(",", ":"))


def uri(ref: str) -> str:
    return ref if ref.startswith("s3://") else f"s3://bucket/{ref}"


def dataset(client: Client, *lines: str, kind: str = "TRAIN", project: str = "flowers") -> str:
    """Make a dataset of these lines, and its project if need be. Returns its ARN."""
    found = client.describe_projects(ProjectNames=[project])["ProjectDescriptions"]
    arn = found[0]["ProjectArn"] if found else client.create_project(ProjectName=project)["ProjectArn"]
    made: str = client.create_dataset(ProjectArn=arn, DatasetType=kind)["DatasetArn"]
    if lines:
        update(client, made, *lines)
    return made


def update(client: Client, arn: str, *lines: str) -> None:
    client.update_dataset_entries(DatasetArn=arn, Changes={"GroundTruth": "\n".join(lines)})


def listed(client: Client, arn: str, **filters: Any) -> list[dict[str, Any]]:
    """List all pages, parsed."""
    pages = client.get_paginator("list_dataset_entries").paginate(DatasetArn=arn, **filters)
    return [json.loads(line) for page in pages for line in page["DatasetEntries"]]


def refs(lines: list[dict[str, Any]]) -> list[str]:
    return [line["source-ref"].removeprefix("s3://bucket/") for line in lines]


def describe(client: Client, arn: str) -> dict[str, Any]:
    description: dict[str, Any] = client.describe_dataset(DatasetArn=arn)["DatasetDescription"]
    return description


def error_of(call: Callable[[], object]) -> str:
    """Return the code that a call is refused with."""
    with pytest.raises(ClientError) as error:
        call()
    return str(error.value.response["Error"]["Code"])


SIGNED = (
    "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/rekognition/aws4_request,"
    " SignedHeaders=host;x-amz-date, Signature=0"
)


def post(url: str, body: bytes, target: str = "RekognitionService.DescribeProjects", **headers: str) -> Any:
    """Post and return (status, headers, parsed body)."""
    headers = {"Authorization": SIGNED, "X-Amz-Target": target} | headers
    request = urllib.request.Request(url, body, {k: v for k, v in headers.items() if v})  # noqa: S310
    try:
        with urllib.request.urlopen(request) as answer:  # noqa: S310
            return answer.status, answer.headers, json.loads(answer.read())
    except urllib.error.HTTPError as exc:
        with exc:
            return exc.code, exc.headers, json.loads(exc.read())


class Direct:
    """An emulator asked without a socket."""

    def __init__(self, emulator: Emulator | None = None) -> None:
        self.emulator = emulator or Emulator()

    def ask(self, operation: str, body: bytes) -> Answer:
        headers = {"authorization": SIGNED, "x-amz-target": f"RekognitionService.{operation}"}
        return self.emulator.handle(Request("POST", "/", {}, headers, body))

    def call(self, operation: str, **params: Any) -> Any:
        answer = self.ask(operation, json.dumps(params).encode())
        assert 200 == answer.status, answer.body
        return json.loads(answer.body)
