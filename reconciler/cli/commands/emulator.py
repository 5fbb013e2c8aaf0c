"""``reconciler emulator``: serve the Rekognition dataset API on this machine."""

from __future__ import annotations

import argparse
from typing import Final

from reconciler.cli.commands import Command
from reconciler.errors import Exit


def _arguments(parser: argparse.ArgumentParser) -> None:
    from reconciler.emulator.command import add_arguments

    add_arguments(parser)


def _run(args: argparse.Namespace) -> int:
    """Serve until SIGTERM or Ctrl-C."""
    from reconciler.emulator.command import run

    return run(args)


COMMAND: Final = Command(
    name="emulator",
    summary="run the Rekognition dataset API locally",
    example="reconciler emulator --listen 127.0.0.1:4599",
    exits=(Exit.DONE,),
    arguments=_arguments,
    work=_run,
)
