"""From the command line to the server."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager

from reconciler.cli.controller.source import secret
from reconciler.engine.controller.loop import Controller
from reconciler.engine.controller.registry import Registry
from reconciler.errors import UsageError
from reconciler.server.app import application
from reconciler.server.guarding import Secrets
from reconciler.server.listening import listening
from reconciler.server.metrics import Metrics


@contextmanager
def served(
    args: argparse.Namespace, controller: Controller, registry: Registry, metrics: Metrics
) -> Iterator[str]:
    """
    Serve probes, metrics and status, and give their URL.

    Raises:
        UsageError: The address is taken, or is not of this machine; a secret cannot be read.
    """
    host, port = args.listen
    secrets = Secrets(
        secret(args.token_file, args.token_env), secret(args.webhook_secret_file, args.webhook_secret_env)
    )
    metrics.watch(registry)
    app = application(controller, registry, metrics, secrets, (host, *args.allow_host))
    try:
        server = listening(app, host, port)
        url = server.__enter__()
    except OSError as exc:
        raise UsageError(f"--listen {host}:{port}: {exc.strerror or exc}") from exc
    try:
        yield url
    finally:
        server.__exit__(None, None, None)
