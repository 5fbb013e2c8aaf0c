"""What the engine asks of those who keep observed lines, so that what was overwritten can be brought back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import BinaryIO, NamedTuple, Protocol


class BackupHeader(NamedTuple):
    """
    What observed lines are about.

    Attributes:
        revision: Commit of the specs that were to be applied; None outside git.
        at: When they were kept, in seconds since the epoch.
        plan: Digest of the plan that was to change them.
        entries: How many lines there are.
    """

    dataset: str
    arn: str
    revision: str | None
    at: float
    plan: str
    entries: int


class Backup(NamedTuple):
    """
    One that is kept.

    Attributes:
        id: Its name among those of its dataset; the names sort by time.
        size: Bytes on the disk.
    """

    id: str
    head: BackupHeader
    size: int


class Backups(Protocol):
    """Observed lines of each dataset, as they were before something changed them. The oldest make room."""

    def keep(self, head: BackupHeader, lines: Iterable[bytes]) -> Backup:
        """
        Keep lines; they are on the disk when this returns, and have been read back.

        Raises:
            StateError: They could not be kept, or are not as many as *head* says.
        """
        ...

    def of(self, dataset: str) -> Sequence[Backup]:
        """Return what is kept of a dataset, oldest first; what cannot be read is left out."""
        ...

    def open(self, dataset: str, backup_id: str) -> BinaryIO:
        """
        Open the lines: seekable, one a line, in the order in which they were kept.

        Raises:
            StateError: It is not there, or damaged.
        """
        ...
