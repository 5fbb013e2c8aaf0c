"""The declaration of a command."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import NamedTuple

from reconciler.errors import Exit


class Command(NamedTuple):
    """
    One command, as the `COMMAND` of its module declares it.

    Attributes:
        name: The word on the command line, and the name of the module.
        exits: Its exit codes, besides those of every command.
        arguments: Adds its arguments to a parser.
        run: Runs it and returns the exit code.
        document: The kind of document that ``-o json`` prints if the whole command fails; None for none.
        runs_on: Whether it runs until it is stopped.
    """

    name: str
    summary: str
    example: str
    exits: Sequence[Exit]
    arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
    document: Callable[[argparse.Namespace], str] | str | None = None
    runs_on: bool = False

    def failure_document(self, args: argparse.Namespace) -> str | None:
        """Return the kind of document that reports a failure of the command; None without ``-o json``."""
        if self.document is None or args.output != "json":
            return None
        return self.document(args) if callable(self.document) else self.document
