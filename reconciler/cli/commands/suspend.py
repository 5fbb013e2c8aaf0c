"""``reconciler suspend NAME…``: let a running controller observe datasets, and apply nothing to them."""

from __future__ import annotations

import argparse
from typing import Final

from reconciler.cli import values
from reconciler.cli.commands import Command
from reconciler.cli.flags import add_server
from reconciler.errors import Exit


def _arguments(parser: argparse.ArgumentParser) -> None:
    add_server(parser)
    parser.add_argument(
        "--reason",
        type=values.one_line,
        required=True,
        metavar="TEXT",
        help="why; it is shown with the status",
    )
    parser.add_argument(
        "--for",
        dest="seconds",
        type=values.duration,
        metavar="DURATION",
        help="resume by itself after this time, such as 2h (default: only resume ends it)",
    )


def _run(args: argparse.Namespace) -> int:
    from reconciler.cli.handlers import control  # loads the HTTP client

    return control.suspend(args)


COMMAND: Final = Command(
    name="suspend",
    summary="let a running controller apply nothing to datasets, and only observe them",
    example='reconciler suspend flowers-train --reason "labels under review" --for 2h',
    exits=(Exit.DONE, Exit.UNKNOWN, Exit.DENIED),
    arguments=_arguments,
    work=_run,
    document="control",
)
