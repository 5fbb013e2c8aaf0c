"""``reconciler status``: print the last known status, from the state directory alone."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from reconciler.cli.commands import Command
from reconciler.cli.flags import DEFAULT_PATH, add_output, add_selection
from reconciler.errors import Exit, UsageError


def _arguments(parser: argparse.ArgumentParser) -> None:
    add_selection(parser)
    parser.set_defaults(path=None)  # without specs it reports every dataset in the state directory
    add_output(parser, "status")


def _run(args: argparse.Namespace) -> int:
    """Print the stored status. A dataset that was never observed is unknown."""
    from reconciler.cli.clock import SystemClock
    from reconciler.cli.output.show import show
    from reconciler.reports.status.json import Known
    from reconciler.state import State

    with closing(State(Path(args.state_dir), read_only=True)) as state:
        known = dict(state.statuses())
        quarantined = {name: tuple(state.quarantine.of(name).values()) for name in known}
    records = {name: known.get(name, {}) for name in _chosen(known, args)}
    show("status", Known(records, quarantined, SystemClock().now()), args)
    return Exit.DONE


def _chosen(known: Collection[str], args: argparse.Namespace) -> Sequence[str]:
    """
    Return the selected names that the specs declare; without specs, those with a stored status.

    Raises:
        SourceError: PATH cannot be read, although it was given or a selector needs it.
        UsageError: The flags select nothing.
    """
    if args.path is None and not args.selector and not Path(DEFAULT_PATH).exists():
        if unknown := sorted(set(args.dataset).difference(known)):
            raise UsageError(f"nothing is known of {', '.join(unknown)}, and there are no {DEFAULT_PATH}")
        return args.dataset or list(known)
    from reconciler.cli.specs import selection_of
    from reconciler.engine.usecases.spec_tree import names, select
    from reconciler.sources.load import load
    from reconciler.sources.trees.directory import open_path

    opened = open_path(Path(args.path or DEFAULT_PATH))
    return names(select(load(opened.tree, opened.only), selection_of(args)))


COMMAND: Final = Command(
    name="status",
    summary="show the last known state, without calling AWS",
    example="reconciler status",
    exits=(Exit.DONE, Exit.UNKNOWN),
    arguments=_arguments,
    work=_run,
    document="status",
)
