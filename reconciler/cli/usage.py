"""A bad command line, answered in one line that helps."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from reconciler.cli.exits import Exit


def refuse(prog: str, reason: str) -> Exit:
    """Say on stderr what is wrong with a command line and where its usage is, and return the exit code for it."""
    sys.stderr.write(f"{prog}: {reason}; usage: {prog} --help\n")
    return Exit.USAGE


class Parser(argparse.ArgumentParser):
    """
    argparse, with the nearest word that is known, and the exit code for a bad command line.

    Flags are written whole, since what abbreviates one today is ambiguous once there is another. No value may be
    empty: it is a variable of the shell that nobody set, and what it stood for would be left out in silence.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, allow_abbrev=False)

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        found, unknown = super().parse_known_args(args, namespace)
        for action in self._actions:
            value = getattr(found, action.dest, None)
            if "" in (value if isinstance(value, list) else [value]):
                name = "/".join(action.option_strings) or action.metavar or action.dest
                self.error(f"argument {name}: the value is empty")
        return found, unknown

    def error(self, message: str) -> NoReturn:
        if choice := re.search(r"invalid choice: '(.*?)' \(choose from (.*)\)", message):
            message += _nearest(choice[1], re.findall(r"[\w-]+", choice[2]))
        self.exit(refuse(self.prog, message))


class CommandParser(Parser):
    """The parser of one command: it answers for the words that it does not know, not its parent."""

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            flags = self._option_string_actions
            self.error(f"unknown: {' '.join(unknown)}{_nearest(unknown[0].partition('=')[0], flags)}")
        return found, unknown


def _nearest(word: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches  # 5 ms, which only a mistake costs

    near = get_close_matches(word, list(known), n=1)
    return f" (did you mean {near[0]}?)" if near else ""
