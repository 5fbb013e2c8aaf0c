"""What the engine asks of a queue of events, and of the memory of the calls that were read from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from reconciler.core.drift.foreign_calls import ForeignCall


class Message(NamedTuple):
    """
    One message of a queue, which comes again unless it is deleted.

    Attributes:
        receipt: What names it until it comes again.
        receives: How many times it was received, this time included.
    """

    body: str
    receipt: str
    receives: int


class EventQueue(Protocol):
    """A queue of messages, each delivered at least once, in any order. Every method may raise `GatewayError`."""

    @property
    def name(self) -> str:
        """Name the queue for people."""
        ...

    def receive(self) -> Sequence[Message]:
        """Return some messages; waits up to 20 s for the first."""
        ...

    def delete(self, message: Message) -> None: ...

    def postpone(self, message: Message, seconds: int) -> None:
        """Let the message come again after so many seconds, for this receiver or another."""
        ...


class ForeignCalls(Protocol):
    """Calls of other principals by dataset, and the request IDs of own calls. Methods may raise `StateError`."""

    def of(self, dataset: str) -> Sequence[ForeignCall]:
        """Return what is remembered, the newest first."""
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
