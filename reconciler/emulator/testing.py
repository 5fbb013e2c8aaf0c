"""
Fixtures for pytest: an emulator on a port for each test, and clients for it.

Load them by ``pytest_plugins = ["reconciler.emulator.testing"]`` or import the ones you want. They need
pytest and boto3; nothing here is imported by the emulator itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from threading import RLock
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
    Make a boto3 client with dummy credentials. It tries each call once, unless *config* says otherwise.

    Args:
        access_key: A key of twelve digits is an account number.
    """
    options = {"retries": {"total_max_attempts": 1}, "read_timeout": 30, **config}
    return _session().client(
        service,
        region_name=region,
        endpoint_url=running.url,
        aws_access_key_id=access_key,
        aws_secret_access_key="testing",  # noqa: S106  the emulator checks no signature
        config=Config(**options),
    )


@cache
def _session() -> Any:
    """Load the service models once; the type of a session knows only literal service names."""
    return boto3.session.Session()


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """Give an emulator in memory, whose clock stands still and whose operations take no time."""
    made = Emulator(clock=ManualClock())
    yield made
    made.close()


class _Plug:
    """Puts one emulator after another on the same port: opening one for each test would take 0.2 s."""

    emulator: Emulator

    @property
    def lock(self) -> RLock:
        return self.emulator.lock

    @property
    def max_object_bytes(self) -> int:
        return self.emulator.max_object_bytes

    def has_heavy_work(self) -> bool:
        return self.emulator.has_heavy_work()

    def handle(self, request: Request) -> Answer:
        return self.emulator.handle(request)


@pytest.fixture(scope="session")
def emulator_plug() -> Iterator[tuple[_Plug, int]]:
    """Give a port, and what to put the emulator into that shall answer there."""
    plug = _Plug()
    with listening(plug, "127.0.0.1", 0) as port:
        yield plug, port


@pytest.fixture
def rekognition_emulator(emulator: Emulator, emulator_plug: tuple[_Plug, int]) -> Running:
    """Give that emulator on a port of the loopback."""
    plug, port = emulator_plug
    plug.emulator = emulator
    return Running(emulator, "127.0.0.1", port)


@pytest.fixture
def rekognition(rekognition_emulator: Running) -> Any:
    """Give a boto3 client of Rekognition."""
    return client(rekognition_emulator)


@pytest.fixture
def s3(rekognition_emulator: Running) -> Any:
    """Give a boto3 client of S3."""
    return client(rekognition_emulator, "s3")
