"""``reconciler export``: write an existing dataset as a spec and sorted JSON Lines."""

from __future__ import annotations

import argparse
from typing import Final

from reconciler.cli import values
from reconciler.cli.commands import Command
from reconciler.cli.flags import add_aws, add_output
from reconciler.errors import Exit


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--project", type=values.project, required=True, metavar="NAME", help="Rekognition project"
    )
    parser.add_argument(
        "--type",
        type=values.dataset_type,
        required=True,
        metavar="TRAIN|TEST",
        help="type of the dataset",
    )
    parser.add_argument(
        "-d",
        "--directory",
        type=values.creatable_directory,
        required=True,
        metavar="DIR",
        help="directory for the spec",
    )
    parser.add_argument("--force", action="store_true", help="overwrite existing files")
    add_output(parser)
    parser.add_argument("--full", action="store_true", help="list every entry, as this command always does")
    add_aws(parser, region=True)


COMMAND: Final = Command(
    name="export",
    summary="write an existing dataset as a spec",
    example="reconciler export --project flowers --type TRAIN -d specs/flowers",
    exits=(Exit.DONE, Exit.UNKNOWN, Exit.DENIED),
    arguments=_arguments,
    document="export",
)
