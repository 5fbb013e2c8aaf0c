"""A client that stops in the middle of a request does not hold its connection for ever."""

from __future__ import annotations

import socket

import pytest

from reconciler.emulator import port
from reconciler.emulator.testing import client


def connected(running: object) -> socket.socket:
    return socket.create_connection((running.host, running.port), timeout=20)


@pytest.mark.parametrize("sent", [b"", b"POST / HTTP/1.1\r\nHost: localhost\r\n"])
def test_a_head_that_does_not_end_is_dropped(monkeypatch, emulator, sent):
    """With nothing sent, too; a request that is under way is not touched."""
    monkeypatch.setattr(port, "HEAD_SECONDS", 0.3)
    from reconciler.emulator.server import serve

    with serve(emulator) as running, connected(running) as slow:
        slow.sendall(sent)
        assert b"" == slow.recv(1)
        assert [] == client(running).describe_projects()["ProjectDescriptions"]


@pytest.mark.parametrize(("limit", "seconds"), [("PAUSE_SECONDS", 0.3), ("BODY_SECONDS", 0.3)])
def test_a_body_that_does_not_end_is_answered_408(monkeypatch, rekognition_emulator, limit, seconds):
    monkeypatch.setattr(port, limit, seconds)
    with connected(rekognition_emulator) as slow:
        slow.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{")
        answer = slow.recv(100)

    assert answer.startswith(b"HTTP/1.1 408 ")
