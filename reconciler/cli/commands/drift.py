"""``reconciler drift``: report changes made outside git. Makes no call that writes.

Without ``--remember`` it writes no file but the report, so that it can run from anywhere.
"""

from __future__ import annotations

import argparse
from typing import Final

from reconciler.cli import flags, values
from reconciler.cli.commands import Command
from reconciler.cli.exits import OBSERVED
from reconciler.errors import Exit
from reconciler.reports.registry import SUFFIXES


def _arguments(parser: argparse.ArgumentParser) -> None:
    flags.add_selection(parser)
    flags.add_output(parser, "drift")
    parser.add_argument(
        "--report",
        type=values.writable_file,
        metavar="FILE",
        help=f"also write a report; its suffix selects the format: {' '.join(SUFFIXES)}",
    )
    parser.add_argument(
        "--thumbnails",
        type=values.whole(0),
        default=100,
        metavar="N",
        help="maximum number of images read from S3 for an HTML report; 0 for none (default: 100; needs Pillow)",
    )
    parser.add_argument(
        "--remember",
        action="store_true",
        help="record in the state directory since when and how often each image has drifted",
    )
    parser.add_argument("--all", action="store_true", help="show every image, not only the first 20")
    flags.add_full(parser)
    flags.add_aws(parser)


COMMAND: Final = Command(
    name="drift",
    summary="show what changed outside git; read-only",
    example="reconciler drift specs --report drift.html",
    exits=(*OBSERVED, Exit.DRIFT),
    arguments=_arguments,
    document="drift",
)
