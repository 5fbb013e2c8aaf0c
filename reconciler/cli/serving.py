"""From the command line to the server."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from contextlib import contextmanager

from reconciler.cli.following import secret
from reconciler.engine.board import Board
from reconciler.engine.controller import Controller
from reconciler.errors import UsageError
from reconciler.server.app import application
from reconciler.server.guarding import Secrets
from reconciler.server.listening import listening
from reconciler.server.metrics import Metrics


@contextmanager
def served(args: argparse.Namespace, controller: Controller, board: Board, metrics: Metrics) -> Iterator[str]:
    """
    Serve probes, metrics and status, and give their URL.

    Raises:
        UsageError: The address is none, or is taken; a secret cannot be read.
    """
    host, port = address(args.listen)
    secrets = Secrets(
        secret(args.token_file, args.token_env), secret(args.webhook_secret_file, args.webhook_secret_env)
    )
    metrics.watch(board)
    app = application(controller, board, metrics, secrets, (host, *map(_host_name, args.allow_host)))
    try:
        server = listening(app, host, port)
        url = server.__enter__()
    except OSError as exc:
        raise UsageError(f"--listen {args.listen}: {exc.strerror or exc}") from exc
    try:
        yield url
    finally:
        server.__exit__(None, None, None)


def _host_name(text: str) -> str:
    """
    Return a name of --allow-host.

    Raises:
        UsageError: It cannot be one.
    """
    if not re.fullmatch(r"[A-Za-z0-9._-]+(:[0-9]+)?|\[[0-9A-Fa-f:.]+\](:[0-9]+)?|[0-9A-Fa-f:.]+", text):
        raise UsageError(f"--allow-host {text}: it must be the name or the address of a host")
    return text


def address(text: str) -> tuple[str, int]:
    """
    Return host and port of HOST:PORT; [::1]:8080 for IPv6.

    Raises:
        UsageError: It is not of that form.
    """
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65_535 or not host:
        raise UsageError(f"--listen {text}: it must look like HOST:PORT")
    return host.strip("[]"), int(port)
