"""What a command declares of itself."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import NamedTuple

from reconciler.cli.exits import Exit


class Command(NamedTuple):
    """
    One command, as the `COMMAND` of its module declares it.

    Attributes:
        name: What is typed, and the name of the module.
        exits: The exit codes it may end with, besides those of every command.
        arguments: Adds its arguments to a parser.
        run: Runs it and returns the exit code.
        document: The kind of document that ``-o json`` prints, for a failure of the command as a whole; None where
            the command prints none.
        runs_on: Whether it runs until it is stopped, rather than to the end of one task.
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
        """Return the kind of document that reports a failure to this command line; None if it asks for no JSON."""
        if self.document is None or args.output != "json":
            return None
        return self.document(args) if callable(self.document) else self.document
