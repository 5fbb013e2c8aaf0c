"""``reconciler check-images``: check the images of each dataset in S3. Makes no call that writes."""

from __future__ import annotations

import argparse
from typing import Final

from reconciler.cli.commands import Command
from reconciler.cli.exits import OBSERVED
from reconciler.cli.flags import add_aws, add_output, add_selection


def _arguments(parser: argparse.ArgumentParser) -> None:
    add_selection(parser)
    add_output(parser, "check-images")
    parser.add_argument(
        "--all", action="store_true", help="show every problem, not only the first 100 of each file"
    )
    parser.add_argument(
        "--full", action="store_true", help="read every image, even if it is as it was at the last check"
    )
    add_aws(parser, region=True)


COMMAND: Final = Command(
    name="check-images",
    summary="check that the images in S3 exist, and are as their lines say; read-only",
    example="reconciler check-images specs",
    exits=OBSERVED,
    arguments=_arguments,
    document="check-images",
)
