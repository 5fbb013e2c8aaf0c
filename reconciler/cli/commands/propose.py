"""``reconciler propose``: turn drift into a patch or branch of the specs. Makes no call that writes."""

from __future__ import annotations

import argparse
from typing import Final

from reconciler.cli import flags, values
from reconciler.cli.commands import Command
from reconciler.cli.exits import OBSERVED
from reconciler.errors import Exit


def _arguments(parser: argparse.ArgumentParser) -> None:
    flags.add_selection(parser)
    flags.add_change_selection(parser)
    flags.add_output(parser, "propose")
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
    flags.add_aws(parser)


COMMAND: Final = Command(
    name="propose",
    summary="turn changes made in AWS into a patch to the specs",
    example="reconciler propose specs --patch keep.patch",
    exits=(*OBSERVED, Exit.DRIFT),
    arguments=_arguments,
    document="propose",
)
