"""``reconciler diff``: what changes in the datasets between two git revisions. Offline, except for --download."""

from __future__ import annotations

import argparse
from typing import Final

from reconciler.cli import flags
from reconciler.cli.commands import Command
from reconciler.errors import Exit


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "before",
        metavar="REV1",
        help="the earlier revision, in any notation of git; or REV1..REV2, REV1...REV2",
    )
    parser.add_argument(
        "after", nargs="?", metavar="REV2", help="the later revision (default: the working tree)"
    )
    parser.add_argument(
        "path",
        nargs="?",
        metavar="PATH",
        help=f"spec tree or spec file, as in the working tree (default: {flags.DEFAULT_PATH})",
    )
    flags.add_selectors(parser)
    flags.add_download(parser)
    flags.add_output(parser, "diff")
    parser.add_argument(
        "--all", action="store_true", help="name every image that changes, not only their number by label"
    )


COMMAND: Final = Command(
    name="diff",
    summary="show what changes in the datasets between two git revisions; offline",
    example="reconciler diff main HEAD specs",
    exits=(Exit.DONE, Exit.PENDING, Exit.UNKNOWN, Exit.INVALID, Exit.DENIED),
    arguments=_arguments,
    document="diff",
)
