"""``reconciler export``: write datasets as a spec and sorted JSON Lines, or in the format of another tool."""

from __future__ import annotations

import argparse
from typing import Final

from reconciler.cli import flags, values
from reconciler.cli.commands import Command
from reconciler.cli.exits import OBSERVED


def _arguments(parser: argparse.ArgumentParser) -> None:
    from reconciler.convert.formats import WRITERS  # imports every reader and writer

    parser.add_argument("--project", type=values.project, metavar="NAME", help="Rekognition project")
    parser.add_argument(
        "--type",
        type=values.dataset_type,
        metavar="TRAIN|TEST",
        help="type of the dataset (default, but for a spec from AWS: both)",
    )
    parser.add_argument(
        "--format",
        choices=tuple(WRITERS),
        default="jsonl",
        metavar="FORMAT",
        help=f"{', '.join(WRITERS)} (default: jsonl, with a spec if it is exported from AWS)",
    )
    parser.add_argument(
        "-d",
        "--directory",
        type=values.creatable_directory,
        required=True,
        metavar="DIR",
        help="directory to write to; a new or an empty one, but for a spec from AWS",
    )
    _images(parser)
    parser.add_argument("--force", action="store_true", help="overwrite a spec and its lines")
    flags.add_output(parser)
    _sources(parser)


def _images(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--images-at",
        type=values.images_at,
        action="append",
        default=[],
        metavar="s3://BUCKET/PREFIX/=PATH",
        help="images below this prefix are at PATH, below the directory that the format has for images; . is that "
        "itself; may be repeated (default: the directory that all images of a dataset share is left out)",
    )
    parser.add_argument(
        "--about",
        type=values.about,
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="croissant: what is true of the dataset: license, url, creator (an organization), published (a date)",
    )


def _sources(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("from git, without AWS")
    group.add_argument(
        "--from-specs",
        nargs="?",
        const=flags.DEFAULT_PATH,
        metavar="PATH",
        help=f"export what this spec tree desires (default: {flags.DEFAULT_PATH})",
    )
    flags.add_selectors(parser)
    parser.add_argument("--full", action="store_true", help="list every entry, as this command always does")
    flags.add_aws(parser, region=True)


COMMAND: Final = Command(
    name="export",
    summary="write datasets as specs, or in the format of another tool",
    example="reconciler export --project flowers --type TRAIN -d specs/flowers",
    exits=OBSERVED,
    arguments=_arguments,
    document="export",
)
