"""``reconciler rebuild``: delete a dataset and create it again with exactly the desired entries."""

from __future__ import annotations

import argparse
from typing import Final

from reconciler.cli import flags, values
from reconciler.cli.commands import Command
from reconciler.cli.exits import OBSERVED
from reconciler.errors import Exit


def _arguments(parser: argparse.ArgumentParser) -> None:
    flags.add_one_dataset(parser)
    flags.add_output(parser, "apply")
    parser.add_argument(
        "--plan-digest",
        type=values.digest,
        metavar="HEX",
        help="digest of the plan to carry out, as printed by plan",
    )
    parser.add_argument(
        "--bucket",
        type=values.bucket,
        metavar="s3://BUCKET/PREFIX",
        help="where to store the manifests and the old entries",
    )
    parser.add_argument(
        "--yes", action="store_true", help="confirm that nothing else uses the dataset, where AWS cannot tell"
    )
    either = parser.add_mutually_exclusive_group()
    either.add_argument("--resume", action="store_true", help="finish an interrupted rebuild")
    either.add_argument("--undo", action="store_true", help="restore exactly the entries from before")
    flags.add_guards(parser)
    flags.add_aws(parser)


COMMAND: Final = Command(
    name="rebuild",
    summary="delete a dataset and create it again without its orphans",
    example="reconciler rebuild specs --dataset flowers-train --plan-digest HEX --bucket s3://acme/rebuilds",
    exits=(*OBSERVED, Exit.BLOCKED, Exit.PARTIAL),
    arguments=_arguments,
    document="apply",
)
