"""``reconciler show FILE``: show a saved plan. Offline; reads only the file."""

from __future__ import annotations

import argparse
from typing import Final

from reconciler.cli import values
from reconciler.cli.commands import Command
from reconciler.cli.flags import add_output
from reconciler.errors import Exit


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", type=values.readable_file, metavar="FILE", help="a plan that plan --out has saved"
    )
    add_output(parser, "plan")
    much = parser.add_mutually_exclusive_group()
    much.add_argument("--all", action="store_true", help="show every change, not only the first 20")
    much.add_argument("--summary", action="store_true", help="show one line per dataset, and the sum")


COMMAND: Final = Command(
    name="show",
    summary="show a saved plan",
    example="reconciler show plan.json",
    exits=(Exit.DONE,),
    arguments=_arguments,
)
