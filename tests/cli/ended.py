"""Run a command in this process."""

from __future__ import annotations

from reconciler.cli.main import main


def ended(*words: str) -> int:
    """Run a command and return its exit code, also where its command line is refused."""
    try:
        return main(words)
    except SystemExit as exc:
        return int(exc.code or 0)
