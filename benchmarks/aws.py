"""What listing costs: our gateway over HTTP against the emulator, which runs in a process of its own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3

from benchmarks.emulator import PAGE, filled, running
from benchmarks.measure import Setting, cpu_of
from reconciler.rekognition.calls import Limiter
from reconciler.rekognition.gateway import Rekognition, client_config

CALLS = 5
_PART = 10  # of the entries are listed: the other pages only repeat these


def listing_wall(setting: Setting) -> list[float]:
    """List at the rate that AWS allows; the first five pages come at once, and the others wait their turn."""
    with dataset(setting) as (client, arn):
        gateway = _gateway(client, CALLS)
        found = []
        for _ in range(setting.runs):
            began = time.perf_counter()
            pages = sum(1 for _ in gateway.pages(arn))
            found.append((time.perf_counter() - began) * CALLS / pages)
            time.sleep(1)
    return found


def listing_cpu(setting: Setting) -> list[float]:
    """List with our gateway and with boto3 alone, in turns."""
    with dataset(setting) as (client, arn), dataset(setting) as (plain, other):
        gateway = _gateway(client, None)
        found = []
        for _ in range(setting.runs * 3):
            ours = cpu_of(lambda: sum(1 for _ in gateway.pages(arn)))
            theirs = cpu_of(lambda: _paginate(plain, other))
            found.append(ours / theirs)
    return found


def _paginate(client: Any, arn: str) -> None:
    for page in client.get_paginator("list_dataset_entries").paginate(DatasetArn=arn):
        len(page["DatasetEntries"])


@contextmanager
def dataset(setting: Setting) -> Iterator[tuple[Any, str]]:
    with running() as (_, url, _):
        client = boto3.session.Session().client(
            "rekognition",
            region_name="us-east-1",
            endpoint_url=url,
            aws_access_key_id="x",
            aws_secret_access_key="y",  # noqa: S106  the emulator checks no signature
            config=client_config(),
        )
        yield client, filled(client, max(10 * PAGE, setting.entries // _PART))


def _gateway(client: Any, calls: int | None) -> Rekognition:
    return Rekognition(client, lambda: client, Limiter(calls, time.monotonic, time.sleep), "benchmark")
