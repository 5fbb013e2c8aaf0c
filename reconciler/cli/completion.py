"""Shell completion, made from the parser itself."""

from __future__ import annotations

import argparse
from typing import Final

FLAG: Final = "--print-completion"


def add_completion(parser: argparse.ArgumentParser, *, wanted: bool) -> None:
    """
    Add ``--print-completion bash|zsh|tcsh``: a script to be sourced by the shell.

    Args:
        wanted: Whether it was asked for; only then is it more than a line of the help, since that takes 30 ms.
    """
    if not wanted:
        parser.add_argument(FLAG, metavar="SHELL", help="print a completion script: bash, zsh or tcsh")
        return
    import shtab

    shtab.add_argument_to(parser, FLAG, help="print a completion script for this shell")
