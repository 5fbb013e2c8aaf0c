"""A service on the loopback interface, and clients, that give prepared answers in order."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from reconciler.rekognition.calls import Limiter
from reconciler.rekognition.image_store import image_config
from reconciler.rekognition.rebuilding import RebuildingRekognition
from reconciler.rekognition.settings import sdk_config
from tests.loopback import Quiet, listening

CUT = b"(the connection is cut)"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; `CUT` as body closes the connection, *missing* bytes are promised and not sent."""

    body: bytes
    status: int = 200
    missing: int = 0


def ok(**members: object) -> Answer:
    return Answer(json.dumps(members).encode())


def refusal(code: str, status: int = 400) -> Answer:
    return Answer(json.dumps({"__type": code, "Message": "so it is"}).encode(), status)


@dataclass(slots=True)
class Service:
    """The requests received and the answers to give. The last answer is given again and again."""

    answers: list[Answer] = field(default_factory=list)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    waited: list[tuple[str, str, str]] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    url: str = ""

    @property
    def operations(self) -> list[str]:
        return [operation for operation, _ in self.asked]


def _handler(service: Service) -> type[BaseHTTPRequestHandler]:
    class Handler(Quiet):
        def do_POST(self) -> None:  # noqa: N802  as the standard library wants it
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            operation = self.headers["X-Amz-Target"].rpartition(".")[2]
            service.asked.append((operation, body))
            service.events.append(operation)
            answer = service.answers.pop(0) if len(service.answers) > 1 else service.answers[0]
            self.close_connection = answer.body is CUT or answer.missing > 0
            if answer.body is CUT:
                return
            self.reply(answer.body, answer.status, "application/x-amz-json-1.1", answer.missing)

    return Handler


@pytest.fixture
def service() -> Iterator[Service]:
    found = Service()
    with listening(_handler(found)) as found.url:
        yield found


@pytest.fixture
def connect(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., RebuildingRekognition]]:
    """Make gateways to the service; the SDK does not sleep between attempts."""
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _: None, time=time.time))
    clients = []

    class Recording(Limiter):
        def wait(self, account: str, region: str, operation: str) -> None:
            service.waited.append((account, region, operation))
            service.events.append("wait")

    def make(url: str = service.url, **credentials: str) -> RebuildingRekognition:
        given = credentials or {"aws_access_key_id": "k", "aws_secret_access_key": "s"}
        client = boto3.client(
            "rekognition", endpoint_url=url, region_name="eu-west-1", config=sdk_config(), **given
        )
        clients.append(client)
        return RebuildingRekognition(
            client, lambda: client, Recording(None, time.monotonic, time.sleep), "me"
        )

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def gateway(connect: Callable[..., RebuildingRekognition]) -> RebuildingRekognition:
    return connect()


def client(service: str, endpoint: str | None = None):
    return boto3.client(
        service,
        region_name="us-east-1",
        endpoint_url=endpoint,
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        config=image_config(),
    )


@pytest.fixture
def s3() -> Iterator[Stubber]:
    """S3 of AWS with prepared answers."""
    with Stubber(client("s3")) as stub:
        yield stub
