"""
``reconciler reconcile``, ``suspend`` and ``resume``: send an order to a running controller.

The three differ in one word of the request only.
"""

from __future__ import annotations

import argparse
import shlex
from typing import Final

from reconciler.cli import flags, values
from reconciler.cli.commands import Command
from reconciler.errors import Exit

_EXITS: Final = (Exit.DONE, Exit.UNKNOWN, Exit.DENIED)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "names",
        type=values.printable,
        nargs="+",
        metavar="NAME",
        help="the datasets, by their names in the specs",
    )
    parser.add_argument(
        "--server",
        type=values.server,
        metavar="URL",
        default="http://127.0.0.1:8080",
        help="address of the controller (default: http://127.0.0.1:8080); its token is in RECONCILER_TOKEN",
    )
    flags.add_output(parser, "control")


def _suspend_arguments(parser: argparse.ArgumentParser) -> None:
    _arguments(parser)
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


def _suspend(args: argparse.Namespace) -> int:
    """Suspend applying to each dataset."""
    from reconciler.cli.output.show import next_step

    code = _order_each(
        args, {"reason": args.reason} | ({"for_seconds": args.seconds} if args.seconds else {})
    )
    next_step(args, f"resume {' '.join(map(shlex.quote, args.names))} --server {shlex.quote(args.server)}")
    return code


def _order_each(args: argparse.Namespace, body: dict[str, object] | None = None) -> int:
    """Send the order that the command is named after, such as a cycle now, for each dataset."""
    from reconciler.cli.controller.client import order  # loads the HTTP client
    from reconciler.cli.output.show import show
    from reconciler.core.status.suspension import ControllerAnswer

    what = args.command
    show("control", ControllerAnswer(what, order(args.server, what, args.names, body)), args)
    return Exit.DONE


COMMANDS: Final = (
    Command(
        name="reconcile",
        summary="let a running controller reconcile datasets now",
        example="reconciler reconcile flowers-train --server http://127.0.0.1:8080",
        exits=_EXITS,
        arguments=_arguments,
        work=_order_each,
        document="control",
    ),
    Command(
        name="suspend",
        summary="let a running controller apply nothing to datasets, and only observe them",
        example='reconciler suspend flowers-train --reason "labels under review" --for 2h',
        exits=_EXITS,
        arguments=_suspend_arguments,
        work=_suspend,
        document="control",
    ),
    Command(
        name="resume",
        summary="let a running controller apply again to suspended datasets",
        example="reconciler resume flowers-train",
        exits=_EXITS,
        arguments=_arguments,
        work=_order_each,
        document="control",
    ),
)
