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

MOST = 63
"""Connections that leave no room for another."""


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
def test_who_asks_nothing_keeps_nobody_away(begun: bytes, monkeypatch: pytest.MonkeyPatch):
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


def test_who_asks_in_time_is_answered(monkeypatch: pytest.MonkeyPatch):
    """One request after another on the same connection, bodies included."""
    monkeypatch.setattr(listening, "REQUEST_SECONDS", 5.0)
    with listening.listening(APP, "127.0.0.1", 0) as url:
        client = http.client.HTTPConnection(str(urlsplit(url).hostname), urlsplit(url).port, timeout=10)
        for number in range(3):
            client.request("POST", "/echo", body=str(number))
            assert str(number).encode() == client.getresponse().read()
        client.close()
