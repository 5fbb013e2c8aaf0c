"""Report a bad command line in one helpful line."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from reconciler.errors import Exit


def refuse(prog: str, reason: str) -> Exit:
    """Print on stderr what is wrong with a command line and how to get help; return the exit code."""
    sys.stderr.write(f"{prog}: {reason}; usage: {prog} --help\n")
    return Exit.USAGE


class Parser(argparse.ArgumentParser):
    """
    An argparse parser that suggests the nearest known word and exits with `Exit.USAGE`.

    Abbreviated flags are refused, since a new flag could make them ambiguous. Empty values are refused, since
    they usually come from an unset shell variable.
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
    """The parser of one command; reports unknown words itself rather than leave them to its parent."""

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            flags = self._option_string_actions
            self.error(f"unknown: {' '.join(unknown)}{_nearest(unknown[0].partition('=')[0], flags)}")
        return found, unknown


def _nearest(word: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches  # takes 5 ms

    near = get_close_matches(word, list(known), n=1)
    return f" (did you mean {near[0]}?)" if near else ""
