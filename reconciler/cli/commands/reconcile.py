"""``reconciler reconcile NAME…``: let a running controller reconcile datasets now."""

from __future__ import annotations

import argparse
from typing import Final

from reconciler.cli.commands import Command
from reconciler.cli.flags import add_server
from reconciler.errors import Exit


def _run(args: argparse.Namespace) -> int:
    from reconciler.cli.handlers import control  # loads the HTTP client

    return control.reconcile(args)


COMMAND: Final = Command(
    name="reconcile",
    summary="let a running controller reconcile datasets now",
    example="reconciler reconcile flowers-train --server http://127.0.0.1:8080",
    exits=(Exit.DONE, Exit.UNKNOWN, Exit.DENIED),
    arguments=add_server,
    work=_run,
    document="control",
)
