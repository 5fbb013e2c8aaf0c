"""Create the source that the controller polls from the command line."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from reconciler.cli.specs import selection_of
from reconciler.core.runtime.fleet import Shard
from reconciler.engine.controller.source_poller import DIRECTORY_SECONDS, Polling
from reconciler.engine.usecases.spec_tree import select
from reconciler.errors import UsageError
from reconciler.ports import Download, Source, SpecRevision, Specs, Witness
from reconciler.redact import know
from reconciler.sources.blobs import Blobs
from reconciler.sources.directory_source import DirectorySource, SyncMetrics, TouchedFile
from reconciler.sources.git.address import Address
from reconciler.sources.git.clone import Clone
from reconciler.sources.git.repository import GitSource
from reconciler.sources.manifests import ManifestCache

DEFAULT_REF: Final = "main"


def followed(args: argparse.Namespace, download: Download, shard: Shard | None = None) -> Source:
    """
    Return the source that PATH and the git flags name, limited to the selected datasets of this shard.

    Args:
        download: Reads entries outside git.

    Raises:
        UsageError: The flags contradict each other.
    """
    state = Path(args.state_dir)
    manifests = ManifestCache(state / "manifests", download)
    if args.git is None:
        if args.verify_signatures:
            raise UsageError("--verify-signatures needs --git: a directory has no signature")
        if args.ref is not None:
            raise UsageError(f"--ref {args.ref} needs --git URL: a directory is read as it is")
        if args.git_password_file or args.git_password_env:
            raise UsageError("a password for git needs --git")
        source: Source = DirectorySource(Path(args.path), Blobs(state), manifests)
    else:
        address = Address(args.git, _password(args))
        clone = Clone(state / "git", address, args.ref or DEFAULT_REF, verify=args.verify_signatures)
        source = GitSource(clone, args.path, Blobs(state), manifests)
    if args.dataset or args.selector:
        source = NarrowedSource(source, partial(select, selection=selection_of(args)))
    return NarrowedSource(source, partial(_part_of, shard=shard)) if shard else source


def polling(args: argparse.Namespace) -> Polling:
    """
    Return how often the source is polled, and what confirms its revision.

    Raises:
        UsageError: The flags contradict each other, or --sync-metrics is not an HTTP URL.
    """
    witnesses = [flag for flag in (args.sync_metrics, args.sync_file) if flag is not None]
    if args.git is not None:
        if witnesses:
            raise UsageError("--sync-metrics and --sync-file are for a directory; --git asks the repository")
        return Polling(args.git_interval)
    if len(witnesses) > 1:
        raise UsageError("--sync-metrics and --sync-file: one of them is enough")
    witness: Witness | None = None
    if args.sync_metrics is not None:
        if not re.match(r"https?://[^/\s]+", args.sync_metrics):
            raise UsageError(f"--sync-metrics {args.sync_metrics}: it must begin with http:// or https://")
        witness = SyncMetrics(args.sync_metrics)
    elif args.sync_file is not None:
        witness = TouchedFile(Path(args.sync_file))
    return Polling(DIRECTORY_SECONDS, witness, args.sync_max_age)


class NarrowedSource:
    """
    A `ports.Source` that gives a part of the specs of another source.

    The whole tree is read first, so that every shard reports problems across datasets.
    """

    def __init__(self, source: Source, narrow: Callable[[Specs], Specs]) -> None:
        self._source = source
        self._narrow = narrow

    @property
    def name(self) -> str:
        return self._source.name

    def poll(self, known: str | None) -> SpecRevision | None:
        found = self._source.poll(known)
        return found and found._replace(specs=self._narrow(found.specs))

    def close(self) -> None:
        self._source.close()


def _part_of(specs: Specs, shard: Shard) -> Specs:
    datasets = tuple(dataset for dataset in specs.datasets if dataset.name in shard)
    broken = tuple(dataset for dataset in specs.broken if dataset.name in shard)
    return replace(specs, datasets=datasets, broken=broken)


def _password(args: argparse.Namespace) -> Callable[[], bytes | None] | None:
    """Return a reader of the git password; None if there is none. Reads it once, to raise errors early."""
    read = partial(secret, args, "git_password")
    return None if read() is None else read


def secret(args: argparse.Namespace, name: str) -> bytes | None:
    """
    Return a secret from the file or the environment variable of its two flags; None where neither is given.

    Args:
        name: What the flags begin with, as an attribute: ``token`` of --token-file and --token-env.

    Raises:
        UsageError: The secret cannot be read, or is empty.
    """
    file, variable = getattr(args, f"{name}_file"), getattr(args, f"{name}_env")
    if file is not None:
        try:
            found = Path(file).read_bytes().strip()
        except OSError as exc:
            raise UsageError(f"{file}: {exc.strerror or exc}") from exc
    elif variable is not None:
        found = os.environ.get(variable, "").strip().encode()
    else:
        return None
    if not found:
        raise UsageError(f"{file or variable}: the secret is empty")
    know(found.decode(errors="ignore"))
    return found
