"""``reconciler explain PATH S3-URI``: explain the state of one image. Makes no call that writes."""

from __future__ import annotations

import argparse
from typing import Final

from reconciler.cli import values
from reconciler.cli.commands import Command
from reconciler.cli.exits import OBSERVED
from reconciler.cli.flags import add_aws, add_output, add_selectors


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", metavar="PATH", help="spec tree or spec file")
    parser.add_argument(
        "source_ref",
        type=values.image,
        metavar="S3-URI",
        help="address of the image, as written in the specs",
    )
    add_selectors(parser)
    add_output(parser, "explain")
    add_aws(parser)


COMMAND: Final = Command(
    name="explain",
    summary="explain the state of one image",
    example="reconciler explain specs s3://acme-flowers/train/spurge1.jpg",
    exits=OBSERVED,
    arguments=_arguments,
    document="explain",
)
