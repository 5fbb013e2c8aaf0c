"""``reconciler stats``: count images, labels and boxes of each dataset. Offline, except for --download."""

from __future__ import annotations

import argparse
from typing import Final

from reconciler.cli import flags
from reconciler.cli.commands import Command
from reconciler.errors import Exit


def _arguments(parser: argparse.ArgumentParser) -> None:
    flags.add_selection(parser)
    flags.add_download(parser)
    flags.add_output(parser, "stats")
    parser.add_argument("--all", action="store_true", help="show every label and pair, not only the first 20")


def _run(args: argparse.Namespace) -> int:
    """Print the statistics of every selected dataset; lines with errors are not counted."""
    from reconciler.cli.output.show import show
    from reconciler.cli.specs import reading
    from reconciler.engine.usecases.statistics import statistics_of

    with reading(args) as found:
        statistics = statistics_of(found)
    show("stats", statistics, args)
    return statistics.exit_code


COMMAND: Final = Command(
    name="stats",
    summary="count images, labels and boxes, offline",
    example="reconciler stats specs",
    exits=(Exit.DONE, Exit.UNKNOWN, Exit.INVALID, Exit.DENIED),
    arguments=_arguments,
    work=_run,
    document="stats",
)
