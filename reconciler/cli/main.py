"""The way in: parse, then hand over to the one command that was asked for."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

from reconciler.cli.exits import guarded


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words == ["--version"] and sys.stdout:  # asked by scripts, in loops: not worth a parser
        from reconciler import __version__

        sys.stdout.write(f"reconciler {__version__}\n")
        return 0
    return guarded(lambda: _run(words))


def _run(words: Sequence[str]) -> int:
    from reconciler.cli.completion import FLAG, add_completion
    from reconciler.cli.parser import build

    completing = FLAG in words
    parser = build(words, whole=completing)
    add_completion(parser, wanted=completing)
    args = parser.parse_args(words)
    from reconciler.cli.logs import configure

    configure(args.log_format, args.log_level or ("info" if args.command == "run" else "warning"))
    command = importlib.import_module(args.module)
    code: int = command.run(args)
    return code
