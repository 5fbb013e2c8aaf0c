"""Progress on a terminal: one line for each dataset, erased at the end; nothing in a pipe."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from reconciler.ports import Progress, Silence

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID


class TerminalProgress:
    """`ports.Progress` as bars on stderr."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def step(self, dataset: str, what: str, done: int, total: int | None) -> None:
        if dataset not in self._tasks:
            self._tasks[dataset] = self._bars.add_task(dataset, total=None)
        self._bars.update(self._tasks[dataset], description=f"{dataset}: {what}", completed=done, total=total)


@contextmanager
def progress(args: argparse.Namespace) -> Iterator[Progress]:
    """Yield a progress display for stderr; a silent one unless stderr is a terminal."""
    if args.no_progress or not sys.stderr.isatty():
        yield Silence()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bars

    console = Console(stderr=True, no_color=args.no_color or None)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Bars(*columns, console=console, transient=True) as bars:
        yield TerminalProgress(bars)
