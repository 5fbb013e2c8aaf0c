"""Run the emulator on its own: ``python -m reconciler.emulator``."""

from __future__ import annotations

import argparse
import sys

from reconciler.emulator.command import add_arguments, run

if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="reconciler.emulator", description="The Rekognition dataset API, local."
    )
    add_arguments(parser)
    sys.exit(run(parser.parse_args()))
