"""An emulated account, reached as the product reaches AWS: real boto3, real HTTP, and no wait for anything."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import boto3

from reconciler.emulator.behaviour.clock import ManualClock
from reconciler.emulator.server import Emulator, serve
from reconciler.ports import Clock
from reconciler.rekognition.calls import Limiter
from reconciler.rekognition.gateway import Rekognition, client_config

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


@contextmanager
def emulated(attempts: int = 8) -> Iterator[tuple[Emulator, Any]]:
    """
    Give an emulator whose time stands still, and a client of it such as the product makes.

    Args:
        attempts: How often the client tries a call; between two of them it waits by the real clock.
    """
    with (
        closing(Emulator(clock=ManualClock())) as emulator,
        serve(emulator) as running,
        closing(client_of(running.url, config=client_config(attempts=attempts))) as client,
    ):
        yield emulator, client
