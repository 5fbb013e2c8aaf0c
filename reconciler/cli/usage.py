"""Report a bad command line in one helpful line."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Sequence
from typing import Any, Final, NoReturn

from reconciler.errors import Exit

_FOREIGN: Final = {
    "--json": "-o json",
    "--profile": "the environment variable AWS_PROFILE",
    "--endpoint-url": "the environment variable AWS_ENDPOINT_URL_REKOGNITION",
    "--dry-run": "the command plan, which writes nothing",
    "--auto-approve": "--yes",
}
"""Flags of similar tools, and what they are here."""


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
        if flag := re.search(r"argument (.*): ignored explicit argument", message):
            name = flag[1].rpartition("/")[2]
            message = f"argument {flag[1]}: it takes no value; write {name} alone, or leave it out"
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
            self.error(self._unknown(unknown, found))
        return found, unknown

    def _unknown(self, words: Sequence[str], found: argparse.Namespace) -> str:
        """Say what words are unknown, and what was probably meant."""
        flags, flag = self._option_string_actions, words[0].partition("=")[0]
        path = getattr(found, "path", None)
        if not flag.startswith("-") and path is not None:
            hint = ", and --dataset to select datasets in it" if "--dataset" in flags else ""
            return f"only one PATH is read: {path} or {words[0]}; name the directory that holds both{hint}"
        text = f"unknown: {' '.join(words)}"
        if flag in _FOREIGN and (flag != "--json" or "--output" in flags):
            return f"{text} (did you mean {_FOREIGN[flag]}?)"
        return text + _nearest(flag, flags)


def _nearest(word: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches  # takes 5 ms

    near = get_close_matches(word, list(known), n=1)
    return f" (did you mean {near[0]}?)" if near else ""
