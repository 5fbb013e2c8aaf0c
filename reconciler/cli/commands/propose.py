"""``reconciler propose``: turn drift into a patch or branch of the specs. Makes no call that writes."""

from __future__ import annotations

import argparse
from typing import Final

from reconciler.cli import values
from reconciler.cli.commands import Command
from reconciler.cli.exits import OBSERVED
from reconciler.cli.flags import add_aws, add_change_selection, add_output, add_selection
from reconciler.errors import Exit


def _arguments(parser: argparse.ArgumentParser) -> None:
    add_selection(parser)
    add_change_selection(parser)
    add_output(parser, "propose")
    parser.add_argument(
        "--patch",
        type=values.writable_file,
        metavar="FILE",
        help="write the patch to FILE (default: stdout)",
    )
    parser.add_argument(
        "--branch",
        metavar="NAME",
        help="also commit the patch to this new branch; the work tree stays unchanged",
    )
    parser.add_argument("--all", action="store_true", help="list every image, not only the first 20")
    add_aws(parser)


COMMAND: Final = Command(
    name="propose",
    summary="turn changes made in AWS into a patch to the specs",
    example="reconciler propose specs --patch keep.patch",
    exits=(*OBSERVED, Exit.DRIFT),
    arguments=_arguments,
    document="propose",
)
