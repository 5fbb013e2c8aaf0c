"""``reconciler status``: the last known state, from the state directory alone."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path

from reconciler.cli.clock import SystemClock
from reconciler.cli.exits import Exit
from reconciler.cli.show import screen
from reconciler.cli.specs import selection_of
from reconciler.cli.terminal import out, stream
from reconciler.engine.reading import names, select
from reconciler.errors import SourceError
from reconciler.reports.status import render_status, write_status
from reconciler.sources.directory import open_path
from reconciler.sources.load import load
from reconciler.state import State


def run(args: argparse.Namespace) -> int:
    """Print what is remembered. What was never looked at is unknown, and said to be."""
    with closing(State(Path(args.state_dir), read_only=True)) as state:
        known = dict(state.statuses())
        held = {name: tuple(state.holds.of(name).values()) for name in known}
    declared = _declared(args)
    records = known if declared is None else {name: known.get(name, {}) for name in declared}
    now = SystemClock().now()
    if args.output == "json":
        stream(lambda target: write_status(records, held, now, target))
    else:
        out("\n".join(render_status(records, held, now, screen(args))))
    return Exit.DONE


def _declared(args: argparse.Namespace) -> list[str] | None:
    """Return the names that the specs declare and the flags select; None if the specs cannot be read."""
    try:
        opened = open_path(Path(args.path))
        specs = load(opened.tree, opened.only)
    except SourceError:
        return list(args.dataset) or None
    return names(select(specs, selection_of(args)))
