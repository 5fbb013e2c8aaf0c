"""Many clients at once, and a death in the middle: nothing that was answered is lost."""

from __future__ import annotations

import resource
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from tests.emulator.builders import dataset, labelled, listed, refs, update
from tests.emulator.test_durability import QUICK, Process, running
from tests.waiting import until

pytestmark = pytest.mark.slow

WRITERS = 100
SLOW = 500


@contextmanager
def slow_connections(url: str) -> Iterator[None]:
    """Hold connections open that have sent a part of a head, or of a body, and no more."""
    host, port = url.removeprefix("http://").rsplit(":", 1)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4 * SLOW, hard), hard))
    parts = (
        b"POST / HTTP/1.1\r\nHost: localhost\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999\r\n\r\n{",
    )
    try:
        with ExitStack() as stack:
            for number in range(SLOW):
                connection = stack.enter_context(socket.create_connection((host, int(port)), timeout=30))
                connection.sendall(parts[number % 2])
            yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_kill_amid_a_hundred_writers_and_slow_connections_loses_no_answered_update(tmp_path):
    """Each writer has a dataset of its own; what was answered is there after the kill, in order and whole."""
    process = Process("--data", str(tmp_path), *QUICK)
    first = process.client()
    arns = [dataset(first, project=f"p{number}") for number in range(WRITERS)]
    answered = [0] * WRITERS

    def write(writer: int) -> None:
        rekognition = process.client()
        try:
            for number in range(100_000):
                update(rekognition, arns[writer], *(labelled(f"{number}-{i}.jpg", "rose") for i in range(3)))
                answered[writer] = number + 1
        except (ClientError, BotoCoreError):
            pass

    threads = [threading.Thread(target=write, args=(number,)) for number in range(WRITERS)]
    with slow_connections(process.url):
        for thread in threads:
            thread.start()
        until(lambda: min(answered) >= 2, 240)
        process.end(signal.SIGKILL)
        for thread in threads:
            thread.join()

    with running("--data", str(tmp_path), *QUICK) as again:
        rekognition = again.client()
        for arn, count in zip(arns, answered, strict=True):
            kept = refs(listed(rekognition, arn))
            assert count <= len(kept) // 3 <= count + 1
            assert kept == [f"{number}-{i}.jpg" for number in range(len(kept) // 3) for i in range(3)]
    print(f"{sum(answered)} updates were answered")
