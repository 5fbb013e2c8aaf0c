"""Completion by a shell: the script that it loads, made from the parser, and the names of datasets."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from reconciler.cli.flags import DEFAULT_PATH

PRINT_SCRIPT: Final = "--print-completion"
PRINT_NAMES: Final = "--complete-dataset"

_PATHS: Final = frozenset({"PATH", "FILE", "FILE.jsonl", "IN", "OUT", "DIR"})
_CALL: Final = f"reconciler {PRINT_NAMES}"
_DATASETS: Final = {
    "bash": "_reconciler_datasets",
    "zsh": "_reconciler_datasets",
    "fish": f"({_CALL} (commandline -opc)[2..-1] 2>/dev/null)",
    "tcsh": f"`{_CALL}`",
    "preamble": {
        "bash": (
            "_reconciler_datasets() {\n"
            f'  compgen -W "$({_CALL} "${{COMP_WORDS[@]:1}}" 2>/dev/null)" -- "$1"\n'
            "}\n"
        ),
        "zsh": (
            f'_reconciler_datasets() {{\n  compadd -- ${{(f)"$({_CALL} "${{words[@]}}" 2>/dev/null)"}}\n}}\n'
        ),
    },
}


def print_names(words: Sequence[str]) -> int:
    """Print the names of the datasets of the first word that is a spec tree, else of the default PATH."""
    from reconciler.sources.dataset_names import dataset_names

    names: list[str] = []
    for path in (*map(Path, words), Path(DEFAULT_PATH)):
        if not names and path.exists():
            names = dataset_names(path)
    sys.stdout.write("".join(f"{name}\n" for name in names))
    return 0


def add_script(parser: argparse.ArgumentParser, *, wanted: bool) -> None:
    """
    Add ``--print-completion bash|zsh|fish|tcsh``, which prints a completion script made from the parser.

    Args:
        wanted: Whether it is requested; otherwise only its help is added, since the rest takes 30 ms.
    """
    if not wanted:
        parser.add_argument(
            PRINT_SCRIPT, metavar="SHELL", help="print a completion script: bash, zsh, fish or tcsh"
        )
        return
    import shtab

    for action in _all_actions(parser):
        if action.dest in ("dataset", "names"):
            action.complete = _DATASETS  # type: ignore[attr-defined]
        elif action.metavar in _PATHS:
            action.complete = shtab.DIRECTORY if action.metavar == "DIR" else shtab.FILE  # type: ignore[attr-defined]
    shtab.add_argument_to(parser, PRINT_SCRIPT, help="print a completion script for this shell")


def _all_actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:  # argparse gives no public way
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _all_actions(command)
        else:
            yield action
