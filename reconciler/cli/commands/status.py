"""``reconciler status``: print the last known status, from the state directory alone."""

from __future__ import annotations

import argparse
from typing import Final

from reconciler.cli.commands import Command
from reconciler.cli.flags import add_output, add_selection
from reconciler.errors import Exit


def _arguments(parser: argparse.ArgumentParser) -> None:
    add_selection(parser)
    parser.set_defaults(path=None)  # without specs it reports every dataset in the state directory
    add_output(parser, "status")


COMMAND: Final = Command(
    name="status",
    summary="show the last known state, without calling AWS",
    example="reconciler status",
    exits=(Exit.DONE, Exit.UNKNOWN),
    arguments=_arguments,
    document="status",
)
