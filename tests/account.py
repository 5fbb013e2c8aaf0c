"""An emulated account, reached as the product reaches AWS: real boto3, real HTTP, and no wait for anything."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import boto3

from reconciler.emulator.behaviour.settings import ManualClock
from reconciler.emulator.port import listening
from reconciler.emulator.server import Emulator, Running
from reconciler.emulator.testing import Plug
from reconciler.ports import Clock
from reconciler.rekognition.calls import Limiter
from reconciler.rekognition.gateway import Rekognition
from reconciler.rekognition.settings import sdk_config
from tests.lasting import LASTING

ACCOUNT = "111122223333"


def client_of(url: str, service: str = "rekognition", account: str = ACCOUNT, **options: Any) -> Any:
    """Return a client of the emulator at *url*: it takes the key for the number of an account."""
    return boto3.client(
        service,
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id=account,
        aws_secret_access_key="secret",
        **options,
    )


def gateway_of(client: Any, clock: Clock, calls_per_second: int | None = None) -> Rekognition:
    """Return the product's own door; unless told otherwise, without a limit to its calls."""
    return Rekognition(client, lambda: client, Limiter(calls_per_second, clock.now, clock.sleep), "ambient")


# Open ports at which nothing is served for the moment.
_IDLE: list[tuple[Plug, int]] = []


@contextmanager
def serve(emulator: Emulator) -> Iterator[Running]:
    """Serve *emulator* until the block exits, at a port that stays open: closing one takes 0.2 s."""
    if not _IDLE:
        plug = Plug()
        _IDLE.append((plug, LASTING.enter_context(listening(plug, "127.0.0.1", 0))))
    plug, port = _IDLE.pop()
    plug.emulator = emulator
    try:
        yield Running(emulator, "127.0.0.1", port)
    finally:
        _IDLE.append((plug, port))


@contextmanager
def emulated(attempts: int = 8) -> Iterator[tuple[Emulator, Any]]:
    """
    Yield an emulator whose time stands still, and a client of it such as the product makes.

    Args:
        attempts: How often the client tries a call; between two of them it waits by the real clock.
    """
    with (
        closing(Emulator(clock=ManualClock())) as emulator,
        serve(emulator) as running,
        closing(client_of(running.url, config=sdk_config(attempts=attempts))) as client,
    ):
        yield emulator, client
