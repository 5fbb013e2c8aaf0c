"""
``reconciler diff``: compare the datasets of two revisions.

Makes no call, except for --download, and writes nothing but the cache of entries outside git.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from reconciler.cli.flags import DEFAULT_PATH
from reconciler.cli.output.show import show
from reconciler.cli.specs import download_missing, kept_manifests, open_named_path, selection_of
from reconciler.core.revision_diff import RevisionDiff, Side
from reconciler.engine.usecases.diff import diff_specs, unassigned
from reconciler.engine.usecases.spec_tree import Reading, read, select_each
from reconciler.errors import UsageError, gravest
from reconciler.ports import Specs
from reconciler.sources.git.history import History, opened_history
from reconciler.sources.load import load
from reconciler.sources.manifests import ManifestCache


class _Revisions(NamedTuple):
    """
    The revisions and the path of the command line.

    Attributes:
        after: None for the working tree.
        from_fork: Whether the earlier revision is where the later one forked from it.
    """

    before: str
    after: str | None
    path: str
    from_fork: bool = False


def run(args: argparse.Namespace) -> int:
    """Print what changes in every selected dataset, even if some cannot be read."""
    asked = _parse_sides(args)
    args.path = asked.path
    with opened_history(Path(asked.path)) as history:
        before, after = _sides(asked, history)
        with _read(args, history, before, after) as (old, new):
            datasets = diff_specs(old, new)
            problems = unassigned(datasets, old, new)
    found = RevisionDiff(before, after, asked.path, datasets, problems)
    show("diff", found, args)
    return gravest(found.exit_codes)


def _parse_sides(args: argparse.Namespace) -> _Revisions:
    """
    Tell the revisions from the path, as git does: the last of two words may be either.

    Raises:
        UsageError: It may be both, or a revision is given twice.
    """
    before, after, path = args.before, args.after, args.path
    if path is None and after is not None and Path(after).exists():
        with opened_history(Path(after)) as history:
            if history.knows(after):
                raise UsageError(f"{after} is a revision and a path: write ./{after} for the path, or both")
        after, path = None, after
    for dots in ("...", ".."):
        one, found, other = before.partition(dots)
        if found:
            if after is not None and path is None:
                after, path = None, after
            if after is not None:
                raise UsageError(f"{before} names two revisions already; {after} is a third")
            return _Revisions(one or "HEAD", other or "HEAD", path or DEFAULT_PATH, dots == "...")
    return _Revisions(before, after, path or DEFAULT_PATH)


def _sides(asked: _Revisions, history: History) -> tuple[Side, Side]:
    after = Side() if asked.after is None else Side(asked.after, history.commit(asked.after))
    if asked.from_fork and asked.after is not None:
        commit = history.fork_point(asked.before, asked.after)
        return Side(commit[:12], commit), after
    return Side(asked.before, history.commit(asked.before)), after


@contextmanager
def _read(args: argparse.Namespace, history: History, *sides: Side) -> Iterator[tuple[Reading, Reading]]:
    """Yield the desired entries of both revisions."""
    kept = kept_manifests(args)
    before, after = (_load(args, history, side, kept) for side in sides)
    with ExitStack() as stack:
        chosen = select_each((before, after), selection_of(args))
        for specs in chosen:
            download_missing(args, specs, kept)
        old, new = (stack.enter_context(closing(read(specs))) for specs in chosen)
        yield old, new


def _load(args: argparse.Namespace, history: History, side: Side, kept: ManifestCache) -> Specs:
    """
    Load the specs of a revision.

    Raises:
        SourceError: They cannot be read, or declare nothing.
    """
    if side.name is None or side.commit is None:
        opened = open_named_path(args)
        return load(opened.tree, opened.only, kept)
    tree, only = history.tree(side.name, side.commit)
    return load(tree, only, kept)
