"""
pytest fixtures: an emulator on a port for each test, and clients for it.

Load them with ``pytest_plugins = ["reconciler.emulator.testing"]`` or import them one by one. They require
pytest and boto3; the emulator itself does not import this module.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cache
from typing import Any

import boto3
import pytest
from botocore.config import Config

from reconciler.emulator.behaviour.clock import ManualClock
from reconciler.emulator.http import Answer, Request
from reconciler.emulator.port import listening
from reconciler.emulator.server import Emulator, Running

REGION = "us-east-1"


def client(
    running: Running,
    service: str = "rekognition",
    *,
    region: str = REGION,
    access_key: str = "testing",
    **config: Any,
) -> Any:
    """
    Create a boto3 client with dummy credentials. Calls are not retried by default.

    Args:
        access_key: A key of twelve digits is the account of the caller.
    """
    options = {"retries": {"total_max_attempts": 1}, "read_timeout": 30, **config}
    return _session().client(
        service,
        region_name=region,
        endpoint_url=running.url,
        aws_access_key_id=access_key,
        aws_secret_access_key="testing",  # noqa: S106  the emulator verifies no signature
        config=Config(**options),
    )


@cache
def _session() -> Any:
    """Return the shared session, typed as Any because its type accepts only literal service names."""
    return boto3.session.Session()


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """Provide an emulator in memory with a manual clock, whose operations take 0 seconds."""
    made = Emulator(clock=ManualClock())
    yield made
    made.close()


class _Plug:
    """Serves one emulator after another on the same port: opening a port for each test would take 0.2 s."""

    emulator: Emulator

    @property
    def max_object_bytes(self) -> int:
        return self.emulator.max_object_bytes

    @property
    def hosts(self) -> Collection[str]:
        return self.emulator.hosts

    def answer_at_once(self, request: Request) -> Answer | None:
        return self.emulator.answer_at_once(request)

    def handle(self, request: Request) -> Answer:
        return self.emulator.handle(request)


@pytest.fixture(scope="session")
def emulator_plug() -> Iterator[tuple[_Plug, int]]:
    """Provide a port, and the plug that takes the emulator to serve there."""
    plug = _Plug()
    with listening(plug, "127.0.0.1", 0) as port:
        yield plug, port


@pytest.fixture
def rekognition_emulator(emulator: Emulator, emulator_plug: tuple[_Plug, int]) -> Running:
    """Provide the emulator of the test on a loopback port."""
    plug, port = emulator_plug
    plug.emulator = emulator
    return Running(emulator, "127.0.0.1", port)


@pytest.fixture
def rekognition(rekognition_emulator: Running) -> Any:
    """Provide a boto3 client of Rekognition."""
    return client(rekognition_emulator)


@pytest.fixture
def s3(rekognition_emulator: Running) -> Any:
    """Provide a boto3 client of S3."""
    return client(rekognition_emulator, "s3")
