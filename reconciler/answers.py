"""
Limit how long an answer over HTTP may take in all.

The timeout of a socket counts from one piece to the next: a server that sends a byte a second never exceeds it.
botocore, urllib3, requests and urllib build on http.client, and none of them has a limit of the whole answer.
"""

from __future__ import annotations

import http.client
import io
import socket
import time
from collections.abc import Callable
from typing import Any, Final

BYTES_PER_SECOND: Final = 131_072
"""The slowest rate at which an answer may go on after its read timeout."""

MAX_BYTES: Final = 1 << 26
"""The longest body that does not state its length; a page of a listing has 60 MB at most."""

_MAX_HEADER_BYTES: Final = 1 << 20


def limit_answers() -> None:
    """Limit every answer to a connection of http.client that this process makes from now on."""
    http.client.HTTPConnection.response_class = LimitedResponse


class Deadline:
    """
    The time by which an answer must have ended: its read timeout, and more while it is long and fast.

    Args:
        seconds: The read timeout; None for no limit.
        now: A monotonic clock, in seconds.
    """

    def __init__(self, seconds: float | None, now: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._now = seconds, now
        self._started = now()
        self._received = 0
        self.most_bytes: int | None = MAX_BYTES

    def received(self, count: int) -> None:
        """Allow the time for bytes that arrived."""
        self._received += count

    def left(self) -> float | None:
        """
        Return the seconds that the next piece may take.

        Raises:
            TimeoutError: The time is over, or the answer is longer than *most_bytes*.
        """
        if self.most_bytes is not None and self._received > self.most_bytes:
            raise TimeoutError(f"timed out: the answer did not end after {self._received:,} bytes")
        if self._seconds is None:
            return None
        allowed = self._seconds + self._received / BYTES_PER_SECOND
        left = self._started + allowed - self._now()
        if left <= 0:
            raise TimeoutError("timed out: the answer was not complete in time")
        return min(left, self._seconds)


class LimitedResponse(http.client.HTTPResponse):
    """An answer that must have ended by the deadline that the timeout of its socket gives."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self._deadline = Deadline(sock.gettimeout())
        self._deadline.most_bytes = _MAX_HEADER_BYTES
        self.fp = io.BufferedReader(_Limited(self.fp.detach(), sock, self._deadline))

    def begin(self) -> None:
        super().begin()
        self._deadline.most_bytes = MAX_BYTES if self.length is None else None


class _Limited(io.RawIOBase):
    """The bytes of one answer. The socket gets its timeout again with every request."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, deadline: Deadline) -> None:
        self._raw, self._sock, self._deadline = raw, sock, deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._deadline.left())
        count = self._raw.readinto(buffer)
        self._deadline.received(count or 0)
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()
