"""What the engine uses of its process and its platform: time, progress, tracing, and the leases of a fleet."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from enum import StrEnum
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self, TypeAlias, TypeVar

if TYPE_CHECKING:  # ports name these, and only code that uses them imports them
    from reconciler.core.runtime.fleet import Record
    from reconciler.core.spec.documents import Target
    from reconciler.core.status.status_object import StatusEvent


class Clock(Protocol):
    """Time, and the only way to wait."""

    def now(self) -> float:
        """Return seconds since the epoch."""
        ...

    def sleep(self, seconds: float) -> None:
        """
        Wait.

        Raises:
            Interrupted: The process was asked to stop.
        """
        ...

    def draw(self) -> float:
        """Return a random number from 0 to 1, for jitter."""
        ...


class Progress(Protocol):
    """Shows the progress of a long step. Never needed for correctness."""

    def step(self, dataset: str, what: str, done: int, total: int | None) -> None:
        """
        Show how much of a step is done.

        Args:
            what: ``listing``, counted in entries; ``update``; or what is done, such as ``reading``.
            total: None if it is not known.
        """
        ...


class Silence:
    """A `Progress` that shows nothing."""

    def step(self, dataset: str, what: str, done: int, total: int | None) -> None:
        """Do nothing."""


Value: TypeAlias = str | int | None


class Span(Protocol):
    """One step while it lasts. Its attributes hold names, counts and codes: never content of an entry."""

    def note(self, **attributes: Value) -> None:
        """Add attributes; those that are None are left out."""
        ...

    def fail(self, kind: str) -> None:
        """Say that the step failed, and how, by the name of an error or a code."""
        ...


class Tracer(Protocol):
    """Takes spans. Never needed for correctness: no method of it, nor of its spans, raises anything."""

    def span(self, name: str, **attributes: Value) -> AbstractContextManager[Span]:
        """
        Open a span within the one that is open in this thread, for as long as the block runs.

        An exception that ends the block is noted by the name of its type, and goes on.
        """
        ...


class Untraced:
    """A `Tracer` that does nothing, and its only span."""

    def span(self, name: str, **attributes: Value) -> Self:
        """Return itself, a span that does nothing."""
        del name, attributes
        return self

    def note(self, **attributes: Value) -> None:
        """Do nothing."""

    def fail(self, kind: str) -> None:
        """Do nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let everything pass."""


class Leases(Protocol):
    """Records that all replicas of a fleet share, of which only one replica can replace each version."""

    @property
    def name(self) -> str:
        """Name the fleet for people."""
        ...

    def read(self) -> Mapping[str, Record]:
        """
        Return all records as they are now, by key.

        Raises:
            LeaseUnavailable: They could not be read.
        """
        ...

    def write(self, key: str, record: Record, at: float) -> bool:
        """
        Create the record (version empty), or replace the one of that version; False if another replica was faster.

        Args:
            at: Seconds since the epoch, for people only: no decision depends on it.

        Raises:
            LeaseUnavailable: Whether it was written is not known.
        """
        ...

    def remove(self, key: str) -> None:
        """
        Delete a record, whatever its version; it may already be gone.

        Raises:
            LeaseUnavailable: Whether it was deleted is not known.
        """
        ...

    def close(self) -> None: ...


class Permit(Protocol):
    """Permits the calls of this replica."""

    def __call__(self, target: Target, *, writes: bool) -> object:
        """
        Permit a call for a target that begins now.

        Raises:
            NotLeader: Another replica makes the calls there, or might before a writing call ends.
        """
        ...


class StatusObjects(Protocol):
    """Objects that show the status of datasets, and nothing reads. Any error may be raised: it is tried again."""

    def names(self) -> Collection[str]:
        """Return the names of the objects that `put` created, those of datasets that are gone included."""
        ...

    def put(self, name: str, status: Mapping[str, Any], *, create: bool = True) -> None:
        """Write the status of the object of a dataset; if there is none, create it or do nothing."""
        ...

    def post_event(self, name: str, event: StatusEvent) -> None:
        """Post an event about a dataset whose object exists."""
        ...

    def remove(self, name: str) -> None:
        """Delete an object; it may already be gone."""
        ...

    def close(self) -> None: ...


class Receipt(StrEnum):
    """What became of a message."""

    SENT = "sent"
    FAILED = "failed"  # it may be sent again
    REFUSED = "refused"  # it would be refused again


class Delivery(NamedTuple):
    """
    The result of sending a message.

    Attributes:
        reason: Why it was not accepted, without any secret.
        retry_after_seconds: The wait that the receiver asks for; None if it asks for none.
    """

    receipt: Receipt
    reason: str = ""
    retry_after_seconds: float | None = None


MessageT = TypeVar("MessageT", contravariant=True)


class Channel(Protocol[MessageT]):
    """A receiver of messages."""

    @property
    def name(self) -> str:
        """Name it for logs and metrics, without any secret."""
        ...

    def send(self, message: MessageT) -> Delivery:
        """Send a message; an exception counts as failed."""
        ...


class Home(Protocol):
    """The account and the Region of targets that do not name their own: those of the credentials."""

    def account(self) -> str | None:
        """Return the account; None until it is known. Never waits for an answer."""
        ...

    def region(self) -> str:
        """Return the Region."""
        ...


class MonotonicClock(Protocol):
    """The monotonic clock and jitter of the controller."""

    @property
    def stopping(self) -> bool:
        """Return whether the process was asked to stop."""
        ...

    def seconds(self) -> float:
        """Return the monotonic time in seconds."""
        ...

    def draw(self) -> float:
        """Return a random number from 0 to 1."""
        ...

    def clock(self, before_sleep: Callable[[], object]) -> Clock:
        """
        Return the clock of one cycle: it starts at the time of day and then runs monotonically.

        Its sleep calls *before_sleep* first, and raises `Interrupted` when the process must stop.
        """
        ...
