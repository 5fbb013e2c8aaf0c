"""Read the specs that PATH and the selecting flags name."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.cli.flags import DEFAULT_PATH
from reconciler.core.entries.entry import bucket_and_key
from reconciler.core.planning.withholding import ChangeSelection
from reconciler.engine.dataset.context import NO_OVERRIDES, Overrides
from reconciler.engine.log import log
from reconciler.engine.usecases.spec_tree import Reading, Selection, log_skipped, read, select
from reconciler.errors import NoCredentials, SourceError, SpecError, UsageError
from reconciler.ports import LoadedDataset, Specs
from reconciler.sources.directory import Opened, as_committed, open_path
from reconciler.sources.entry_files import PinnedLines
from reconciler.sources.load import load
from reconciler.sources.manifests import ManifestCache
from reconciler.state.judged import JudgedFiles, cache_directory

if TYPE_CHECKING:
    from reconciler.cli.wiring import Wiring


def selected_specs(args: argparse.Namespace) -> tuple[Opened, Specs, Specs]:
    """
    Return the tree, all specs in it, and those that PATH and the flags select, their entries unread.

    Raises:
        SourceError: PATH cannot be read, or declares nothing.
        UsageError: The flags select nothing.
    """
    opened, kept = open_named_path(args), kept_manifests(args)
    specs = load(opened.tree, opened.only, kept)
    log_skipped(specs)
    chosen = select(specs, selection_of(args))
    download_missing(args, chosen, kept)
    return opened, specs, chosen


@contextmanager
def opened_specs(
    args: argparse.Namespace, overrides: Overrides = NO_OVERRIDES, *, remember: bool = False
) -> Iterator[tuple[Opened, Specs, Reading]]:
    """
    Yield what `selected_specs` returns, the selected part read and validated; errors as there.

    Args:
        remember: Remember what was found in the lines of large files, for this command and others.
    """
    opened, specs, chosen = selected_specs(args)
    judged = JudgedFiles(cache_directory(), read_only=not remember)
    with closing(read(chosen, overrides, judged)) as found:
        yield opened, specs, found


@contextmanager
def reading(
    args: argparse.Namespace, overrides: Overrides = NO_OVERRIDES, *, remember: bool = False
) -> Iterator[Reading]:
    """Yield the selected specs alone; arguments and errors as `opened_specs`."""
    with opened_specs(args, overrides, remember=remember) as (_, _, found):
        yield found


def named_dataset(args: argparse.Namespace) -> tuple[LoadedDataset, str | None]:
    """
    Return the dataset that --dataset names, its entries unread, and the revision of the tree.

    Raises:
        SpecError: Its document cannot be read.
        SourceError, UsageError: As `reading`.
    """
    opened = open_named_path(args)
    chosen = select(load(opened.tree, opened.only), selection_of(args))
    for broken in chosen.broken:
        raise SpecError(f"{broken.name} cannot be read; run validate to see why")
    if len(chosen.datasets) != 1:
        raise UsageError("this command works on one dataset: name it with --dataset")
    return chosen.datasets[0], chosen.revision


def kept_manifests(args: argparse.Namespace) -> ManifestCache:
    """Return the files of entries outside git that were downloaded before, by this command or others."""
    return ManifestCache((cache_directory() or Path(args.state_dir)) / "manifests")


def download_missing(args: argparse.Namespace, specs: Specs, kept: ManifestCache) -> None:
    """
    Download the entries outside git that are not kept yet, as long as the command may open connections.

    What cannot be downloaded is an error of its dataset, when that is read.
    """
    loaded = {one.name: one for dataset in specs.datasets for one in (dataset, *dataset.partners)}
    files = (file for dataset in loaded.values() for file in dataset.files if isinstance(file, PinnedLines))
    missing = [file for file in files if not kept.has(file.pinned)]
    if not missing or not getattr(args, "download", True):
        return
    from reconciler.cli.wiring import connected  # loads the AWS SDK

    with connected(args, read_only=True) as wiring:
        kept.download = wiring.download
        for file in missing:
            log.info("manifest.download", source=str(file.object))
            kept.fetch(file.object, file.target)
        kept.download = None


def open_named_path(args: argparse.Namespace) -> Opened:
    """
    Open PATH, and log why its revision is unknown if git should know it.

    Raises:
        SourceError: PATH cannot be read.
    """
    try:
        opened = open_path(Path(args.path))
    except SourceError as exc:
        if args.path == DEFAULT_PATH and not Path(DEFAULT_PATH).exists():
            raise SourceError(
                f"{DEFAULT_PATH} does not exist; it is only the default PATH: name your directory, "
                "or write a first one with `reconciler init`"
            ) from exc
        raise
    if opened.tree.no_revision:
        log.warning("source.notice", source=opened.tree.name, reason=opened.tree.no_revision)
        return opened
    checked = as_committed(opened)
    if checked.tree.no_revision:  # a person who edits specs knows; a document would name their commit
        note = log.info if getattr(args, "output", "text") == "text" else log.warning
        note("source.notice", source=checked.tree.name, reason=checked.tree.no_revision)
    return checked


def s3_place(text: str) -> tuple[str, str]:
    """Return bucket and prefix of ``s3://bucket/prefix``; the prefix may be empty."""
    bucket, prefix = bucket_and_key(text)
    return bucket, prefix.strip("/")


def overrides_of(args: argparse.Namespace) -> Overrides:
    """Return the guards lifted on the command line; a manual run sends what ``onChange: plan`` keeps."""
    return Overrides(args.allow_protected, args.allow_leakage, args.allow_frozen, released=True)


def change_selection_of(args: argparse.Namespace) -> ChangeSelection:
    """Return the selection by --source-ref, --class and --label."""
    return ChangeSelection(tuple(args.classes), tuple(args.labels), tuple(args.source_refs))


def selection_of(args: argparse.Namespace) -> Selection:
    """Return the selection by --dataset and --selector."""
    pairs = (text.partition("=") for text in args.selector)
    return Selection(frozenset(args.dataset), {key: value for key, _, value in pairs})


def require_credentials(wiring: Wiring, found: Reading, args: argparse.Namespace) -> None:
    """
    Report missing credentials once for all datasets, to a person who reads text and whose specs are sound.

    Other documents, and specs that have problems of their own, have the error for each dataset.

    Raises:
        NoCredentials: The SDK finds none at all.
    """
    sound = found.datasets and not found.broken and all(desired.usable for desired in found.datasets)
    if args.output == "text" and sound and not wiring.has_credentials(found.datasets[0].target):
        raise NoCredentials
