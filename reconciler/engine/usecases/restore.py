"""Restore entries from a backup: its lines become the desired lines of these entries, and of no others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import BinaryIO

from msgspec import structs

from reconciler.core.spec.choices import Compare, OnDrift, Orphans
from reconciler.core.spec.documents import Dataset
from reconciler.core.validation.problem import Origin
from reconciler.engine.dataset.context import NO_OVERRIDES, Overrides
from reconciler.engine.dataset.desired import Desired
from reconciler.engine.usecases.reading import read_desired
from reconciler.errors import UsageError
from reconciler.ports import Backup, Backups, LoadedDataset, Memory


@dataclass(frozen=True, slots=True)
class BackupFile:
    """`ports.EntryFile` of a snapshot."""

    backups: Backups
    saved: Backup

    @property
    def name(self) -> str:
        return f"snapshot {self.saved.id}"

    @property
    def origin(self) -> Origin:
        return Origin(self.name, 1)

    @property
    def pinned(self) -> None:
        return None

    def open(self) -> BinaryIO:
        return self.backups.open(self.saved.head.dataset, self.saved.id)

    def line_number(self, line: int) -> int:
        return line + 1  # the first line of the file is its header

    def identity(self) -> str | None:
        """Return None: what is kept of a backup is read once."""
        return None


def backups_of(dataset: str, memory: Memory) -> list[BackupFile]:
    """Return all that is kept of a dataset, oldest first: what applies overwrote, and what rebuilds replaced."""
    found = [
        BackupFile(backups, saved)
        for backups in (memory.backups, memory.archive)
        for saved in backups.of(dataset)
    ]
    return sorted(found, key=lambda file: file.saved.head.at)


def choose(files: Iterable[BackupFile], wanted: str | None) -> BackupFile:
    """
    Return the snapshot whose id begins with *wanted*, or the newest.

    Raises:
        UsageError: There is none, or more than one.
    """
    files = list(files)
    if not files:
        asked = f"--snapshot {wanted}: " if wanted else ""
        raise UsageError(
            f"{asked}nothing is kept of this dataset: no apply from this state directory overwrote any of it"
        )
    if wanted is None:
        return files[-1]
    found = [file for file in files if file.saved.id.startswith(wanted)]
    if len(found) == 1:
        return found[0]
    known = ", ".join(file.saved.id for file in found or files)
    raise UsageError(
        f"--snapshot {wanted}: {'several begin with it' if found else 'there is none'}; there are: {known}"
    )


def as_desired(
    loaded: LoadedDataset, file: BackupFile, overrides: Overrides = NO_OVERRIDES, revision: str | None = None
) -> Desired:
    """
    Return the entries of a snapshot as the desired entries of a dataset; its mode, limits and guards stay.

    They are compared exactly, whichever side changed, and other entries are left alone. A line that the
    service marked with errors when it was kept is named and not sent: it would be marked again.
    """
    origin = file.origin
    verbatim = LoadedDataset(_verbatim(loaded.spec), origin, (file,), (), loaded.partners)
    whole = read_desired(verbatim, structs.replace(overrides, released=True), revision)
    # The rules over a whole dataset say nothing about a part of one.
    noted = [problem for problem in whole.noted if problem.origin != origin]
    return replace(whole, noted=noted, usable=bool(len(whole.index)), partial=True)


def _verbatim(dataset: Dataset) -> Dataset:
    changes = {"compare": Compare.EXACT, "on_drift": OnDrift.REVERT, "orphans": Orphans.REPORT}
    policy = dataset.spec.policy.model_copy(update=changes)
    spec = dataset.spec.model_copy(update={"policy": policy, "ignore": ()})
    return dataset.model_copy(update={"spec": spec})
