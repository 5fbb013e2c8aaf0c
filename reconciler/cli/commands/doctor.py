"""``reconciler doctor``: check what plan and apply need. Makes no call that writes."""

from __future__ import annotations

import argparse
from typing import Final

from reconciler.cli import flags
from reconciler.cli.commands import Command
from reconciler.cli.exits import OBSERVED


def _arguments(parser: argparse.ArgumentParser) -> None:
    flags.add_selection(parser)
    flags.add_output(parser, "doctor")
    flags.add_aws(parser, region=True)


COMMAND: Final = Command(
    name="doctor",
    summary="check credentials, account, permissions and datasets; read-only",
    example="reconciler doctor specs --local",
    exits=OBSERVED,
    arguments=_arguments,
    document="doctor",
)
