"""What listing costs: our gateway over HTTP against the emulator, which runs in a process of its own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.emulator import PAGE, client, filled, running
from benchmarks.measure import Setting, cpu_of
from reconciler.rekognition.calls import Limiter
from reconciler.rekognition.gateway import Rekognition
from reconciler.rekognition.settings import sdk_config

CALLS = 5
_PART = 10  # of the entries are listed: the other pages only repeat these


def listing_wall(setting: Setting) -> list[float]:
    """List at the rate that AWS allows; the first five pages come at once, and the others wait their turn."""
    with dataset(setting) as (rekognition, arn):
        gateway = _gateway(rekognition, CALLS)
        found = []
        for _ in range(setting.runs):
            began = time.perf_counter()
            pages = sum(1 for _ in gateway.pages(arn))
            found.append((time.perf_counter() - began) * CALLS / pages)
            time.sleep(1)
    return found


def listing_cpu(setting: Setting) -> list[float]:
    """List with our gateway and with boto3 alone, in turns."""
    with dataset(setting) as (rekognition, arn), dataset(setting) as (plain, other):
        gateway = _gateway(rekognition, None)
        found = []
        for _ in range(setting.runs * 3):
            ours = cpu_of(lambda: sum(1 for _ in gateway.pages(arn)))
            theirs = cpu_of(lambda: _paginate(plain, other))
            found.append(ours / theirs)
    return found


def _paginate(rekognition: Any, arn: str) -> None:
    for page in rekognition.get_paginator("list_dataset_entries").paginate(DatasetArn=arn):
        len(page["DatasetEntries"])


@contextmanager
def dataset(setting: Setting) -> Iterator[tuple[Any, str]]:
    with running() as (_, url, _):
        rekognition = client(url, config=sdk_config())
        yield rekognition, filled(rekognition, max(10 * PAGE, setting.entries // _PART))


def _gateway(rekognition: Any, calls: int | None) -> Rekognition:
    limiter = Limiter(calls, time.monotonic, time.sleep)
    return Rekognition(rekognition, lambda: rekognition, limiter, "benchmark")
