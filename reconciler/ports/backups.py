"""The port to backups of observed lines, from which `restore` brings overwritten entries back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import BinaryIO, NamedTuple, Protocol


class BackupHeader(NamedTuple):
    """
    The header of a backup.

    Attributes:
        revision: The commit of the specs that were applied; None outside git.
        at: The time of the backup, in seconds since the epoch.
        plan: The digest of the plan that overwrote the lines.
        entries: The number of lines.
    """

    dataset: str
    arn: str
    revision: str | None
    at: float
    plan: str
    entries: int


class Backup(NamedTuple):
    """
    A stored backup.

    Attributes:
        id: Its name, unique within its dataset; names sort by time.
        size: In bytes on the disk.
    """

    id: str
    head: BackupHeader
    size: int


class Backups(Protocol):
    """Observed lines of each dataset, as they were before a change. The oldest are deleted beyond a limit."""

    def keep(self, head: BackupHeader, lines: Iterable[bytes]) -> Backup:
        """
        Write a backup to the disk, and read it back.

        Raises:
            StateError: It could not be written, or has not as many lines as *head* says.
        """
        ...

    def of(self, dataset: str) -> Sequence[Backup]:
        """Return the backups of a dataset, oldest first, without unreadable ones."""
        ...

    def open(self, dataset: str, backup_id: str) -> BinaryIO:
        """
        Open the lines of a backup as a seekable stream, in their original order.

        Raises:
            StateError: It does not exist, or is damaged.
        """
        ...
