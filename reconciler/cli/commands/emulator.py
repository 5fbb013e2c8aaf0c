"""``reconciler emulator``: the Rekognition dataset API on this machine."""

from __future__ import annotations

import argparse

from reconciler.emulator import command


def run(args: argparse.Namespace) -> int:
    """Serve until SIGTERM or Ctrl-C."""
    return command.run(args)
