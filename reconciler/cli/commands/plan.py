"""``reconciler plan``: show what an apply would do. Makes no call that writes; writes only --out and caches."""

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
    flags.add_output(parser, "plan")
    parser.add_argument(
        "--detailed-exitcode",
        action="store_true",
        help="exit 2 for changes that git asks for, sent, withheld or not selected, 4 for drift",
    )
    parser.add_argument(
        "--out",
        type=values.writable_file,
        metavar="FILE",
        help="also save the plan as JSON, for apply --plan",
    )
    parser.add_argument(
        "--observed",
        type=values.readable_file,
        metavar="FILE.jsonl",
        help="compare with a saved listing instead of calling AWS",
    )
    much = parser.add_mutually_exclusive_group()
    much.add_argument("--all", action="store_true", help="show every change, not only the first 20")
    much.add_argument(
        "--summary", action="store_true", help="show one line for each dataset that differs, and the total"
    )
    flags.add_guards(parser)
    flags.add_full(parser)
    flags.add_aws(parser)


COMMAND: Final = Command(
    name="plan",
    summary="show what apply would do; writes nothing",
    example="reconciler plan specs --local",
    exits=(*OBSERVED, Exit.PENDING, Exit.DRIFT),
    arguments=_arguments,
    document="plan",
)
