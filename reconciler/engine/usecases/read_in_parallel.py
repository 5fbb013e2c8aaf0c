"""
Read several large datasets at once: this process takes a share, and forked ones take the others.

A forked process hashes texts as its parent does, so that an index is as good as one that was made here. It is only
done where it is safe: on Linux, before any thread is started.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from reconciler.engine.dataset.desired import Desired
from reconciler.errors import SourceError
from reconciler.ports import LoadedDataset

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

LARGE_BYTES: Final = 8_000_000
"""Below this, beginning a process costs more than it saves."""

Read = Callable[[LoadedDataset], Desired]

# What a forked process hands back of each dataset; the rest is known here already.
_PARTS: Final = ("noted", "lines", "facts", "usable", "unmatched", "key")


def read_each(datasets: Sequence[LoadedDataset], read: Read, blank: Read) -> tuple[Desired, ...]:
    """
    Read datasets, in order.

    Args:
        blank: Returns a dataset whose entries are not read yet.
    """
    sizes = [_size(dataset) for dataset in datasets]
    shares = _shares(sizes, _cores()) if sum(size >= LARGE_BYTES for size in sizes) > 1 else []
    if len(shares) < 2:
        return tuple(map(read, datasets))
    helpers = [_Helper([datasets[number] for number in share], read) for share in shares[1:]]
    try:
        found = {number: read(datasets[number]) for number in shares[0]}
        for helper, share in zip(helpers, shares[1:], strict=True):
            parts = helper.result()
            for place, number in enumerate(share):
                dataset = datasets[number]
                # A helper that the system has ended leaves its share to this process.
                found[number] = replace(blank(dataset), **parts[place]) if parts else read(dataset)
    finally:
        for helper in helpers:
            helper.end()
    return tuple(found[number] for number in range(len(datasets)))


class _Helper:
    """A forked process that reads some datasets."""

    def __init__(self, datasets: Sequence[LoadedDataset], read: Read) -> None:
        from multiprocessing import get_context  # most trees are read by one process

        fork = get_context("fork")
        self._here, there = fork.Pipe(duplex=False)
        self._process = fork.Process(target=_help, args=(datasets, read, there), daemon=True)
        self._process.start()
        there.close()

    def result(self) -> list[dict[str, Any]] | None:
        """Return the parts of each dataset; None if the process ended without."""
        try:
            parts: list[dict[str, Any]] = self._here.recv()
        except EOFError:
            return None
        return parts

    def end(self) -> None:
        self._process.terminate()
        self._process.join()
        self._here.close()


def _help(datasets: Sequence[LoadedDataset], read: Read, there: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is interrupted as well, and ends this process
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    found = map(read, datasets)
    there.send([{part: getattr(desired, part) for part in _PARTS} for desired in found])


def _shares(sizes: Sequence[int], count: int) -> list[list[int]]:
    """Distribute datasets by their sizes, the largest first, each to the share that has least."""
    shares: list[list[int]] = [[] for _ in range(min(count, len(sizes)))]
    for number in sorted(range(len(sizes)), key=lambda number: -sizes[number]):
        min(shares, key=lambda share: sum(sizes[one] for one in share)).append(number)
    return shares


def _size(dataset: LoadedDataset) -> int:
    """Return the bytes of all files of a dataset; one that cannot be opened is reported by its reader."""
    size = 0
    for file in dataset.files:
        try:
            with file.open() as stream:
                size += stream.seek(0, os.SEEK_END)
        except SourceError:
            continue
    return size


def _cores() -> int:
    """Return the number of processes that may work at once."""
    if sys.platform != "linux" or threading.active_count() > 1:
        return 1
    return len(os.sched_getaffinity(0))
