"""What is asked of AWS beside a dataset: access to it, for doctor, and a queue of events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from reconciler.core.spec.choices import DatasetType
from reconciler.ports.gateway import Description, Located


class Identity(NamedTuple):
    """The caller, as STS reports it."""

    account: str
    arn: str


class Access(Protocol):
    """
    Whether Rekognition can be reached in one account and Region. No call of it writes.

    Every method may raise a `errors.GatewayError`; none raises anything else on purpose.
    """

    @property
    def region(self) -> str: ...

    @property
    def region_from(self) -> str:
        """Return, for people, which setting chose this Region."""
        ...

    @property
    def assumes(self) -> bool:
        """Return whether calls are made as an assumed role."""
        ...

    def caller(self) -> Identity:
        """Return whose credentials were found."""
        ...

    def caller_from(self) -> str:
        """Return, for people, where they were found; call `caller` first."""
        ...

    def identity(self) -> Identity:
        """Return who makes the calls: the role, if there is one."""
        ...

    def locate(self, project: str, dataset_type: DatasetType) -> Located: ...

    def describe(self, arn: str) -> Description: ...

    def list_one(self, arn: str) -> None:
        """List one entry, to see whether that may be done."""
        ...


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
