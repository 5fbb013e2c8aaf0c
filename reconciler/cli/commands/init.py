"""``reconciler init [DIR]``: write a first spec tree, from an example, from labels, or from AWS."""

from __future__ import annotations

import argparse
from typing import Final

from reconciler.cli import flags, values
from reconciler.cli.commands import Command
from reconciler.cli.exits import OBSERVED


def _arguments(parser: argparse.ArgumentParser) -> None:
    from reconciler.cli.commands.convert import add_reading

    parser.add_argument(
        "directory",
        nargs="?",
        type=values.creatable_directory,
        default=flags.DEFAULT_PATH,
        metavar="DIR",
        help=f"directory of the spec tree (default: {flags.DEFAULT_PATH})",
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--from",
        dest="labels",
        nargs=2,
        metavar=("FORMAT", "IN"),
        help="convert these labels, such as: --from coco instances.json",
    )
    source.add_argument(
        "--from-aws",
        type=values.project,
        metavar="PROJECT",
        help="export the datasets of this Rekognition project; they start in mode observe",
    )
    parser.add_argument(
        "--project",
        type=values.project,
        metavar="NAME",
        help="with --from: the Rekognition project (default: after the name of IN)",
    )
    parser.add_argument(
        "--type",
        type=values.dataset_type,
        metavar="TRAIN|TEST",
        help="with --from: which dataset (default: TRAIN); with --from-aws: only this one",
    )
    add_reading(parser)
    flags.add_aws(parser, region=True)


COMMAND: Final = Command(
    name="init",
    summary="write a first spec tree: an example, or from labels, or from AWS",
    example="reconciler init specs --from coco instances.json --base s3://acme-boards/train/",
    exits=OBSERVED,
    arguments=_arguments,
)
