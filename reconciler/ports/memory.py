"""What the engine asks of the state directory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from reconciler.core.drift.sightings import Sighting
from reconciler.core.explanation import Past
from reconciler.core.planning.cause import Applied, Base
from reconciler.core.planning.quarantine import Quarantined
from reconciler.core.planning.remembered import Block, Replaced
from reconciler.core.status.suspension import Suspension
from reconciler.ports.backups import Backups
from reconciler.ports.foreign_calls import ForeignCalls
from reconciler.ports.images import CheckedImages
from reconciler.ports.judged import JudgedFiles
from reconciler.ports.rebuild import Rebuilds


class Memory(Protocol):
    """
    What this tool remembers between runs. A cache of what was proven: losing it costs attribution, not truth.

    Every method may raise `errors.StateError`.
    """

    def applied(self, dataset: str, arn: str, source_refs: Iterable[str] | None = None) -> Base:
        """Return what was last proven in place, for the source-refs named, or for all."""
        ...

    def recorded(self, dataset: str) -> frozenset[str]:
        """Return the source-refs of all entries that were ever proven in place, and are desired still."""
        ...

    def applied_to(self, dataset: str) -> str | None:
        """Return the ARN of what a dataset was last applied to; None if it never was."""
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


class Begun(NamedTuple):
    """
    An update that was begun, and of whose end nothing is written.

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
        """Note that an update is about to be sent, and return its number; the rest as in `Begun`."""
        ...

    def forget(self, number: int) -> None:
        """Forget an update that was refused: it never began."""
        ...

    def end(self, number: int, result: str) -> None:
        """Note how it ended."""
        ...

    def unfinished(self, dataset: str) -> Sequence[Begun]:
        """Return the updates that were begun and not ended, oldest first."""
        ...

    def past(self, dataset: str, source_ref: str) -> Sequence[Past]:
        """Return the updates that an image was in, as far back as is remembered, oldest first."""
        ...


class Quarantine(Protocol):
    """Lines that are not sent for now, by source-ref."""

    def of(self, dataset: str) -> Mapping[str, Quarantined]: ...

    def put(self, dataset: str, quarantine: Iterable[Quarantined], released: Iterable[str]) -> None:
        """Keep these, and forget those that were released."""
        ...


class Kept(NamedTuple):
    """
    The last complete observation of a dataset.

    Attributes:
        desired: The digest of the desired state at that time, the policy included.
        description: The answer of DescribeDataset at that time, as opaque text for comparison.
        scanned_at: When the listing was complete, in seconds since the epoch.
        body: The summary of the observation, as JSON.
    """

    arn: str
    desired: bytes
    description: str
    scanned_at: float
    body: Mapping[str, object]


class Observations(Protocol):
    """The last complete observation of each dataset, to find out whether anything has changed since."""

    def of(self, dataset: str) -> Kept | None: ...

    def put(self, dataset: str, kept: Kept | None) -> None:
        """Replace the observation of a dataset; None deletes it."""
        ...


class ObservedHead(NamedTuple):
    """
    What holds for all remembered entries of a dataset.

    Attributes:
        scope: The digest of what decides how an entry is remembered: target, equality, and format.
        description: The answer of DescribeDataset that they belong to, as opaque text for comparison; empty while
            it is not known, since an update was begun.
        scanned_at: When they were last listed whole, in seconds since the epoch.
        are_applied: Whether each entry that equals its desired line is recorded as applied, too.
        desired: The key of the desired entries, if exactly these were observed; empty if anything differed.
    """

    arn: str
    scope: bytes
    description: str
    scanned_at: float
    are_applied: bool
    desired: bytes = b""


class Recollection(Protocol):
    """The remembered entries of one dataset, as they were when it was read."""

    @property
    def head(self) -> ObservedHead: ...

    def blocks(self) -> Iterator[Block]:
        """Yield the entries in blocks, ascending by source-ref."""
        ...


class ObservedEntries(Protocol):
    """The last complete observation of each dataset, entry by entry."""

    def of(self, dataset: str) -> Recollection | None: ...

    def head_of(self, dataset: str) -> ObservedHead | None:
        """Return the head alone, without reading the entries."""
        ...

    def replace(self, dataset: str, head: ObservedHead, blocks: Iterable[Block]) -> None:
        """Remember these entries, and no other."""
        ...

    def update(
        self, dataset: str, before: Recollection, head: ObservedHead, changed: Iterable[Replaced]
    ) -> None:
        """Replace the head and some blocks; forget everything if *before* is not what is remembered."""
        ...

    def invalidate(self, dataset: str) -> None:
        """Note that the entries are about to change: until they are updated, they belong to no description."""
        ...

    def forget(self, dataset: str) -> None: ...


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
