"""``reconciler apply``: plan, check guards, send updates, verify."""

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
    flags.add_output(parser, "apply")
    parser.add_argument(
        "--plan", type=values.readable_file, metavar="FILE", help="apply exactly this saved plan, or nothing"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask on a terminal before changes are sent")
    parser.add_argument(
        "--verbose",
        action="store_true",
        help="name every image that was changed, not only their number by label",
    )
    parser.add_argument(
        "--detailed-exitcode",
        action="store_true",
        help="exit 2 if a change made in git is withheld by the policy or not selected, 4 if only reverts of "
        "drift are",
    )
    flags.add_guards(parser)
    flags.add_full(parser)
    flags.add_aws(parser)


COMMAND: Final = Command(
    name="apply",
    summary="apply the specs to AWS and verify the result",
    example="reconciler apply specs --local",
    exits=(*OBSERVED, Exit.PENDING, Exit.DRIFT, Exit.BLOCKED, Exit.PARTIAL),
    arguments=_arguments,
    document="apply",
)
