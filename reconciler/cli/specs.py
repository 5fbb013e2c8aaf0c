"""From PATH and the selecting flags to what is desired."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from reconciler.engine.log import log
from reconciler.engine.reading import Reading, Selection, log_skipped, read, select
from reconciler.errors import SpecError, UsageError
from reconciler.ports import LoadedDataset
from reconciler.sources.directory import Opened, open_path
from reconciler.sources.load import load


@contextmanager
def reading(args: argparse.Namespace) -> Iterator[Reading]:
    """
    Give everything that PATH and the flags select, read and checked.

    Raises:
        SourceError: PATH cannot be read, or declares nothing.
        UsageError: The flags select nothing.
    """
    opened = opened_path(args)
    specs = load(opened.tree, opened.only)
    log_skipped(specs)
    chosen = select(specs, selection_of(args))
    with closing(read(chosen)) as found:
        yield found


def declared(args: argparse.Namespace) -> tuple[LoadedDataset, str | None]:
    """
    Give the one dataset that --dataset names, its entries unread, and the revision of the tree.

    Raises:
        SpecError: Its document cannot be read.
        SourceError, UsageError: As `reading`.
    """
    opened = opened_path(args)
    chosen = select(load(opened.tree, opened.only), selection_of(args))
    for broken in chosen.broken:
        raise SpecError(f"{broken.name} cannot be read; validate says why")
    if len(chosen.datasets) != 1:
        raise UsageError("this is done to one dataset at a time: name it once with --dataset")
    return chosen.datasets[0], chosen.revision


def opened_path(args: argparse.Namespace) -> Opened:
    """
    Open PATH. Why its revision is not known, where it could be, is logged.

    Raises:
        SourceError: It cannot be read.
    """
    opened = open_path(Path(args.path))
    if opened.tree.no_revision:
        log.warning("source.notice", source=opened.tree.name, reason=opened.tree.no_revision)
    return opened


def s3_place(text: str) -> tuple[str, str]:
    """
    Return bucket and prefix of ``s3://bucket/prefix``; the prefix may be empty.

    Raises:
        UsageError: It is no such address.
    """
    scheme, _, rest = text.partition("://")
    bucket, _, prefix = rest.partition("/")
    if scheme != "s3" or not bucket:
        raise UsageError(f"--bucket {text}: it must look like s3://bucket/prefix")
    return bucket, prefix.strip("/")


def lift(found: Reading, args: argparse.Namespace) -> None:
    """Lift the guards that the person at the keyboard says do not count, and release what waits for a person."""
    for dataset in found.datasets:
        dataset.allow_protected = args.allow_protected
        dataset.allow_leakage = args.allow_leakage
        dataset.released = True


def selection_of(args: argparse.Namespace) -> Selection:
    """
    Return what --dataset and --selector ask for.

    Raises:
        UsageError: A selector is not of the form KEY=VALUE.
    """
    return Selection(frozenset(args.dataset), dict(map(_pair, args.selector)))


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise UsageError(f"--selector {text}: it must look like KEY=VALUE")
    return key, value
