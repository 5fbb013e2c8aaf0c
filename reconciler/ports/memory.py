"""What the engine asks of the state directory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Protocol

from reconciler.ports.observations import CheckedImages, JudgedFiles, Observations, ObservedEntries
from reconciler.ports.rebuild import Rebuilds

if TYPE_CHECKING:  # ports name these, and only code that uses them imports them
    from reconciler.core.drift.annotations import Sighting
    from reconciler.core.drift.foreign_calls import ForeignCall
    from reconciler.core.explanation import PastUpdate
    from reconciler.core.planning.cause import Applied, Base
    from reconciler.core.planning.quarantine import Quarantined
    from reconciler.core.status.suspension import Suspension


class Memory(Protocol):
    """
    What this tool remembers between runs. A cache of what was proven: losing it costs attribution, not truth.

    Every method may raise `errors.StateError`.
    """

    def applied(self, dataset: str, arn: str, source_refs: Iterable[str] | None = None) -> Base:
        """Return the entries last proven in place: those of the source-refs named, or all."""
        ...

    def recorded(self, dataset: str) -> frozenset[str]:
        """Return the source-refs of all entries that were ever proven in place, and are desired still."""
        ...

    def applied_to(self, dataset: str) -> str | None:
        """Return the ARN to which a dataset was last applied; None if it never was applied."""
        ...

    def remember(
        self, dataset: str, arn: str, proven: Iterable[tuple[str, Applied]], gone: Iterable[str]
    ) -> None:
        """Note entries that were just seen in place, and forget those that are desired no more."""
        ...

    def record(self, dataset: str, status: Mapping[str, object]) -> None:
        """Keep the last known status of a dataset: JSON-able, replaced whole."""
        ...

    def statuses(self) -> Mapping[str, Mapping[str, object]]:
        """Return the last known status of every dataset, by name."""
        ...

    def claim(self, dataset: str) -> AbstractContextManager[None]:
        """
        Keep other processes from writing to the dataset while the block runs.

        Raises:
            Claimed: Another process is at it.
        """
        ...

    @property
    def journal(self) -> Journal: ...

    @property
    def quarantine(self) -> Quarantine: ...

    @property
    def observations(self) -> Observations: ...

    @property
    def observed(self) -> ObservedEntries: ...

    @property
    def sightings(self) -> Sightings: ...

    @property
    def suspensions(self) -> Suspensions: ...

    @property
    def notified(self) -> Notified: ...

    @property
    def foreign_calls(self) -> ForeignCalls: ...

    @property
    def backups(self) -> Backups:
        """Entries as they were before an apply overwrote them."""
        ...

    @property
    def archive(self) -> Backups:
        """Whole datasets as they were before a rebuild."""
        ...

    @property
    def rebuilds(self) -> Rebuilds: ...

    @property
    def images(self) -> CheckedImages: ...

    @property
    def judged(self) -> JudgedFiles: ...


class OpenUpdate(NamedTuple):
    """
    An update in the journal without an end.

    Attributes:
        begun_at: Seconds since the epoch, just before the call.
        description: The answer of DescribeDataset then, as opaque text for comparison; empty if not recorded.
    """

    number: int
    arn: str
    begun_at: float
    source_refs: tuple[str, ...]
    description: str = ""


class Journal(Protocol):
    """A diary of updates; each line of it is on the disk before its call goes out."""

    def begin(self, dataset: str, arn: str, source_refs: Sequence[str], now: float, description: str) -> int:
        """Note that an update is about to be sent, and return its number; the rest as in `OpenUpdate`."""
        ...

    def forget(self, number: int) -> None:
        """Forget an update that was refused: it never began."""
        ...

    def end(self, number: int, result: str) -> None:
        """Note how it ended."""
        ...

    def unfinished(self, dataset: str) -> Sequence[OpenUpdate]:
        """Return the updates that were begun and not ended, oldest first."""
        ...

    def past(self, dataset: str, source_ref: str) -> Sequence[PastUpdate]:
        """Return the updates that an image was in, as far back as is remembered, oldest first."""
        ...


class Quarantine(Protocol):
    """Lines that are not sent for now, by source-ref."""

    def of(self, dataset: str) -> Mapping[str, Quarantined]: ...

    def put(self, dataset: str, quarantine: Iterable[Quarantined], released: Iterable[str]) -> None:
        """Keep these, and forget those that were released."""
        ...


class Sightings(Protocol):
    """Since when which image is drifted, and how often it has been."""

    def of(self, dataset: str) -> Mapping[str, Sighting]: ...

    def replace(self, dataset: str, sightings: Iterable[Sighting]) -> None:
        """Keep these, and forget all others of the dataset."""
        ...


class Suspensions(Protocol):
    """Datasets to which nothing is applied for now, by request of a person."""

    def all(self) -> Mapping[str, Suspension]:
        """Return the suspension of each suspended dataset, even if it is over."""
        ...

    def put(self, suspensions: Mapping[str, Suspension | None]) -> None:
        """Replace the suspensions of these datasets; None deletes one."""
        ...


class Notified(Protocol):
    """Documents about what was reported to notification channels, and what is still to be sent."""

    def read(self, name: str) -> str | None: ...

    def write(self, bodies: Mapping[str, str]) -> None:
        """Replace these documents, all or none."""
        ...


class ForeignCalls(Protocol):
    """Calls of other principals by dataset, and the request IDs of own calls. Methods may raise `StateError`."""

    def of(self, dataset: str) -> Sequence[ForeignCall]:
        """Return the remembered calls, the newest first."""
        ...

    def add(self, dataset: str, call: ForeignCall) -> bool:
        """Remember a call, and return whether it was new; of each dataset the newest are kept."""
        ...

    def settle(self, dataset: str, until: float, now: float) -> None:
        """Note that an observation that began at *until* left no drift: earlier calls cause none after *now*."""
        ...

    def add_own(self, arn: str, request_id: str, now: float) -> None:
        """Remember a call that this process made to a project or dataset."""
        ...

    def is_own(self, request_id: str) -> bool: ...

    def unanswered(self, arn: str, since: float, until: float) -> int:
        """Return how many updates the journal began in this time whose request IDs are not known."""
        ...


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

    def drop(self, backup: Backup) -> None:
        """Delete a backup of which nothing was overwritten; that it cannot be deleted is no error."""
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
