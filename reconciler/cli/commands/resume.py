"""``reconciler resume NAME…``: let a running controller apply again what was suspended."""

from __future__ import annotations

import argparse
from typing import Final

from reconciler.cli.commands import Command
from reconciler.cli.flags import add_server
from reconciler.errors import Exit


def _run(args: argparse.Namespace) -> int:
    from reconciler.cli.handlers import control  # loads the HTTP client

    return control.resume(args)


COMMAND: Final = Command(
    name="resume",
    summary="let a running controller apply again to suspended datasets",
    example="reconciler resume flowers-train",
    exits=(Exit.DONE, Exit.UNKNOWN, Exit.DENIED),
    arguments=add_server,
    work=_run,
    document="control",
)
