"""
Build the parser from what every command declares; it reports a bad command line in one helpful line.

argparse, since every start pays for the import: 10 ms of CPU, where Click 8.5 takes 36 and Typer 65.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any, Final, NoReturn

from reconciler import __version__
from reconciler.cli import commands
from reconciler.cli.commands import Command
from reconciler.cli.exits import ALWAYS, MEANINGS, explained
from reconciler.cli.flags import add_globals
from reconciler.errors import Exit

PROGRAM: Final = "reconciler"

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

    def _get_values(self, action: argparse.Action, arg_strings: list[str]) -> Any:
        if action.option_strings and arg_strings == ["--"]:  # argparse drops it, and gives an empty list
            self.error(f"argument {'/'.join(action.option_strings)}: -- is not a value")
        return super()._get_values(action, arg_strings)

    def error(self, message: str) -> NoReturn:
        if flag := re.search(r"argument (.*): ignored explicit argument", message):
            name = flag[1].rpartition("/")[2]
            message = f"argument {flag[1]}: it takes no value; write {name} alone, or leave it out"
        if choice := re.search(r"(invalid choice: '(.*?)') (\(choose from (.*)\))", message):
            near = _nearest(choice[2], re.findall(r"[\w-]+", choice[4]))
            message = message[: choice.end(1)] + near if near else message
        if "are required: " in message or "expected 2 arguments" in message:
            message = self._wanted(message)
        self.exit(refuse(self.prog, message))

    def _wanted(self, message: str) -> str:
        """Name a missing argument as the help does, with what it may be; and both values of one that takes two."""
        for action in self._actions:
            if isinstance(action.metavar, tuple):
                if all(name in message for name in action.option_strings):
                    message = message.replace(
                        "expected 2 arguments", f"it takes two values: {' '.join(action.metavar)}"
                    )
            elif not action.option_strings and action.choices and not isinstance(action.choices, dict):
                name = action.metavar or action.dest
                if message.endswith(f" {name}"):
                    message = (
                        f"{message.removesuffix(name)}{name.upper()} (one of {', '.join(action.choices)})"
                    )
        return message


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


class _Unsure(Exception):
    """A parser that does not know every command cannot tell."""


class _Hasty(Parser):
    """The parser of a command line that is sound; leaves errors and help to one that knows every command."""

    def error(self, message: str) -> NoReturn:
        raise _Unsure(message)

    def print_help(self, file: object = None) -> NoReturn:
        raise _Unsure(file)


def parse(
    words: Sequence[str], *, whole: bool, extend: Callable[[argparse.ArgumentParser], None]
) -> argparse.Namespace:
    """
    Parse a command line, or end the process; in the result, `declared` is the `Command` to run.

    At first only with the commands among its words: to import and build all takes longer than many run.

    Args:
        whole: Add the flags of every command.
        extend: Adds further flags.
    """
    if not whole:
        with suppress(_Unsure):
            hasty = _built(words, _declared(words), _Hasty)
            extend(hasty)
            return hasty.parse_args(words)
    parser = build(words, whole=whole)
    extend(parser)
    return parser.parse_args(words)


def _declared(words: Sequence[str] | None = None) -> Iterator[Command]:
    """Yield the commands, but for those whose module is not named by one of *words*."""
    named = None if words is None else {word.replace("-", "_") for word in words}
    for module in pkgutil.iter_modules(commands.__path__):
        if named is None or module.name in named:
            declared = importlib.import_module(f"{commands.__name__}.{module.name}")
            yield from getattr(declared, "COMMANDS", None) or (declared.COMMAND,)


@lru_cache(maxsize=1)
def every_command() -> Sequence[Command]:
    return sorted(_declared(), key=lambda command: (*_ORDER, command.name).index(command.name))


def build(words: Sequence[str], *, whole: bool) -> argparse.ArgumentParser:
    """
    Return a parser that knows every command.

    Args:
        words: The words of the command line. Only commands among them get their own flags.
        whole: Add the flags of every command.
    """
    return _built(words, every_command(), Parser, whole=whole)


def _built(
    words: Sequence[str], known: Iterable[Command], kind: type[Parser], *, whole: bool = False
) -> Parser:
    parser = kind(
        prog=PROGRAM,
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
    for command in known:
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
