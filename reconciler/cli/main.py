"""The entry point: parse the command line and run the command."""

from __future__ import annotations

import atexit
import gc
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

from reconciler.cli.exits import Terminated, guarded
from reconciler.errors import Exit, ReconcilerError

if TYPE_CHECKING:
    import argparse

    from reconciler.cli.commands import Command

# Thresholds of the cyclic garbage collector. Its default of 700 costs a fifth of the time of a large plan and
# finds nothing, since entries form no cycles. A process that runs for months collects more often.
_BEFORE_COLLECTING: Final = 200_000
_BEFORE_COLLECTING_FOR_MONTHS: Final = 50_000


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    if argv is None:
        # The process ends with it: a last search for cycles would free what the system frees anyway.
        atexit.register(gc.freeze)
    words = list(sys.argv[1:] if argv is None else argv)
    if words == ["--version"] and sys.stdout:  # called by scripts in loops: skip the parser
        from reconciler import __version__

        sys.stdout.write(f"reconciler {__version__}\n")
        return 0
    if words[:1] == ["--complete-dataset"]:  # called by a shell while a person types: skip the parser
        from reconciler.cli.completion import print_names

        return print_names(words[1:])
    return guarded(lambda: _run(_plain(words)))


def _plain(words: list[str]) -> list[str]:
    """Accept the words ``help``, ``help COMMAND`` and ``version`` of similar tools."""
    match words:
        case ["help", *command]:
            return [*command[:1], "--help"]
        case ["version"]:
            return ["--version"]
        case _:
            return words


def _run(words: Sequence[str]) -> int:
    gc.set_threshold(_BEFORE_COLLECTING)
    from reconciler.cli.completion import PRINT_SCRIPT, add_script
    from reconciler.cli.parser import PROGRAM, parse, refuse
    from reconciler.engine.log import set_up_by

    completing = PRINT_SCRIPT in words
    args = parse(words, whole=completing, extend=partial(add_script, wanted=completing))

    command: Command = args.declared
    level = "warning"
    if command.runs_on:
        gc.set_threshold(_BEFORE_COLLECTING_FOR_MONTHS)
        level = "info"
    try:
        with set_up_by(partial(_configure_log, args.log_format, args.log_level or level)), _documented(args):
            return command.run(args)
    except ReconcilerError as exc:
        if exc.exit_code != Exit.USAGE:
            raise
        return refuse(f"{PROGRAM} {args.command}", str(exc))


@contextmanager
def _documented(args: argparse.Namespace) -> Iterator[None]:
    """
    Print a failure document if the block fails before it wrote to stdout.

    A bad command line, exit 64, is reported on stderr only.
    """
    from reconciler.cli.output.terminal import Stdout

    Stdout.begun = False
    try:
        yield
    except (Exception, KeyboardInterrupt, Terminated) as exc:
        kind = args.declared.failure_document(args)
        if kind and not Stdout.begun and getattr(exc, "exit_code", None) != Exit.USAGE:
            from reconciler.cli.output.show import show_failure  # not needed for help

            show_failure(kind, exc, args)
        raise


def _configure_log(log_format: str | None, log_level: str) -> None:
    from reconciler.cli.telemetry import configure_logs  # loads structlog

    configure_logs(log_format, log_level)
