"""Build the parser: the global flags, and every command with the arguments that it declares."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
from collections.abc import Iterator, Sequence
from typing import Final

from reconciler import __version__
from reconciler.cli import commands
from reconciler.cli.commands import Command
from reconciler.cli.exits import ALWAYS, MEANINGS, explained
from reconciler.cli.flags import add_globals
from reconciler.cli.usage import CommandParser, Parser

_START: Final = """\
start here, without an AWS account:
  reconciler validate specs
  reconciler plan specs --local
  reconciler apply specs --local

exit codes:
"""

# The order in help and documentation; commands not named here come last.
_ORDER: Final = (
    *("init", "validate", "plan", "show", "apply", "run", "drift", "diff", "propose", "explain", "status"),
    *("reconcile", "suspend", "resume", "restore", "rebuild", "export", "convert", "schema", "iam", "doctor"),
    "check-images",
    "stats",
    "emulator",
)


def _declared() -> Iterator[Command]:
    for module in pkgutil.iter_modules(commands.__path__):
        yield importlib.import_module(f"{commands.__name__}.{module.name}").COMMAND


COMMANDS: Final[Sequence[Command]] = sorted(
    _declared(), key=lambda command: (*_ORDER, command.name).index(command.name)
)


def build(words: Sequence[str], *, whole: bool) -> argparse.ArgumentParser:
    """
    Return the parser; in its results, `declared` is the `Command` to run.

    Args:
        words: The words of the command line. Only commands among them get their own flags, since adding all
            flags takes longer than many commands run.
        whole: Add the flags of every command.
    """
    parser = Parser(
        prog="reconciler",
        description="Git-managed datasets for Amazon Rekognition Custom Labels.",
        epilog=_START + explained(MEANINGS),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"reconciler {__version__}")
    subparsers = parser.add_subparsers(
        title="commands (see also COMMAND --help)",
        dest="command",
        metavar="COMMAND",
        required=True,
        parser_class=CommandParser,
    )
    add_globals(parser, default=True)
    for command in COMMANDS:
        codes = explained((*command.exits, *ALWAYS))
        sub = subparsers.add_parser(
            command.name,
            help=command.summary,
            description=command.summary[0].upper() + command.summary[1:] + ".",
            epilog=f"example:\n  {command.example}\n\nexit codes:\n{codes}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if whole or command.name in words:
            command.arguments(sub)
            add_globals(sub, default=False)
        sub.set_defaults(declared=command)
    return parser
