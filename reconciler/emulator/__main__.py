"""Run the emulator on its own: ``python -m reconciler.emulator``."""

from __future__ import annotations

import argparse
import sys

from reconciler.emulator.command import add_arguments, run


def main() -> int:
    """Run the command and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="rekognition-emulator", description="The Rekognition dataset API, local."
    )
    add_arguments(parser)
    return run(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
