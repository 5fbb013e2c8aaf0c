"""The server itself: whoever connects to it cannot keep others from it."""

from __future__ import annotations

import http.client
import socket
from urllib.parse import urlsplit

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from reconciler.server import listening
from tests.waiting import until

MOST = 70
"""More connections than any page needs at once."""


async def answer(_request: Request) -> Response:
    return PlainTextResponse("ok")


async def echo(request: Request) -> Response:
    return Response(await request.body())


APP = Starlette(routes=[Route("/livez", answer), Route("/echo", echo, methods=["POST"])])


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"GET /livez HTTP/1.1\r\nHost: a\r\n",
        b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx",
    ],
    ids=["silent", "half a request", "half a body"],
)
def test_idle_connections_do_not_block_others(begun: bytes, monkeypatch: pytest.MonkeyPatch):
    """Connections that no whole request comes from are closed: a probe finds a free one."""
    monkeypatch.setattr(listening, "REQUEST_SECONDS", 0.5)
    with listening.listening(APP, "127.0.0.1", 0) as url:
        host, port = urlsplit(url).hostname, urlsplit(url).port
        idle = [socket.create_connection((host, port), timeout=10) for _ in range(MOST)]
        for one in idle:
            one.sendall(begun)

        assert [b""] * MOST == [closed(one) for one in idle]
        probe = http.client.HTTPConnection(str(host), port, timeout=10)
        probe.request("GET", "/livez")
        assert 200 == probe.getresponse().status
        probe.close()


def closed(one: socket.socket) -> bytes:
    """Wait until the other side closes, and return what it said."""
    with one:
        try:
            return one.recv(100)
        except ConnectionResetError:
            return b""


def test_a_request_in_time_is_answered(monkeypatch: pytest.MonkeyPatch):
    """One request after another on the same connection, bodies included."""
    monkeypatch.setattr(listening, "REQUEST_SECONDS", 5.0)
    with listening.listening(APP, "127.0.0.1", 0) as url:
        client = http.client.HTTPConnection(str(urlsplit(url).hostname), urlsplit(url).port, timeout=10)
        for number in range(3):
            client.request("POST", "/echo", body=str(number))
            assert str(number).encode() == client.getresponse().read()
        client.close()


def probed(url: str) -> int:
    probe = http.client.HTTPConnection(str(urlsplit(url).hostname), urlsplit(url).port, timeout=5)
    probe.request("GET", "/livez")
    status = probe.getresponse().status
    probe.close()
    return status


def test_a_probe_is_answered_while_others_hold_their_connections():
    """At once, and not only when their patience is at its end."""
    with listening.listening(APP, "127.0.0.1", 0) as url:
        place = urlsplit(url).hostname, urlsplit(url).port
        idle = [socket.create_connection(place, timeout=10) for _ in range(listening.MAX_CONNECTIONS + 30)]
        for one in idle[::2]:
            one.sendall(b"GET /livez HTTP/1.1\r\nHost: a\r\nX-Slow: ")

        assert [200] * 5 == [probed(url) for _ in range(5)]
        for one in idle:
            one.close()


def test_an_answer_that_is_not_fetched_is_given_up(monkeypatch: pytest.MonkeyPatch):
    """Whoever asks for a page and reads none of it keeps it for a minute at most."""
    monkeypatch.setattr(listening, "REQUEST_SECONDS", 0.2)
    monkeypatch.setattr(listening, "RESPONSE_SECONDS", 0.3)
    lost: list[object] = []
    keep = listening._WithTimeouts.connection_lost
    monkeypatch.setattr(
        listening._WithTimeouts, "connection_lost", lambda self, exc: (lost.append(self), keep(self, exc))
    )

    async def large(_request: Request) -> Response:
        return Response(b"x" * 50_000_000)

    with listening.listening(Starlette(routes=[Route("/large", large)]), "127.0.0.1", 0) as url:
        slow = socket.create_connection((urlsplit(url).hostname, urlsplit(url).port), timeout=10)
        with slow:
            slow.sendall(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
            until(lambda: lost)
