"""
One module for each command; its `COMMAND` declares name, summary, example, exit codes and arguments.

`control` declares three, as `COMMANDS`: they are one request with another word.

All modules are imported for help and for a wrong command line, so what a command needs to do its work is imported
only when it runs: by default its work is `run` in the module of `reconciler.cli.handlers` with its name.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import NamedTuple

from reconciler.errors import Exit


class Command(NamedTuple):
    """
    One command, as the `COMMAND` of its module declares it.

    Attributes:
        name: The word on the command line, and the name of the module, which has ``_`` for ``-``.
        exits: Its exit codes, besides those of every command.
        arguments: Adds its arguments to a parser.
        work: Runs it and returns the exit code; None for `run` of the module in `handlers` with its name.
        document: The kind of document that ``-o json`` prints if the whole command fails; None for none.
        runs_on: Whether it runs until it is stopped.
    """

    name: str
    summary: str
    example: str
    exits: Sequence[Exit]
    arguments: Callable[[argparse.ArgumentParser], None]
    work: Callable[[argparse.Namespace], int] | None = None
    document: Callable[[argparse.Namespace], str] | str | None = None
    runs_on: bool = False

    def run(self, args: argparse.Namespace) -> int:
        """Run the command and return the exit code."""
        work = self.work or import_module(f"reconciler.cli.handlers.{self.name.replace('-', '_')}").run
        code: int = work(args)
        return code

    def failure_document(self, args: argparse.Namespace) -> str | None:
        """Return the kind of document that reports a failure of the command; None without ``-o json``."""
        if self.document is None or args.output != "json":
            return None
        return self.document(args) if callable(self.document) else self.document
