"""``reconciler restore``: restore overwritten entries from a backup, by a plan with all guards."""

from __future__ import annotations

import argparse
from typing import Final

from reconciler.cli import flags
from reconciler.cli.commands import Command
from reconciler.cli.exits import OBSERVED
from reconciler.errors import Exit


def _arguments(parser: argparse.ArgumentParser) -> None:
    flags.add_one_dataset(parser)
    parser.set_defaults(path=None)  # --list needs no specs
    flags.add_output(parser, "apply")
    parser.add_argument("--list", action="store_true", help="list the backups, and do nothing else")
    parser.add_argument(
        "--snapshot", metavar="ID", help="id of the backup, or the beginning of its id (default: the newest)"
    )
    parser.add_argument("--apply", action="store_true", help="carry out the plan (default: only show it)")
    parser.add_argument("--all", action="store_true", help="show every change, not only the first 20")
    flags.add_guards(parser)
    flags.add_aws(parser)


def _document(args: argparse.Namespace) -> str:
    if args.list:
        return "snapshots"
    return "apply" if args.apply else "plan"


COMMAND: Final = Command(
    name="restore",
    summary="restore entries that an apply overwrote",
    example="reconciler restore specs --dataset flowers-train --apply",
    exits=(*OBSERVED, Exit.BLOCKED, Exit.PARTIAL),
    arguments=_arguments,
    document=_document,
)
